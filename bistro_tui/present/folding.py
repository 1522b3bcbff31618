"""Which nodes of the tree are in sight: folded and unfolded by splicing one list."""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence

from bistro_tui.present.node_index import NodeIndex

FIRST_ROWS = 200
"""Of a bigger tree as many whole levels are unfolded at first as fit into these."""


class Folding:
    """The folded branches of one tree, and the places in sight in its order."""

    def __init__(self, index: NodeIndex) -> None:
        self.index = index
        self._folded: set[int] = set()
        self._deepest = first_depth(index)
        """Branches that nobody has seen yet are folded from this depth on."""
        self._fold_from(self._deepest)
        self.shown: Sequence[int] = ()
        self._walk()

    def renewed(self, index: NodeIndex) -> "Folding":
        """Return this folding for other nodes: known branches stay as they are."""
        other = Folding(index)
        if not len(self.index):
            return other
        nodes = index.nodes
        for place in range(len(index)):
            if not index.is_branch(place):
                continue
            known = self.index.place(nodes[place].name)
            if known is None or not self.index.is_branch(known):
                continue
            if known in self._folded:
                other._folded.add(place)
            else:
                other._folded.discard(place)
        other._walk()
        return other

    def is_folded(self, place: int) -> bool:
        """Return whether what is below it is out of sight."""
        return place in self._folded

    @property
    def any_folded(self) -> bool:
        """Whether any branch is folded."""
        return bool(self._folded)

    def fold(self, place: int) -> None:
        """Put what is below it out of sight."""
        if place in self._folded or not self.index.is_branch(place):
            return
        self._folded.add(place)
        at = self._position(place)
        if at is not None:
            end = bisect_left(self.shown, self.index.ends[place], at)
            self._splice(at + 1, end, ())

    def unfold(self, place: int) -> None:
        """Put the nodes below it in sight, but for those in folded branches."""
        if place not in self._folded:
            return
        self._folded.discard(place)
        at = self._position(place)
        if at is not None:
            self._splice(at + 1, at + 1, self._below(place))

    def reveal(self, place: int) -> None:
        """Unfold all that is above a node."""
        for branch in reversed([*self.index.above(place)]):
            self.unfold(branch)

    def fold_all(self) -> None:
        """Fold every branch but the roots."""
        self._fold_from(1)
        self._walk()

    def unfold_all(self) -> None:
        """Put every node in sight."""
        self._folded.clear()
        self._walk()

    def set_level(self, depth: int, *, is_folded: bool) -> None:
        """Fold or unfold every branch of that depth; unfolding shows them as well."""
        index, depths = self.index, self.index.depths
        for place in range(len(index)):
            if depths[place] == depth and index.is_branch(place):
                if is_folded:
                    self._folded.add(place)
                else:
                    self._folded.discard(place)
        self._walk()

    def position(self, place: int) -> int:
        """Return where that node is in sight, or the nearest one above it that is."""
        return max(0, bisect_right(self.shown, place) - 1)

    def _position(self, place: int) -> int | None:
        at = bisect_left(self.shown, place)
        return at if at < len(self.shown) and self.shown[at] == place else None

    def _splice(self, start: int, end: int, new: Iterable[int]) -> None:
        # Rows drawn before keep their list: it is another one from now on.
        shown = array("i", self.shown)
        shown[start:end] = array("i", new)
        self.shown = shown

    def _below(self, place: int) -> Iterable[int]:
        end = self.index.ends[place]
        if not self._folded:
            return range(place + 1, end)
        return self._unfolded(place + 1, end)

    def _unfolded(self, place: int, end: int) -> Iterable[int]:
        ends, folded = self.index.ends, self._folded
        while place < end:
            yield place
            place = ends[place] if place in folded else place + 1

    def _walk(self) -> None:
        everything = range(len(self.index))
        if self._folded:
            self.shown = array("i", self._unfolded(0, len(self.index)))
        else:
            self.shown = everything

    def _fold_from(self, depth: int) -> None:
        index, depths = self.index, self.index.depths
        self._folded = {
            place
            for place in range(len(index))
            if depths[place] >= depth and index.ends[place] > place + 1
        }


def first_depth(index: NodeIndex) -> int:
    """Return the depth from which on branches are folded at first; roots never are."""
    depth = 1
    while depth <= max(index.depths, default=0):
        if index.at_depth(depth + 1) > FIRST_ROWS:
            return depth
        depth += 1
    return depth
