"""What of a status can be stored, whoever made it. Pure."""

import json
from typing import TypeGuard

from bistro_tui.engine.statuses.bits import Bits
from bistro_tui.engine.statuses.status import TaskStatus

LATEST = 1 << 53
"""Beyond it, and beyond minus it, no number is a time: seconds are not told apart."""


def is_time(value: object) -> TypeGuard[float]:
    """Return whether this can be a wall second; NaN and infinity cannot."""
    return isinstance(value, (float, int)) and -LATEST <= value <= LATEST


def check_storable(status: TaskStatus) -> None:
    """Raise TypeError, ValueError or RecursionError, saying why it cannot be stored."""
    if not isinstance(status.bits, Bits):
        raise TypeError(f"its bits are {status.bits!r}")
    if not is_time(status.time):
        raise ValueError(f"its time is {status.time!r}")
    if type(status.backoff_sec) is not int or status.backoff_sec < 0:
        raise ValueError(f"its backoff_sec is {status.backoff_sec!r}")
    if status.data:
        json.dumps(dict(status.data), allow_nan=False)
