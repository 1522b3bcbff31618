"""What is held of a log, and which lines of it are in sight; no drawing.

Held are lines without gaps: the newest, or some older part that a person went to. When
only some of them are in sight, older ones that fit are found in the store and stand
above. All of it is bounded in lines and in bytes.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from bistro_tui.engine.view import Attempt, LogLine, LogPage, LogSearch, Stream, TaskId
from bistro_tui.present.log_target import LogScope, Several, Target
from bistro_tui.present.sought import NOTHING_SOUGHT, Sought
from bistro_tui.present.tasks import EVERYTHING

PAGE = 5_000
"""Lines asked for at once while following."""
OLDER = 1_000
"""Lines asked for at once when looking back."""
CAPACITY = 20_000
"""Lines held."""
CAPACITY_BYTES = 16 * 2**20
_SHORT_PAGE = 256 * 2**10
"""A page of fewer bytes and lines than fit in one is all that there is."""
_LINE_BYTES = 250
"""What a line takes beside its text, about."""

BOTH = (Stream.STDOUT, Stream.STDERR)
_CYCLE: Mapping[tuple[Stream, ...], tuple[Stream, ...]] = {
    BOTH: (Stream.STDOUT,),
    (Stream.STDOUT,): (Stream.STDERR,),
    (Stream.STDERR,): BOTH,
}


class Change(NamedTuple):
    """How the lines in sight differ from before, in numbers of lines."""

    gone: int = 0
    """Off the top."""
    older: int = 0
    """Came at the top."""
    came: int = 0
    """Came at the bottom."""
    lost: int = 0
    """Off the bottom."""
    unseen: int = 0
    """Came behind the bottom and were not taken."""
    anew: bool = False
    """Other lines altogether; the numbers say nothing but ``came``."""


NO_CHANGE = Change()


class LogBuffer:
    """What has been read of one log.

    ``shown`` are the whole lines in sight, oldest first; ``unfinished`` the beginnings
    of lines whose newline has not come yet.
    """

    def __init__(self) -> None:
        self.target = Target()
        self.streams: tuple[Stream, ...] = BOTH
        self.sought = NOTHING_SOUGHT
        self._clear()

    def _clear(self) -> None:
        self.last_id = 0
        self.running = False
        self.at_end = True
        """Whether the newest line of the log is held."""
        self.shown: list[LogLine] = []
        self.unfinished: dict[Stream, bytes] = {}
        self._held: list[LogLine] = []
        self._held_bytes = 0
        self._found: list[LogLine] = []
        self._older_from: int | None = None
        self._is_begun = not self.target.is_live
        self._has_first = False
        """Whether the oldest line of the log is held."""

    @property
    def task(self) -> TaskId | None:
        """The task whose log this is; None for several."""
        return self.target.task

    @property
    def scope(self) -> LogScope:
        """Whose lines are in sight when it is the log of several tasks."""
        return self.target.scope

    @property
    def attempt(self) -> Attempt | None:
        """The only attempt whose lines these are."""
        return self.target.attempt

    @property
    def held(self) -> int:
        """How many lines were read and kept, in sight or not."""
        return len(self._held) + len(self._found)

    @property
    def is_silent(self) -> bool:
        """Whether it is the log of one task that does not run and printed nothing."""
        said = self.held or self.unfinished or self.last_id
        return self.task is not None and self._is_begun and not (self.running or said)

    @property
    def is_narrowed(self) -> bool:
        """Whether some of the lines held may be out of sight."""
        everything = self.target.task is not None or self.scope == EVERYTHING
        return bool(self.sought) or self.streams != BOTH or not everything

    # Choosing.

    def retarget(self, target: Target) -> None:
        """Forget all lines and begin with another log; streams and filter stay."""
        self.target = target
        self._clear()

    def restart(self) -> None:
        """Forget all lines and begin again at the end of the same log."""
        target = self.target
        again = Target(task=target.task, scope=target.scope, attempt=target.attempt)
        self.retarget(again)

    def next_streams(self) -> tuple[Stream, ...]:
        """Go on from both to stdout, to stderr, to both; return what is now shown."""
        self.streams = _CYCLE[self.streams]
        self._narrow()
        return self.streams

    def seek(self, sought: Sought) -> None:
        """Show only the lines that fit."""
        self.sought = sought
        self._narrow()

    def _narrow(self) -> None:
        # What was found in the store fits the choice from before.
        self._found, self._older_from = [], 0 if self._has_first else None
        self._sift()
        self.unfinished = {
            stream: text
            for stream, text in self.unfinished.items()
            if stream in self.streams
        }

    def _sift(self) -> None:
        self.shown = [*self._found, *self._in_sight(self._held)]

    def _in_sight(self, lines: Sequence[LogLine]) -> list[LogLine]:
        if not self.is_narrowed:
            return list(lines)
        return [line for line in lines if self.is_in_sight(line)]

    def is_in_sight(self, line: LogLine) -> bool:
        """Return whether a line is shown, by all that narrows the log."""
        return self.is_in_scope(line) and (not self.sought or self.sought.fits(line))

    def is_in_scope(self, line: LogLine) -> bool:
        """Return whether a line is of the streams and tasks that are looked at."""
        if line.stream not in self.streams:
            return False
        return self.target.task is not None or self.scope.holds(line.task)

    # New lines.

    def add(self, page: LogPage, *, keep: bool = False) -> Change:
        """Take what is new at the end of the log.

        ``keep``: somebody reads the lines in sight, so none of them may go; what there
        is no room for is then left to the store.
        """
        self.running = page.attempt_running
        if not self._is_begun:
            self._is_begun = True
            if len(page.lines) < PAGE and _size(page.lines) < _SHORT_PAGE:
                self._older_from, self._has_first = 0, True
        self.unfinished = {
            stream: text
            for stream, text in page.partial.items()
            if stream in self.streams and text
        }
        news: Sequence[LogLine] = page.lines
        if news and news[0].line_id <= self.last_id and not self.is_several:
            news = [line for line in news if line.line_id > self.last_id]
        self.last_id = max(self.last_id, page.last_id)
        if not news:
            return NO_CHANGE
        if not self.at_end:
            return Change(unseen=len(self._in_sight(news)))
        may_miss = len(news) >= PAGE and bool(self._held)
        size = _size(news)
        if keep and (may_miss or self._is_full(len(news), size)):
            self.at_end = False
            return Change(unseen=len(self._in_sight(news)))
        if may_miss:
            self._held, self._found, self._older_from = [], [], None
            self._held_bytes, self._has_first = 0, False
        came = self._in_sight(news)
        out_of_order = bool(self._held and news[0].line_id < self._held[-1].line_id)
        self._held.extend(news)
        self._held_bytes += size
        if may_miss or out_of_order:
            if out_of_order:
                self._held.sort(key=lambda line: line.line_id)
            self._sift()
            self._trim_top()
            return Change(came=len(came), anew=True)
        self.shown.extend(came)
        return Change(gone=self._trim_top(), came=len(came))

    @property
    def is_several(self) -> bool:
        """Whether it is merged of tasks that were marked."""
        return isinstance(self.scope, Several) and self.target.task is None

    def _is_full(self, lines: int, size: int) -> bool:
        return (
            len(self._held) + lines > CAPACITY + CAPACITY // 10
            or self._held_bytes + size > CAPACITY_BYTES + CAPACITY_BYTES // 10
        )

    def _trim_top(self) -> int:
        """Let go of the oldest lines held; return how many went out of sight."""
        # A tenth at a time: deleting from the front of a list moves all that is left.
        if not self._is_full(0, 0):
            return 0
        dropped = self._cut(_excess(self._held, self._held_bytes))
        self._has_first = False
        if not self.is_narrowed:
            self._older_from = None
            gone = len(dropped)
        else:
            # What fits of them stays in sight, as if found in the store.
            last = dropped[-1].line_id
            at = bisect_right(self.shown, last, key=lambda line: line.line_id)
            self._found = self.shown[:at]
            gone = _excess(self._found, _size(self._found))
            if gone:
                del self._found[:gone]
                self._older_from = None
        del self.shown[:gone]
        return gone

    def _cut(self, number: int) -> list[LogLine]:
        dropped = self._held[:number]
        del self._held[:number]
        self._held_bytes -= _size(dropped)
        return dropped

    # Older lines, and those after the ones held.

    def older_question(self) -> LogSearch | None:
        """Return what to ask for the lines above; None: there are none."""
        if self._older_from == 0 or self.is_several or not self._is_begun:
            return None
        if self.is_narrowed and len(self._found) >= CAPACITY:
            return None
        begin = self._older_from
        if begin is None and self.shown_or_held:
            begin = self.shown_or_held[0].line_id - 1
            if begin <= 0:
                return None
        return self._question(begin, backwards=True, limit=OLDER)

    @property
    def shown_or_held(self) -> Sequence[LogLine]:
        """The lines whose first one is the oldest that was read."""
        return self._found or self._held

    def _question(
        self, line_id: int | None, *, backwards: bool, limit: int, sift: bool = True
    ) -> LogSearch:
        attempt = self.target.attempt
        return LogSearch(
            task=self.target.task,
            invocation=None if attempt is None else attempt.invocation,
            streams=self.streams if sift else BOTH,
            text=self.sought.needle if sift else "",
            regex=self.sought.regex if sift else "",
            line_id=line_id,
            backwards=backwards,
            limit=limit,
        )

    def add_older(self, page: LogPage) -> Change:
        """Take the answer to ``older_question``."""
        self._older_from = page.last_id
        lines = list(page.lines)
        if not lines:
            return NO_CHANGE
        fit = self._in_sight(lines)
        if self.is_narrowed:
            self._found[:0] = fit
            self.shown[:0] = fit
            return Change(older=len(fit))
        self._has_first = page.last_id == 0
        self._held[:0] = lines
        self._held_bytes += _size(lines)
        lost = 0
        if self._is_full(0, 0):
            lost = _excess(self._held[::-1], self._held_bytes)
            kept = len(self._held) - lost
            self._held_bytes -= _size(self._held[kept:])
            del self._held[kept:]
            self.at_end = False
        self.shown = list(self._held)
        return Change(older=len(lines), lost=lost)

    def newer_question(self) -> LogSearch | None:
        """Return what to ask for the lines below; None: they come by themselves."""
        if self.at_end or not self._held:
            return None
        begin = self._held[-1].line_id + 1
        return self._question(begin, backwards=False, limit=OLDER, sift=False)

    def add_newer(self, page: LogPage) -> Change:
        """Take the answer to ``newer_question``."""
        lines = list(page.lines)
        self.at_end = page.last_id == 0
        if self.at_end:
            held = lines or self._held
            self.last_id = held[-1].line_id if held else 0
        came = self._in_sight(lines)
        self._held.extend(lines)
        self._held_bytes += _size(lines)
        self.shown.extend(came)
        return Change(gone=self._trim_top(), came=len(came))

    def begin_at(self, before: LogPage, after: LogPage) -> None:
        """Hold some part of the log: lines up to a place, and those after it."""
        self._clear()
        self._is_begun = True
        self._held = [*before.lines, *after.lines]
        self._held_bytes = _size(self._held)
        self._older_from = None if self.is_narrowed else before.last_id
        self.at_end = after.last_id == 0
        self.last_id = self._held[-1].line_id if self._held else 0
        self._sift()

    def around_questions(self, line_id: int) -> tuple[LogSearch, LogSearch]:
        """Return what to ask for the lines up to that one, and for those after it."""
        return (
            self._question(line_id, backwards=True, limit=OLDER, sift=False),
            self._question(line_id + 1, backwards=False, limit=OLDER, sift=False),
        )

    def next_question(self, sought: Sought, *, backwards: bool) -> LogSearch | None:
        """Return what to ask for the next line that fits, beyond the lines held."""
        if not self._held or not (sought.needle or sought.regex):
            return None
        if not backwards and self.at_end:
            return None
        edge = self._held[0].line_id - 1 if backwards else self._held[-1].line_id + 1
        attempt = self.target.attempt
        return LogSearch(
            task=self.target.task,
            invocation=None if attempt is None else attempt.invocation,
            streams=self.streams,
            text=sought.needle,
            regex=sought.regex,
            line_id=edge,
            backwards=backwards,
            limit=200,
        )


def _size(lines: Iterable[LogLine]) -> int:
    return sum(len(line.line) + _LINE_BYTES for line in lines)


def _excess(lines: Sequence[LogLine], size: int) -> int:
    """Return how many lines have to go from the front, for all bounds to hold."""
    number = max(0, len(lines) - CAPACITY)
    size -= _size(lines[:number])
    while size > CAPACITY_BYTES and number < len(lines) - 1:
        size -= len(lines[number].line) + _LINE_BYTES
        number += 1
    return number


def streams_word(streams: Iterable[Stream]) -> str:
    """Return ``stdout``, ``stderr`` or ``stdout + stderr``."""
    return " + ".join(stream.value for stream in streams)
