"""A moment, as the value that pure modules are given instead of a clock."""

from typing import NamedTuple


class Now(NamedTuple):
    """One moment on both clocks."""

    wall: float
    """Seconds since the epoch: for records and for people."""
    mono: float
    """Monotonic seconds: for waits; meaningless outside this process."""
