"""The only module that reads the real clock."""

import time
from typing import NamedTuple, Protocol


class Now(NamedTuple):
    """One moment on both clocks."""

    wall: float
    """Seconds since the epoch: for records and for people."""
    mono: float
    """Monotonic seconds: for waits; meaningless outside this process."""


class Clock(Protocol):
    """Where the shell of the engine takes the time from."""

    def now(self) -> Now:
        """Return the present moment."""
        ...


class SystemClock:
    """The clock of this machine."""

    def now(self) -> Now:
        """Return the present moment."""
        return Now(wall=time.time(), mono=time.monotonic())
