"""How far several logs were read, behind one number. Pure."""

from collections import OrderedDict
from collections.abc import Hashable, Mapping, Sequence
from typing import NamedTuple

from bistro_tui.engine.logs.rows import StoredLine


class Read(NamedTuple):
    """What one log answered."""

    lines: Sequence[StoredLine]
    """Oldest first."""
    last_id: int
    """Ask it for what is after that."""


class Positions:
    """Merges the newest lines of logs, and knows how far each was read.

    Ids of several logs interleave, and one that is behind another has new lines with
    ids below those that were shown. Who goes on from a number must miss none of them.
    """

    def __init__(self, kept: int) -> None:
        """``kept``: how many numbers are remembered."""
        self._kept = kept
        self._known: OrderedDict[tuple[Hashable, int], dict[str, int]] = OrderedDict()

    def at(self, after: int, whose: Hashable = None) -> Mapping[str, int] | None:
        """Return how far each log was read by who goes on from there; None: unknown."""
        return self._known.get((whose, after))

    def above(self, after: int, whose: Hashable = None) -> Mapping[str, int] | None:
        """Return the same for the smallest number above that is remembered."""
        numbers = [at for who, at in self._known if who == whose and at > after]
        return self.at(min(numbers), whose) if numbers else None

    def merged(
        self,
        read: Mapping[str, Read],
        *,
        before: Mapping[str, int],
        after: int,
        limit: int,
        whose: Hashable = None,
    ) -> tuple[tuple[StoredLine, ...], int]:
        """Return the newest lines by time, and the number to go on from.

        ``before`` is how far each was read before. The ids of the lines grow and are
        above ``after``: one that would not be is told as the next that is.
        """
        positions = {**before, **{name: one.last_id for name, one in read.items()}}
        found = sorted(
            (line for one in read.values() for line in one.lines),
            key=lambda line: line.line_id,
        )
        last = after
        lines: list[StoredLine] = []
        for line in found[max(0, len(found) - limit) :]:
            last = max(last + 1, line.line_id)
            lines.append(line._replace(line_id=last) if last != line.line_id else line)
        while lines and self._known.get((whose, last), positions) != positions:
            # Somebody else has read to the same line, and not as far elsewhere.
            last += 1
        self._known[whose, last] = positions
        self._known.move_to_end((whose, last))
        while len(self._known) > self._kept:
            self._known.popitem(last=False)
        return tuple(lines), last
