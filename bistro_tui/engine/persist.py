"""The one loop that writes: many statuses a transaction, one transaction at a time.

A task's output is in the log store before its status is in the status store, and its
status is in the status store before anybody is shown it.
"""

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from bistro_tui.engine.ids import InvocationId, TaskId
from bistro_tui.engine.installed import described
from bistro_tui.engine.scheduling.actions import StoreStatus
from bistro_tui.engine.sqlite import in_words
from bistro_tui.engine.statuses.attempts import LastAttempt
from bistro_tui.engine.statuses.status import TaskStatus

log = logging.getLogger("bistro_tui")

RETRY_SEC = 1.0

GATHER_SEC = 0.01
"""The least time from one commit's beginning to the next's: each costs the loop a part
of a millisecond, whatever it holds. A status that comes alone is written at once."""

ENOUGH = 50
"""As many statuses are worth a commit of their own without waiting for others."""

SLICE = 250
"""Stored statuses that are told of in one turn of the loop: a few milliseconds."""


class StatusSink(Protocol):
    """Where statuses are kept; the store, or nothing at all."""

    async def save_attempts(
        self, rows: Sequence[tuple[TaskId, TaskStatus, InvocationId | None]]
    ) -> None:
        """Write all rows in one transaction, on disk when this returns."""
        ...


class LogFlush(Protocol):
    """The part of the log writer that ends of tasks have to wait for."""

    async def flush(self) -> None:
        """Return when every line written before the call is in the store.

        Or at once, while nothing can be stored there.
        """
        ...


class Room(Protocol):
    """The disk that statuses are kept on."""

    async def make_room(self, error: Exception) -> bool:
        """Return whether what failed by ``error`` lacked room and has some now."""
        ...


class NoStatuses:
    """Keeps nothing: ``--clean-statuses`` and runs with fake tasks."""

    commits = 0

    async def save_attempts(
        self, rows: Sequence[tuple[TaskId, TaskStatus, InvocationId | None]]
    ) -> None:
        """Forget the rows."""

    async def last_attempts(
        self, tasks: Sequence[TaskId]
    ) -> Mapping[TaskId, LastAttempt]:
        """Return nothing."""
        return {}


class Persister:
    """Group commit: whatever came in while one commit ran goes into the next."""

    def __init__(
        self,
        *,
        statuses: StatusSink,
        logs: LogFlush,
        room: Room,
        on_stored: Callable[[Sequence[StoreStatus]], None],
        on_trouble: Callable[[str], None],
        on_lost: Callable[[str], None],
        on_committed: Callable[[float], None] = lambda _seconds: None,
    ) -> None:
        """``on_trouble`` hears what is wrong after each failure, "" once it is over.

        ``on_lost`` hears of each status that no store can take; it is told of as if it
        were stored, for nothing would go on otherwise. ``on_committed`` hears how many
        seconds each commit took, until it succeeded.
        """
        self._statuses = statuses
        self._logs = logs
        self._room = room
        self._on_stored = on_stored
        self._on_trouble = on_trouble
        self._on_lost = on_lost
        self._on_committed = on_committed
        self._waiting: list[StoreStatus] = []
        self._committing = 0
        self._wake = asyncio.Event()
        self._has_enough = asyncio.Event()
        self._flushing: list[asyncio.Future[None]] = []

    @property
    def is_idle(self) -> bool:
        """Whether everything that was asked for is on disk."""
        return not self._waiting and not self._committing

    @property
    def unstored(self) -> int:
        """How many statuses were asked to be stored and are not known to be."""
        return self._committing + len(self._waiting)

    def store(self, actions: Sequence[StoreStatus]) -> None:
        """Take these statuses into the next commit."""
        self._waiting.extend(actions)
        if len(self._waiting) >= ENOUGH:
            self._has_enough.set()
        self._wake.set()

    async def flush(self) -> None:
        """Return when all that was asked for before is on disk and was told of.

        Somebody must run ``run`` meanwhile.
        """
        if not self.is_idle:
            flushed = asyncio.get_running_loop().create_future()
            self._flushing.append(flushed)
            self._wake.set()
            await flushed

    async def run(self) -> None:
        """Commit for ever; a failed commit is tried again until it succeeds."""
        loop = asyncio.get_running_loop()
        gathered = loop.time()
        while True:
            await self._wake.wait()
            if (wait := gathered - loop.time()) > 0:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(wait):
                        await self._has_enough.wait()
            gathered = loop.time() + GATHER_SEC
            self._wake.clear()
            self._has_enough.clear()
            batch, self._waiting = self._waiting, []
            flushing, self._flushing = self._flushing, []
            self._committing = len(batch)
            began = loop.time()
            await self._commit(batch)
            if batch:
                self._on_committed(loop.time() - began)
            for begin in range(0, len(batch), SLICE):
                if begin:
                    await asyncio.sleep(0)
                self._committing = max(0, len(batch) - begin - SLICE)
                self._on_stored(batch[begin : begin + SLICE])
            for flushed in flushing:
                if not flushed.done():
                    flushed.set_result(None)

    async def _commit(self, batch: Sequence[StoreStatus]) -> None:
        troubled = False
        while True:
            try:
                await self._logs.flush()
                lost = await self._save(batch)
            except (sqlite3.Error, OSError) as error:
                if await self._room.make_room(error):
                    continue
                troubled = True
                self._on_trouble(f"statuses cannot be stored: {in_words(error)}")
                await asyncio.sleep(RETRY_SEC)
            else:
                for text in lost:
                    log.error("%s", text)
                    self._on_lost(text)
                if troubled:
                    self._on_trouble("")
                return

    async def _save(self, batch: Sequence[StoreStatus]) -> list[str]:
        """Save all in one transaction; if some cannot be rows, all others in several.

        Returns what is to be told of those. What was saved may be saved again.
        """
        try:
            await self._statuses.save_attempts(
                [(one.task, one.status, one.invocation) for one in batch]
            )
        except (sqlite3.Error, OSError):
            raise
        except Exception as error:  # noqa: BLE001 - one status must not harm others
            if len(batch) == 1:
                what = described(error)
                return [f"the status of {batch[0].task} cannot be stored: {what}"]
            middle = len(batch) // 2
            return [
                *await self._save(batch[:middle]),
                *await self._save(batch[middle:]),
            ]
        return []
