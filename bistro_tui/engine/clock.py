"""The only module that reads the real clock."""

import time
from typing import Protocol

from bistro_tui.engine.moment import Now

__all__ = ["Clock", "Now", "SystemClock"]


class Clock(Protocol):
    """Where the shell of the engine takes the time from."""

    def now(self) -> Now:
        """Return the present moment."""
        ...


class SystemClock:
    """The clock of this machine."""

    def now(self) -> Now:
        """Return the present moment."""
        return Now(time.time(), time.monotonic())
