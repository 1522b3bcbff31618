"""Keeps the log view fed: asks the engine for what is new, one question at a time."""

from bistro_tui.engine.errors import ControlRefused
from bistro_tui.engine.view import EngineView
from bistro_tui.present.log_buffer import CAPACITY
from bistro_tui.widgets.log_view import LogView


class LogFeed:
    """Reads the log that the view is set to; answers to older questions are dropped."""

    def __init__(self, view: EngineView, log: LogView) -> None:
        self._view = view
        self._log = log
        self._asking = False
        self._again = False

    async def ask(self) -> None:
        """Read what is new; while a question is open, note that one more is due."""
        if self._asking:
            self._again = True
            return
        self._asking = True
        try:
            while True:
                self._again = False
                await self._ask_once()
                if not self._again:
                    return
        finally:
            self._asking = False

    async def _ask_once(self) -> None:
        buffer = self._log.buffer
        asked = buffer.target
        try:
            page = await self._view.read_log(
                asked.task, after=buffer.last_id, limit=CAPACITY
            )
        except ControlRefused:
            # The task left the config between the choice and the question.
            return
        if self._log.is_attached and buffer.target is asked:
            self._log.add(page)
