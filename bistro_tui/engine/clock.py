"""The only module that reads the real clock."""

import time
from typing import Protocol

from bistro_tui.engine.moment import Now

__all__ = ["Clock", "Now", "SystemClock"]

_BOOTTIME: int | None = getattr(time, "CLOCK_BOOTTIME", None)
"""Linux has it; elsewhere the monotonic clock has to do."""


class Clock(Protocol):
    """Where the shell of the engine takes the time from."""

    def now(self) -> Now:
        """Return the present moment."""
        ...


class SystemClock:
    """The clock of this machine."""

    def now(self) -> Now:
        """Return the present moment."""
        boot = time.clock_gettime(_BOOTTIME) if _BOOTTIME is not None else None
        return Now(time.time(), time.monotonic(), boot)
