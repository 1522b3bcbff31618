"""Asks for failures and groups them, in pieces that no frame waits for."""

import asyncio
from collections.abc import Sequence

from bistro_tui.engine.errors import ControlRefused
from bistro_tui.engine.view import EngineView, Failure
from bistro_tui.present.failures import grouped, words_of
from bistro_tui.widgets.failure_list import FailureList

MOST = 1_000
_PIECE = 25
_SECONDS = 2.0


class FailureFeed:
    """Keeps the list of failures fed while it is in sight."""

    def __init__(self, view: EngineView, table: FailureList) -> None:
        self._view = view
        self._table = table
        self._is_busy = False
        self._asked = 0.0
        self._last: Sequence[Failure] = ()

    async def turn(self, now: float) -> None:
        """Ask anew if the last answer is old."""
        if self._is_busy or 0 <= now - self._asked < _SECONDS:
            return
        self._is_busy = True
        try:
            await self._ask(now)
        except ControlRefused as refused:
            self._table.note = str(refused)
            self._table.show_groups((), now)
        finally:
            self._is_busy = False

    async def _ask(self, now: float) -> None:
        failures = await self._view.failures(limit=MOST)
        self._asked = now
        if failures == self._last:
            return
        for at in range(0, len(failures), _PIECE):
            # Remembered there: grouping all of them then costs next to nothing.
            for failure in failures[at : at + _PIECE]:
                words_of(failure)
            await asyncio.sleep(0)
        self._last = failures
        if self._table.is_attached:
            self._table.note = "✓ no task failed, and none waits for a backoff"
            self._table.show_groups(grouped(failures), now)
