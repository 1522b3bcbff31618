"""Which signals end a task, and when.

Source: Bistro, processes/README.task_termination; SIGCONT is ours.
"""

import asyncio
import signal
from collections.abc import Callable

from bistro_tui.engine.config.model import KillMethod, KillSettings


class Killer:
    """Ends one process group; asked again, it never gets slower."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, send: Callable[[int], None]
    ) -> None:
        """``send`` delivers a signal to the group."""
        self._loop = loop
        self._send = send
        self._timer: asyncio.TimerHandle | None = None

    def kill(self, how: KillSettings) -> None:
        """Begin to end the group by these settings."""
        match how.method:
            case KillMethod.KILL:
                self._kill_now()
            case KillMethod.TERM:
                self._terminate()
            case KillMethod.TERM_WAIT_KILL:
                if how.kill_wait_ms <= 0:
                    self._kill_now()
                else:
                    self._terminate()
                    self._arm(how.kill_wait_ms / 1000)

    def cancel(self) -> None:
        """Send nothing more: the main process has ended."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _terminate(self) -> None:
        self._send(signal.SIGTERM)
        # A stopped process would keep the SIGTERM waiting.
        self._send(signal.SIGCONT)

    def _kill_now(self) -> None:
        self.cancel()
        self._send(signal.SIGKILL)

    def _arm(self, delay: float) -> None:
        due = self._loop.time() + delay
        if self._timer is None or due < self._timer.when():
            self.cancel()
            self._timer = self._loop.call_at(due, self._kill_now)
