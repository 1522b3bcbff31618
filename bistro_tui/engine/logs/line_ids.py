"""Numbers of log lines: seconds << 32 | counter, growing for ever. Pure.

Source: Bistro, utils/LogLines.
"""

from bistro_tui.engine.moment import Now
from bistro_tui.engine.steady_wall import SteadyWall

LAST_ID = (1 << 63) - 1
"""The greatest that SQLite can hold."""
LAST_SECOND = LAST_ID >> 32
"""The last second that an id can tell: in January 2038."""


def first_id_of(second: int) -> int:
    """Return the smallest id that a line of that second of the epoch can have."""
    return min(max(0, second), LAST_SECOND) << 32


class LineIds:
    """Gives out line ids, each above all before it, whatever the clock does.

    The seconds in them follow a clock that was set only once it has stayed so for a
    minute: ids never go back, so one taken far ahead would be the time of every line
    after it. From 2038 on, the counter goes on alone.
    """

    def __init__(self, last: int, now: Now) -> None:
        """``last``: the greatest id that is in use already, from an earlier run.

        ``now``: a moment at which the wall clock is believed.
        """
        self.last = max(0, last)
        self.wall = SteadyWall(now)
        """Tells the seconds in the ids."""

    def take(self, number: int, now: Now) -> int:
        """Return the first of so many new ids, one after the other."""
        second = int(self.wall.at(now))
        first = first_id_of(second)
        if second > LAST_SECOND and self.last:
            # A wrong clock, most likely; from the last second there is no way back.
            first = 0
        if first <= self.last:
            # None are left only after four thousand million lines in the last second,
            # or where another hand wrote such an id; newest lines then make room.
            return self.more(number)
        self.last = first + number - 1
        return first

    def more(self, number: int) -> int:
        """Return the first of so many more ids of the moment of the last ``take``."""
        first = min(self.last, LAST_ID - number) + 1
        self.last = first + number - 1
        return first
