"""The start after a run that did not end: wait, end what is left, adopt, tidy up.

Nothing starts until it is known what was left, which takes milliseconds. From then on
all of that keeps its room until it is proven dead and adopted, one by one, and other
tasks start. Every step may be broken off anywhere and is done again by the next start:
the journals go last.
"""

import asyncio
import contextlib
import logging
import math
import signal
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from bistro_tui.engine.ids import TaskId
from bistro_tui.engine.recovery.adoption import (
    AT_ONCE,
    Adopters,
    History,
    adopt,
    remember,
    remove_files,
)
from bistro_tui.engine.recovery.ending import (
    dead_among,
    end_what_is_left,
    is_told_of,
)
from bistro_tui.engine.recovery.groups import remove_groups
from bistro_tui.engine.recovery.journals import LeftJournal
from bistro_tui.engine.recovery.records import LeftAttempt
from bistro_tui.engine.recovery.stock import Entry, Stock, attempts_of, group_of
from bistro_tui.engine.recovery.texts import (
    counted,
    kept,
    left_alive,
    left_over,
    left_to_wardens,
    not_going,
    unclear,
)
from bistro_tui.engine.recovery.wardens import living, unfinished, urge
from bistro_tui.engine.scheduling.events import (
    RECOVERY,
    AttemptGone,
    AttemptsRecovering,
    RecoveringAttempt,
    StartsPaused,
    StartsResumed,
)
from bistro_tui.engine.statuses.attempts import NOWHERE

log = logging.getLogger("bistro_tui")

SOONEST_SEC, LATEST_SEC = 0.02, 0.25
"""How often what cannot be waited for is looked at."""

FIRST_URGE_SEC, URGE_SEC = 0.2, 1.0
"""When and how often people are told of a warden that is waited for."""

RETRY_SEC = 1.0

Told: TypeAlias = StartsPaused | StartsResumed | AttemptsRecovering | AttemptGone


class Recovery:
    """Deals with what the run before left, once; ``close`` it in any case."""

    def __init__(
        self,
        journals: Sequence[LeftJournal],
        adopters: Adopters | None,
        *,
        feed: Callable[[Sequence[Told]], None],
        can_keep_room: Callable[[TaskId], bool],
        history: History,
    ) -> None:
        """``journals`` are closed by ``close``; ``feed`` tells the core.

        Without ``adopters`` processes are ended, and what they left stays for the next
        start that keeps statuses. ``can_keep_room``: whether the core knows what an
        attempt at that task takes; nothing starts beside one of which it does not.
        """
        self._journals = list(journals)
        self._adopters = adopters
        self._feed = feed
        self._can_keep_room = can_keep_room
        self._history = history
        self._text = ""
        self._is_paused = False
        self._next_urge: float | None = None
        self._is_patient = True
        self._stock: Stock | None = None
        self._unclear: set[LeftAttempt | LeftJournal] = set()
        """What may run and take nobody knows how much."""
        self._ended: set[LeftJournal] = set()
        """Those of whose attempts nothing is alive, and of the rest of whose control
        groups."""
        self._killing = 0
        """Of what is being ended, the most that were sent SIGKILL at once."""
        self._killed = 0
        self._alive: tuple[int, ...] = ()
        """Those that no warden watches, as they were last seen."""
        self._adopted: Counter[str] = Counter()

    @property
    def is_needed(self) -> bool:
        """Whether there is anything to be done."""
        return bool(self._journals)

    @property
    def has_understood_all(self) -> bool:
        """Whether, once ``run`` is over, nothing in the journals was damaged."""
        return self._stock is None or not self._stock.damage

    def announce(self) -> None:
        """Let nothing start before ``run`` knows what was left, if anything may be."""
        if self.is_needed:
            self._pause("what the run before left is being looked at")

    async def run(self) -> None:
        """Return when nothing of the run before is alive and its results are stored.

        Long before that all tasks may start which nothing is left of. What goes wrong
        with a disk is told and tried again.
        """
        if not self.is_needed:
            return
        while True:
            try:
                await self._recover()
            except (OSError, sqlite3.Error) as error:
                self._wait(f"what the run before left cannot be adopted yet: {error}")
                await asyncio.sleep(RETRY_SEC)
            else:
                break
        self.close()
        # Whoever waits for the end of it all looks again after each event.
        self._feed([StartsResumed(RECOVERY)])

    async def _recover(self) -> None:
        began = asyncio.get_running_loop().time()
        if self._stock is None:
            await self._wait_for_last_starts(began)
            self._stock = self._take_stock()
        await self._settle_all(self._stock, began)
        self._tell_all()
        await self._tidy_up()

    @property
    def kill_wait_sec(self) -> float:
        """How long after SIGTERM the last of what is left is sent SIGKILL.

        0 as long as that is not known.
        """
        return max((one.left.kill_wait_sec for one in self._stock or ()), default=0.0)

    def kill_at_once(self) -> None:
        """Give no more time to what wardens are ending: for runs that adopt nothing.

        How it ends is not known then, for wardens that still live are killed, too.
        """
        self._is_patient, self._next_urge = False, -math.inf

    async def end_unwatched(self) -> None:
        """Return when nothing is alive that no warden watches; not beside ``run``.

        What living wardens are ending is left to them, and adopting to the next start.
        """
        delay = SOONEST_SEC
        while self._unwatched():
            try:
                stock = self._stock or Stock(self._journals)
                await self._end(living(self._journals), stock, is_slow=False)
            except OSError as error:
                self._wait(f"what the run before left cannot be ended: {error}")
            if self._unwatched():
                await asyncio.sleep(delay)
                delay = min(2 * delay, LATEST_SEC)

    def tell_rest(self) -> None:
        """Say what of the run before may be alive, and what becomes of it."""
        self._tell_all()
        if self._unwatched():
            log.warning("%s", left_alive(self._alive))
        if held := living(self._journals):
            with contextlib.suppress(OSError):
                number = len((self._stock or Stock(held)).of(held))
                pids = [pid for one in held if (pid := one.read().pid) is not None]
                log.info("%s", left_to_wardens(number, pids))

    def _unwatched(self) -> list[LeftJournal]:
        """Return those of whose attempts something may be alive without a warden."""
        others = {*living(self._journals), *self._ended}
        return [journal for journal in self._journals if journal not in others]

    def close(self) -> None:
        """Let go of every journal; a warden that somebody stopped goes on."""
        while self._journals:
            journal = self._journals.pop()
            with contextlib.suppress(OSError):
                if not journal.is_stored and journal.is_held():
                    journal.signal_warden(signal.SIGCONT)
            journal.close()

    # What people and the core are told.

    def _wait(self, text: str) -> None:
        if text != self._text:
            self._text = text
            if self._is_paused:
                self._pause(f"{text}; {unclear()}" if self._unclear else text)
            log.info("%s", text)

    def _pause(self, text: str) -> None:
        self._is_paused = True
        self._feed([StartsPaused(RECOVERY, text)])

    def _resume(self) -> None:
        if self._is_paused:
            self._is_paused = False
            self._feed([StartsResumed(RECOVERY)])

    # Waiting.

    async def _wait_for_last_starts(self, began: float) -> None:
        """Wait until no warden of the run before starts any more tasks."""
        delay = SOONEST_SEC
        while waiting := unfinished(self._journals):
            await self._urge(
                waiting, [tuple(attempts_of(j, [])) for j in waiting], began
            )
            await asyncio.sleep(delay)
            delay = min(2 * delay, LATEST_SEC)

    def _take_stock(self) -> Stock:
        """Let the core keep the room of all that was left; others may start then."""
        stock = Stock(self._journals)
        for journal, trouble in stock.damage.items():
            try:
                what = f"kept as {journal.keep_copy()}"
            except OSError as error:
                # It is for people alone; nothing is to wait for it.
                what = f"no copy of it can be kept: {error.strerror}"
            log.warning("%s: %s; %s", journal.path, trouble, what)
        tasks = [entry.left for entry in stock]
        self._unclear = set(stock.damage)
        self._unclear |= {one for one in tasks if not self._can_keep_room(one.task)}
        self._feed([AttemptsRecovering(tuple(map(_recovering, tasks)))])
        if not self._unclear:
            self._resume()
        return stock

    async def _settle_all(self, stock: Stock, began: float) -> None:
        delay = SOONEST_SEC
        while True:
            held = living(self._journals)
            dead = await self._told_of(stock.of(held))
            dead += await self._end(held, stock, is_slow=delay >= LATEST_SEC)
            dead += stock.of(self._ended)
            for begin in range(0, len(dead), AT_ONCE):
                await self._settle(stock, dead[begin : begin + AT_ONCE])
            self._unclear -= self._ended
            if not self._unclear:
                self._resume()
            if not stock and not held and self._ended.issuperset(self._journals):
                return
            if held:
                attempts = [[one.left for one in stock.of([j])] for j in held]
                await self._urge(held, attempts, began)
            await asyncio.sleep(delay)
            delay = SOONEST_SEC if dead else min(2 * delay, LATEST_SEC)

    async def _urge(
        self,
        held: Sequence[LeftJournal],
        attempts: Sequence[Sequence[LeftAttempt]],
        began: float,
    ) -> None:
        now = asyncio.get_running_loop().time()
        if self._next_urge is None:
            self._next_urge = now + FIRST_URGE_SEC
        if now >= self._next_urge:
            waited = now - began if self._is_patient else math.inf
            self._wait(await urge(held, attempts, waited))
            self._next_urge = asyncio.get_running_loop().time() + URGE_SEC

    # Who is dead.

    async def _told_of(self, entries: Sequence[Entry]) -> list[Entry]:
        """Return those of which a living warden has written down how they ended."""
        if not entries:
            return []
        return await asyncio.to_thread(
            lambda: [entry for entry in entries if is_told_of(entry.left)]
        )

    async def _end(
        self, held: Sequence[LeftJournal], stock: Stock, *, is_slow: bool
    ) -> list[Entry]:
        """End what has no warden any more; return what is dead beside what is not."""
        free = [j for j in self._journals if j not in held and j not in self._ended]
        entries = stock.of(free)
        groups = [group for journal in free if (group := group_of(journal))]
        if entries or groups:
            attempts = [entry.left for entry in entries]
            swept = await asyncio.to_thread(end_what_is_left, attempts, groups)
            self._killing = max(self._killing, swept.signalled)
            self._alive = swept.alive
            if swept.hindrance:
                self._wait(
                    f"what the run before left cannot be seen: {swept.hindrance}"
                )
                return []
            if not swept.is_clean:
                if not is_slow:
                    return []
                self._wait(not_going(swept.alive))
                return await dead_among(entries)
            remove_groups(groups)
            self._killed, self._killing = self._killed + self._killing, 0
        self._ended.update(free)
        return []

    # What becomes of the dead.

    async def _settle(self, stock: Stock, dead: Sequence[Entry]) -> None:
        """Adopt what these left, and give their room back."""
        if self._adopters is not None:
            place = self._adopters.place
            ours = [entry for entry in dead if entry.left.place == place]
            adopted = await adopt(
                [entry.left for entry in ours if entry.is_newest], self._adopters
            )
            for trouble in adopted.troubles:
                log.warning("%s", trouble)
            if adopted.lines:
                log.info("%s", "\n".join(adopted.lines), extra={"lines": adopted.lines})
            self._adopted += adopted.words
            # A later attempt may be stored before the journal goes: then a store that
            # does not know from which attempt a status is goes by these.
            await asyncio.to_thread(_remove_files_of, ours)
        await remember([entry.left for entry in dead], self._history)
        self._feed([AttemptGone(one.left.task, one.left.invocation) for one in dead])
        stock.settle(dead)
        self._unclear.difference_update(entry.left for entry in dead)

    async def _tidy_up(self) -> None:
        foreign: list[LeftAttempt] = []
        # Stored ones first: one that is marked now may take the name of one of them.
        for journal in sorted(self._journals, key=lambda one: not one.is_stored):
            if journal.is_gone:
                continue
            attempts = tuple(attempts_of(journal, []))
            if not journal.is_stored:
                if others := [left for left in attempts if self._is_foreign(left)]:
                    foreign += others
                    continue
                journal.mark_stored()
            for number, left in enumerate(attempts):
                remove_files(left)
                if number % 100 == 99:
                    await asyncio.sleep(0)
            journal.remove()
        if foreign:
            log.info("%s", kept(foreign))

    def _is_foreign(self, left: LeftAttempt) -> bool:
        """Whether its status belongs where this run keeps none."""
        ours = NOWHERE if self._adopters is None else self._adopters.place
        return left.place not in (NOWHERE, ours)

    def _tell_all(self) -> None:
        told = []
        if number := self._adopted.total():
            words = ", ".join(f"{n} {word}" for word, n in self._adopted.most_common())
            told.append(f"adopted {counted(number, 'task')} of the run before: {words}")
        if self._killed:
            told.append(f"killed {left_over(self._killed)}")
        if told:
            log.info("%s", "; ".join(told))
        self._adopted.clear()
        self._killed = 0


def _remove_files_of(entries: Iterable[Entry]) -> None:
    for entry in entries:
        remove_files(entry.left)


def _recovering(left: LeftAttempt) -> RecoveringAttempt:
    since = float(left.invocation.start_time)
    return RecoveringAttempt(left.task, left.invocation, since, left.pid)
