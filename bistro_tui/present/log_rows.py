"""Which display rows the lines of a log take: one each, or more where they wrap."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate


class RowMap:
    """Rows of lines; what is added or taken at an end leaves the others uncounted."""

    def __init__(self) -> None:
        self._ends: list[int] = []
        self._base = 0

    @property
    def lines(self) -> int:
        """How many lines there are."""
        return len(self._ends)

    @property
    def rows(self) -> int:
        """How many rows they take."""
        return self._ends[-1] - self._base if self._ends else 0

    def fill(self, counts: Iterable[int]) -> None:
        """Begin with lines of that many rows each."""
        self._base = 0
        self._ends = list(accumulate(counts))

    def append(self, counts: Iterable[int]) -> None:
        """Add lines below."""
        last = self._ends[-1] if self._ends else self._base
        grown = accumulate(counts, initial=last)
        next(grown)
        self._ends.extend(grown)

    def prepend(self, counts: Sequence[int]) -> None:
        """Add lines above."""
        if not counts:
            return
        # Places below keep their numbers, so the new ones go below zero.
        base = self._base - sum(counts)
        ends = list(accumulate(counts, initial=base))[1:]
        self._base, self._ends = base, ends + self._ends

    def drop(self, *, first: int = 0, last: int = 0) -> None:
        """Take lines away at the ends."""
        if last:
            del self._ends[max(0, len(self._ends) - last) :]
        if first:
            first = min(first, len(self._ends))
            if first:
                self._base = self._ends[first - 1]
                del self._ends[:first]

    def top_of(self, index: int) -> int:
        """Return the first row of that line."""
        return (self._ends[index - 1] if index else self._base) - self._base

    def rows_of(self, index: int) -> int:
        """Return how many rows that line takes."""
        return self._ends[index] - self._base - self.top_of(index)

    def at(self, row: int) -> tuple[int, int]:
        """Return the line that has that row, and the how-manieth of its rows it is."""
        index = bisect_right(self._ends, row + self._base)
        return index, row - self.top_of(index)
