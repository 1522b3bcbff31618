"""The newest lines of a log, and which of them are in sight; no drawing."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bistro_tui.engine.view import LogLine, LogPage, Stream, TaskId
from bistro_tui.present.clean import clean_log
from bistro_tui.present.filters import Filter
from bistro_tui.present.tasks import EVERYTHING, Scope

CAPACITY = 5000
"""Lines held, and asked for at once; older ones are left to the store."""

BOTH = (Stream.STDOUT, Stream.STDERR)
_CYCLE: Mapping[tuple[Stream, ...], tuple[Stream, ...]] = {
    BOTH: (Stream.STDOUT,),
    (Stream.STDOUT,): (Stream.STDERR,),
    (Stream.STDERR,): BOTH,
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Target:
    """One choice of a log; a new choice of the same log is another target."""

    task: TaskId | None
    """None: all tasks in scope, merged."""
    scope: Scope


class LogBuffer:
    """What has been read of one log.

    ``shown`` are the whole lines in sight, oldest first; ``unfinished`` the beginnings
    of lines whose newline has not come yet.
    """

    def __init__(self) -> None:
        self.target = Target(task=None, scope=EVERYTHING)
        self.last_id = 0
        self.running = False
        self.shown: list[LogLine] = []
        self.unfinished: dict[Stream, bytes] = {}
        self.streams: tuple[Stream, ...] = BOTH
        self.filter = Filter()
        self._all: list[LogLine] = []

    @property
    def task(self) -> TaskId | None:
        """The task whose log this is; None for several."""
        return self.target.task

    @property
    def scope(self) -> Scope:
        """Whose lines are in sight when it is the log of several tasks."""
        return self.target.scope

    @property
    def held(self) -> int:
        """How many lines were read and kept, in sight or not."""
        return len(self._all)

    def retarget(self, task: TaskId | None, scope: Scope) -> None:
        """Forget all lines and begin with another log; streams and filter stay."""
        self.target = Target(task=task, scope=scope)
        self.last_id = 0
        self.running = False
        self.shown, self.unfinished, self._all = [], {}, []

    def add(self, page: LogPage) -> tuple[int, int]:
        """Take what is new; return how many lines went off the top, and came below.

        Both count lines in sight.
        """
        self.running = page.attempt_running
        self.unfinished = {
            stream: text
            for stream, text in page.partial.items()
            if stream in self.streams and text
        }
        news = [line for line in page.lines if line.line_id > self.last_id]
        self.last_id = max(self.last_id, page.last_id)
        if not news:
            return 0, 0
        if len(news) >= CAPACITY:
            # Lines between what we hold and what came may be missing: begin anew.
            gone = len(self.shown)
            self._all = list(news)
            self.shown = [line for line in news if self._in_sight(line)]
            return gone, len(self.shown)
        self._all.extend(news)
        came = [line for line in news if self._in_sight(line)]
        self.shown.extend(came)
        return self._trim(), len(came)

    def _trim(self) -> int:
        # A tenth at a time: deleting from the front of a list moves all that is left.
        if len(self._all) <= CAPACITY + CAPACITY // 10:
            return 0
        del self._all[: len(self._all) - CAPACITY]
        oldest = self._all[0].line_id
        gone = next(
            (i for i, line in enumerate(self.shown) if line.line_id >= oldest),
            len(self.shown),
        )
        del self.shown[:gone]
        return gone

    def next_streams(self) -> tuple[Stream, ...]:
        """Go on from both to stdout, to stderr, to both; return what is now shown."""
        self.streams = _CYCLE[self.streams]
        self._sift()
        return self.streams

    def set_filter(self, wanted: Filter) -> None:
        """Show only the lines that fit."""
        self.filter = wanted
        self._sift()

    def _sift(self) -> None:
        self.shown = [line for line in self._all if self._in_sight(line)]
        self.unfinished = {
            stream: text
            for stream, text in self.unfinished.items()
            if stream in self.streams
        }

    def _in_sight(self, line: LogLine) -> bool:
        if line.stream not in self.streams or not self.target.scope.holds(line.task):
            return False
        return not self.filter or self.filter.matches(clean_log(line.line))


def streams_word(streams: Iterable[Stream]) -> str:
    """Return ``stdout``, ``stderr`` or ``stdout + stderr``."""
    return " + ".join(stream.value for stream in streams)
