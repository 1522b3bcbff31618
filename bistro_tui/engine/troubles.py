"""What goes wrong while an engine serves: the board, the log lines, and the pauses."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any

from bistro_tui.engine.board import Board
from bistro_tui.engine.disk import DiskState
from bistro_tui.engine.scheduling.events import Event, StartsPaused, StartsResumed

log = logging.getLogger("bistro_tui")


class Troubles:
    """Hears of every trouble and of its end; an empty text is its end."""

    def __init__(
        self,
        board: Board,
        *,
        feed: Callable[[Sequence[Event]], None],
        hold_logs: Callable[[str], None],
        on_store: Callable[[str], None],
        on_change: Callable[[], None],
    ) -> None:
        """``feed`` gets the pauses, ``hold_logs`` why no logs are to be stored.

        ``on_store`` hears why statuses cannot be stored, ``on_change`` that there is
        something new to show.
        """
        self._board = board
        self._feed = feed
        self._hold_logs = hold_logs
        self._on_store = on_store
        self._on_change = on_change
        self._store_text = ""
        self._disk_text = ""

    def store(self, text: str) -> None:
        """Statuses cannot be stored: nothing starts meanwhile."""
        self._store_text = text
        self._on_store(text)
        self._pause_while_nothing_can_be_stored()

    def disk(self, state: DiskState) -> None:
        """The disk is in another state than before."""
        # What room there is left is for statuses.
        self._hold_logs("the disk is full" if state.is_full else "")
        self._board.put("disk", state.warning, is_error=False)
        self._disk_text = state.trouble
        self._pause_while_nothing_can_be_stored()

    def logs(self, text: str) -> None:
        """The output of tasks cannot be stored: they go on."""
        was_well = not any(one.topic == "logs" for one in self._board.banners())
        if self._board.put("logs", text) and (was_well or not text):
            # How much was dropped by now is for the screen alone.
            log.error("%s", text or "logs: all is well again")
        self._on_change()

    def runner(self, text: str) -> None:
        """The runner has something to tell; its own log has the rest of it."""
        first, _, more = text.partition("\n")
        shown = f"{first.rstrip(':')}; see the log" if more else first
        self._board.put("runner", shown, is_error=False)
        self._on_change()

    def stray(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """An error reached the loop; a handler for its ``set_exception_handler``."""
        # By default asyncio prints a traceback to stderr, which is the screen.
        error = context.get("exception")
        log.error("internal error: %s", context.get("message"), exc_info=error)
        text = f"internal error: {error!r}; see the log" if error else str(context)
        self._board.put("internal", text)
        self._on_change()

    def _pause_while_nothing_can_be_stored(self) -> None:
        text = self._disk_text
        if self._store_text and not text:
            text = (
                f"{self._store_text}: starts paused; running tasks go on, and what"
                " they come to is shown once it is stored. It is tried again every"
                " second"
            )
        if self._board.put("store", text):
            log.error("%s", text or "store: all is well again")
        self._feed([StartsPaused("store", text) if text else StartsResumed("store")])
        self._on_change()
