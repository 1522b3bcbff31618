"""Numbers of log lines: seconds << 32 | counter, growing for ever. Pure.

Source: Bistro, utils/LogLines.
"""


def first_id_of(second: int) -> int:
    """Return the smallest id that a line of that second of the epoch can have."""
    return max(0, second) << 32


class LineIds:
    """Gives out line ids, each above all before it, whatever the clock does."""

    def __init__(self, last: int) -> None:
        """``last``: the greatest id that is in use already, from an earlier run."""
        self.last = last

    def take(self, number: int, now: float) -> int:
        """Return the first of so many new ids, one after the other.

        ``now``: wall seconds.
        """
        first = int(now) << 32
        if first <= self.last:
            first = self.last + 1
        self.last = first + number - 1
        return first
