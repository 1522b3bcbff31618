"""A moment, as the value that pure modules are given instead of a clock."""

from typing import NamedTuple


class Now(NamedTuple):
    """One moment on every clock."""

    wall: float
    """Seconds since the epoch: for records and for people; anybody may set it."""
    mono: float
    """Monotonic seconds: for waits; meaningless outside this process."""
    boot: float | None = None
    """Monotonic seconds that count while the machine sleeps; None if nobody knows."""

    @property
    def elapsed(self) -> float:
        """Seconds that nobody can set, and that count all time if that is known."""
        return self.mono if self.boot is None else self.boot


SLEW_SEC = 1.0
"""A clock that differs by no more was corrected slowly, not set."""


def wall_of(wall: float, mono: float, now: Now) -> float:
    """Return what the wall clock of ``now`` says of an earlier moment.

    ``wall`` is what it said then, and is the answer unless it was set since.
    """
    by_now = now.wall - (now.mono - mono)
    return wall if abs(by_now - wall) <= SLEW_SEC else by_now
