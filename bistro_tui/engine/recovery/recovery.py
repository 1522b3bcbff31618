"""The start after a run that did not end: wait, end what is left, adopt, tidy up.

Nothing starts meanwhile. Every step may be broken off anywhere and is done again by the
next start: the journal goes last.
"""

import asyncio
import contextlib
import logging
import signal
import sqlite3
from collections.abc import Callable, Iterator, Sequence

from bistro_tui.engine.recovery.adoption import Adopted, Adopters, adopt, remove_files
from bistro_tui.engine.recovery.ending import end_what_is_left, immovable
from bistro_tui.engine.recovery.groups import remove_groups
from bistro_tui.engine.recovery.journals import LeftJournal, find_successors
from bistro_tui.engine.recovery.records import LeftAttempt, left_attempt
from bistro_tui.engine.scheduling.events import StartsPaused, StartsResumed
from bistro_tui.engine.statuses.attempts import NOWHERE, StatusPlace
from bistro_tui.engine.warden.program import boot_id

log = logging.getLogger("bistro_tui")

SOONEST_SEC, LATEST_SEC = 0.02, 0.25
"""How often what cannot be waited for is looked at."""

FIRST_URGE_SEC, URGE_SEC = 0.2, 1.0
"""When and how often people are told of a warden that is waited for."""

PATIENCE_SEC = 15.0
"""How long a warden may take beyond its kill waits before it is killed itself."""

RETRY_SEC = 1.0

MOST_NAMED = 5
"""Processes that do not go, told of by number."""

_CAUSE = "recovery"


class Recovery:
    """Deals with what the run before left, once; ``close`` it in any case."""

    def __init__(
        self,
        journals: Sequence[LeftJournal],
        adopters: Adopters | None,
        *,
        feed: Callable[[Sequence[StartsPaused | StartsResumed]], None],
    ) -> None:
        """``journals`` are closed by ``close``; ``feed`` tells the core.

        Without ``adopters`` processes are ended, and what they left stays for the next
        start that keeps statuses.
        """
        self._journals = list(journals)
        self._adopters = adopters
        self._feed = feed
        self._text = ""
        self._killed = 0

    @property
    def is_needed(self) -> bool:
        """Whether there is anything to be done."""
        return bool(self._journals)

    def announce(self) -> None:
        """Let nothing start before ``run`` is through, if there is anything to do."""
        if self.is_needed:
            self._pause("what the run before left is being looked at")

    async def run(self) -> None:
        """Return when nothing of the run before is alive and its results are stored.

        Then tasks may start. What goes wrong with a disk is told and tried again.
        """
        if self.is_needed:
            await self._recover()
            self.close()
            self._feed([StartsResumed(_CAUSE)])

    async def _recover(self) -> None:
        while True:
            try:
                await self._wait_for_wardens()
                attempts = self._take_stock()
                await self._end_processes(attempts, self._groups())
                if self._adopters is not None:
                    self._tell(await adopt(attempts, self._adopters))
                elif self._killed:
                    log.info("killed %s", _left_over(self._killed))
                await self._tidy_up()
            except (OSError, sqlite3.Error) as error:
                self._wait(f"what the run before left cannot be adopted yet: {error}")
                await asyncio.sleep(RETRY_SEC)
            else:
                return

    def close(self) -> None:
        """Let go of every journal; a warden that somebody stopped goes on."""
        while self._journals:
            journal = self._journals.pop()
            with contextlib.suppress(OSError):
                if not journal.is_stored and journal.is_held():
                    journal.signal_warden(signal.SIGCONT)
            journal.close()

    def _wait(self, text: str) -> None:
        if text != self._text:
            self._text = text
            self._pause(text)
            log.info("%s", text)

    def _pause(self, text: str) -> None:
        self._feed([StartsPaused(_CAUSE, text)])

    async def _wait_for_wardens(self) -> None:
        loop = asyncio.get_running_loop()
        began, delay = loop.time(), SOONEST_SEC
        next_urge = began + FIRST_URGE_SEC
        while held := self._held():
            if loop.time() >= next_urge:
                await self._urge(held, loop.time() - began)
                next_urge = loop.time() + URGE_SEC
            await asyncio.sleep(delay)
            delay = min(2 * delay, LATEST_SEC)

    def _held(self) -> list[LeftJournal]:
        held = [one for one in self._journals if not one.is_stored and one.is_held()]
        if not held and (fresh := find_successors(self._journals)):
            self._journals += fresh
            return self._held()
        return held

    async def _urge(self, held: Sequence[LeftJournal], waited: float) -> None:
        """Say what is waited for; continue a stopped warden, end one that hangs.

        One whose tasks nobody can kill does not hang.
        """
        contents = [journal.read() for journal in held]
        number = sum(len(content.unsettled) for content in contents)
        who = _counted(number, "task") if number else "the warden"
        verb = "are" if number > 1 else "is"
        pids = ", ".join(str(content.pid) for content in contents if content.pid)
        text = f"{who} of the run before {verb} still ending (warden: {pids})"
        attempts = [tuple(self._attempts_of(journal, [])) for journal in held]
        waits = [left.kill_wait_sec for some in attempts for left in some]
        is_late = waited > max(waits, default=0.0) + PATIENCE_SEC
        staying: list[int] = []
        for journal, some in zip(held, attempts, strict=True):
            found = await asyncio.to_thread(immovable, some) if is_late else ()
            staying += found
            is_hanging = is_late and not found
            journal.signal_warden(signal.SIGKILL if is_hanging else signal.SIGCONT)
        self._wait(_not_going(staying) if staying else text)

    def _take_stock(self) -> list[LeftAttempt]:
        """Return what was not settled; report damage."""
        found: dict[object, LeftAttempt] = {}
        for journal in self._journals:
            if journal.is_gone or journal.is_stored:
                continue
            troubles: list[str] = []
            for left in self._attempts_of(journal, troubles):
                found[left.task, left.invocation] = left
            if troubles:
                kept = journal.keep_copy()
                log.warning("%s: %s; kept as %s", journal.path, troubles[0], kept)
        return list(found.values())

    def _attempts_of(
        self, journal: LeftJournal, troubles: list[str]
    ) -> Iterator[LeftAttempt]:
        content = journal.read()
        if content.damaged:
            troubles.append(f"{_counted(content.damaged, 'line')} not understood")
        for entry in content.unsettled:
            try:
                yield left_attempt(entry, content.boot_id)
            except ValueError as error:
                troubles.append(
                    f"its attempt {entry.number} is not understood: {error}"
                )

    def _groups(self) -> list[bytes]:
        """Return the control groups that were made for its tasks, if they still are."""
        contents = [one.read() for one in self._journals if not one.is_gone]
        paths = {one.cgroup for one in contents if one.boot_id == boot_id()}
        return [path for path in paths if path]

    async def _end_processes(
        self, attempts: Sequence[LeftAttempt], groups: Sequence[bytes]
    ) -> None:
        delay = SOONEST_SEC
        while attempts or groups:
            swept = await asyncio.to_thread(end_what_is_left, attempts, groups)
            self._killed = max(self._killed, swept.signalled)
            if swept.is_clean:
                remove_groups(groups)
                return
            if swept.hindrance:
                self._wait(
                    f"what the run before left cannot be seen: {swept.hindrance}"
                )
            elif delay >= LATEST_SEC:
                self._wait(_not_going(swept.alive))
            await asyncio.sleep(delay)
            delay = min(2 * delay, LATEST_SEC)

    async def _tidy_up(self) -> None:
        # Stored ones first: one that is marked now may take the name of one of them.
        for journal in sorted(self._journals, key=lambda one: not one.is_stored):
            if journal.is_gone:
                continue
            attempts = tuple(self._attempts_of(journal, []))
            if not journal.is_stored:
                if foreign := [left for left in attempts if self._is_foreign(left)]:
                    log.info("%s", _kept(foreign))
                    continue
                journal.mark_stored()
            for number, left in enumerate(attempts):
                remove_files(left)
                if number % 100 == 99:
                    await asyncio.sleep(0)
            journal.remove()

    def _is_foreign(self, left: LeftAttempt) -> bool:
        """Whether its status belongs where this run keeps none."""
        ours = NOWHERE if self._adopters is None else self._adopters.place
        return left.place not in (NOWHERE, ours)

    def _tell(self, adopted: Adopted) -> None:
        for trouble in adopted.troubles:
            log.warning("%s", trouble)
        told = []
        if adopted.lines:
            log.info("%s", "\n".join(adopted.lines), extra={"lines": adopted.lines})
            number = adopted.words.total()
            words = ", ".join(f"{n} {word}" for word, n in adopted.words.most_common())
            tasks = _counted(number, "task")
            told.append(f"adopted {tasks} of the run before: {words}")
        if self._killed:
            told.append(f"killed {_left_over(self._killed)}")
        if told:
            log.info("%s", "; ".join(told))
        self._killed = 0


def _kept(attempts: Sequence[LeftAttempt]) -> str:
    places = {left.place for left in attempts}
    flags = ", ".join(sorted(map(_flags, places)))
    tasks = _counted(len(attempts), "task")
    return f"what {tasks} of the run before left is kept for a start with {flags}"


def _flags(place: StatusPlace) -> str:
    return f"--status-store {place.store} --status-table {place.table}"


def _not_going(pids: Sequence[int]) -> str:
    verb = "does" if len(pids) == 1 else "do"
    named = ", ".join(map(str, pids[:MOST_NAMED]))
    more = ", …" if len(pids) > MOST_NAMED else ""
    who = _counted(len(pids), "process")
    return f"{who} of the run before {verb} not go (pid {named}{more})"


def _left_over(number: int) -> str:
    return f"{_counted(number, 'process')} left over"


def _counted(number: int, noun: str) -> str:
    if number == 1:
        return f"1 {noun}"
    return f"{number} {noun}{'es' if noun.endswith('s') else 's'}"
