"""Times in the tables of one-shot commands: as short as they can be told apart."""

import math
from collections.abc import Callable
from functools import lru_cache

from bistro_tui.cli.tables import NONE
from bistro_tui.present.words import date_time

_DATE = len("2030-01-31")
_REMEMBERED = 10_000
"""Seconds: many tasks of a table share theirs, and a calendar takes its time."""


def moments(now: float) -> Callable[[float | None], str]:
    """Return what puts a wall second into words, in the zone of this machine.

    ``HH:MM:SS`` for one of the day that ``now`` is in, ``YYYY-MM-DD HH:MM:SS`` for
    another, ``-`` for None.
    """
    today = date_time(now)[:_DATE]

    @lru_cache(_REMEMBERED)
    def of_second(second: int) -> str:
        text = date_time(second)
        return text[_DATE + 1 :] if text[:_DATE] == today else text

    def words(wall: float | None) -> str:
        return NONE if wall is None else of_second(math.floor(wall))

    return words
