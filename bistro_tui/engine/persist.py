"""The one loop that writes: many statuses a transaction, one transaction at a time.

A task's output is in the log store before its status is in the status store, and its
status is in the status store before anybody is shown it.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from typing import Protocol

from bistro_tui.engine.ids import TaskId
from bistro_tui.engine.scheduling.actions import StoreStatus
from bistro_tui.engine.statuses.status import TaskStatus

RETRY_SEC = 1.0

SLICE = 500
"""Stored statuses that are told of in one turn of the loop: a few milliseconds."""


class StatusSink(Protocol):
    """Where statuses are kept; the store, or nothing at all."""

    async def save(self, rows: Sequence[tuple[TaskId, TaskStatus]]) -> None:
        """Write all rows in one transaction, on disk when this returns."""
        ...


class LogFlush(Protocol):
    """The part of the log writer that ends of tasks have to wait for."""

    async def flush(self) -> None:
        """Return when every line written before the call is in the store."""
        ...


class NoStatuses:
    """Keeps nothing: ``--clean-statuses`` and runs with fake tasks."""

    async def save(self, rows: Sequence[tuple[TaskId, TaskStatus]]) -> None:
        """Forget the rows."""


class Persister:
    """Group commit: whatever came in while one commit ran goes into the next."""

    def __init__(
        self,
        *,
        statuses: StatusSink,
        logs: LogFlush,
        on_stored: Callable[[Sequence[StoreStatus]], None],
        on_trouble: Callable[[str], None],
    ) -> None:
        self._statuses = statuses
        self._logs = logs
        self._on_stored = on_stored
        self._on_trouble = on_trouble
        self._waiting: list[StoreStatus] = []
        self._committing = 0
        self._wake = asyncio.Event()

    @property
    def is_idle(self) -> bool:
        """Whether everything that was asked for is on disk."""
        return not self._waiting and not self._committing

    def store(self, actions: Sequence[StoreStatus]) -> None:
        """Take these statuses into the next commit."""
        self._waiting.extend(actions)
        self._wake.set()

    async def run(self) -> None:
        """Commit for ever; a failed commit is tried again until it succeeds.

        ``on_trouble`` hears what is wrong after each failure, and "" once it is over.
        """
        while True:
            await self._wake.wait()
            self._wake.clear()
            batch, self._waiting = self._waiting, []
            self._committing = len(batch)
            await self._commit(batch)
            for begin in range(0, len(batch), SLICE):
                if begin:
                    await asyncio.sleep(0)
                self._committing = max(0, len(batch) - begin - SLICE)
                self._on_stored(batch[begin : begin + SLICE])

    async def _commit(self, batch: Sequence[StoreStatus]) -> None:
        troubled = False
        while True:
            try:
                await self._logs.flush()
                await self._statuses.save([(one.task, one.status) for one in batch])
            except (sqlite3.Error, OSError) as error:
                troubled = True
                self._on_trouble(f"statuses cannot be stored: {error}")
                await asyncio.sleep(RETRY_SEC)
            else:
                if troubled:
                    self._on_trouble("")
                return
