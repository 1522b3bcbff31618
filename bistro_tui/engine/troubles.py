"""What goes wrong while an engine serves: the board, the log lines, and the pauses."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any

from bistro_tui.engine.board import Board
from bistro_tui.engine.disk import DiskState
from bistro_tui.engine.scheduling.events import Event, StartsPaused, StartsResumed

log = logging.getLogger("bistro_tui")

REMIND_SEC = 300.0
"""How often the log says that starts are still paused."""
LASTS_SEC = 2.5
"""Trouble with logs that is over within this is not told of: what is made again at once
is nobody's concern, and the disk is looked at in this time and may be the cause."""


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
        self._is_disk_well = True
        self._logs_text = ""
        self._is_logs_logged = False
        self._logs_timer: asyncio.TimerHandle | None = None
        self._reminder: asyncio.TimerHandle | None = None

    def store(self, text: str) -> None:
        """Statuses cannot be stored: nothing starts meanwhile."""
        self._store_text = text
        if self._is_disk_well:
            self._disk_text = ""
        self._on_store(text)
        self._pause_while_nothing_can_be_stored()

    def disk(self, state: DiskState) -> None:
        """The disk is in another state than before."""
        self._is_disk_well = not state.trouble
        if state.trouble or not self._store_text:
            self._disk_text = state.trouble
        # Else the store's next try tells whether all is well; it failed for the disk.
        # What room there is left is for statuses.
        self._hold_logs("the disk is full" if state.is_full else "")
        self._board.put("disk", state.warning, is_error=False)
        self._pause_while_nothing_can_be_stored()
        if state.trouble:
            self._show_logs()
        elif self._logs_text:
            self._show_logs_soon()

    def logs(self, text: str) -> None:
        """The output of tasks cannot be stored: they go on."""
        self._logs_text = text
        if not text:
            if self._logs_timer is not None:
                self._logs_timer.cancel()
                self._logs_timer = None
            self._board.put("logs", "")
            if self._is_logs_logged:
                self._is_logs_logged = False
                log.info("task logs can be stored again")
            self._on_change()
        elif self._disk_text or self._is_logs_logged:
            self._show_logs()
        else:
            self._show_logs_soon()

    def _show_logs_soon(self) -> None:
        if self._logs_timer is None:
            loop = asyncio.get_running_loop()
            self._logs_timer = loop.call_later(LASTS_SEC, self._show_logs)

    def _show_logs(self) -> None:
        if self._logs_timer is not None:
            self._logs_timer.cancel()
            self._logs_timer = None
        text = self._logs_text
        if self._disk_text:
            # One cause, one message: only what is lost by it is news.
            self._board.put("logs", text if "dropped" in text else "")
        elif text:
            self._board.put("logs", text)
            if not self._is_logs_logged:
                # How much was dropped by now is for the screen alone.
                self._is_logs_logged = True
                log.error("%s", text)
        self._on_change()

    def runner(self, text: str) -> None:
        """The runner has something to tell; its own log has the rest of it."""
        first, _, more = text.partition("\n")
        shown = f"{first.rstrip(':')}; see the log" if more else first
        self._board.put("runner", shown, is_error=False)
        self._on_change()

    def lost(self, text: str) -> None:
        """A status will never be stored; that stays true."""
        self._board.put("lost", text)
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
            what, _, why = self._store_text.partition(": ")
            text = f"{what}: starts paused — {why}; tried again every second"
        if self._board.put("store", text):
            self._tell_of_pause(text)
        self._feed([StartsPaused("store", text) if text else StartsResumed("store")])
        self._on_change()

    def _tell_of_pause(self, text: str) -> None:
        if self._reminder is not None:
            self._reminder.cancel()
            self._reminder = None
        if text:
            log.error("%s", text)
            self._remind_later(text, 1)
        else:
            log.info("statuses can be stored again")

    def _remind_later(self, text: str, times: int) -> None:
        loop = asyncio.get_running_loop()
        self._reminder = loop.call_later(REMIND_SEC, self._remind, text, times)

    def _remind(self, text: str, times: int) -> None:
        minutes = round(times * REMIND_SEC / 60)
        log.warning("for %d minutes by now: %s", minutes, text)
        self._remind_later(text, times + 1)
