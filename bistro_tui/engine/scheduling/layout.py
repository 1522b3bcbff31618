"""Where room can run out above the tasks of a level, and the order among them.

Levels without resources are left out: what cannot be full need not be looked at.
"""

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate

from bistro_tui.engine.config.model import NodeOrder
from bistro_tui.engine.ids import LevelName
from bistro_tui.engine.scheduling.places import TOP, Places


class Holders:
    """The nodes of the levels with resources, linked upwards."""

    def __init__(self, places: Places, levels: Iterable[LevelName]) -> None:
        self.places = places
        self.levels = frozenset(levels)
        """The levels whose nodes have accounts, the worker's left out."""
        self.up: Sequence[int] = self._link()
        """Node → the nearest node above it that has an account, else TOP."""
        self._above: dict[int, tuple[int, ...]] = {TOP: (TOP,)}
        self._layouts: dict[tuple[LevelName, NodeOrder], Layout] = {}

    def _link(self) -> Sequence[int]:
        tree = self.places.tree
        has_account = bytes(level in self.levels for level in tree.level_names)
        up = array("i", bytes(4 * len(tree)))
        for index, parent in enumerate(tree.parents):
            # Parents come before their children, so theirs is known.
            if parent < 0:
                up[index] = TOP
            elif has_account[tree.levels_of[parent]]:
                up[index] = parent
            else:
                up[index] = up[parent]
        return up

    def above(self, node: int) -> tuple[int, ...]:
        """Return a node with an account and all such above it, at last TOP."""
        found = self._above.get(node)
        if found is None:
            found = self._above[node] = (node, *self.above(self.up[node]))
        return found

    def levels_above(self, layout: "Layout") -> list[LevelName]:
        """Return the levels with accounts on the path of a leaf, its own first."""
        node = layout.first
        if node == TOP:
            return []
        if not layout.leaf_has_account:
            node = self.up[node]
        levels = []
        while node != TOP:
            levels.append(self.places.level(node))
            node = self.up[node]
        return levels

    def layout(self, level: LevelName, order: NodeOrder) -> "Layout":
        """Return how the nodes of ``level`` hang, made once."""
        found = self._layouts.get((level, order))
        if found is None:
            found = self._layouts[level, order] = Layout(self, level, order)
        return found


class Layout:
    """The tasks of one level below the nodes that can be full, in node order.

    A *rank* is a number that orders the leaves, highest first to be used.
    """

    def __init__(self, holders: Holders, level: LevelName, order: NodeOrder) -> None:
        places = holders.places
        self.is_random = order is NodeOrder.RANDOM
        self.up = holders.up
        self.local = places.local
        self.leaf_has_account = level in holders.levels
        self.by_rank: Sequence[int] | None = None
        """Rank → leaf; None where the number of the leaf is its rank."""
        self._rank_at: Sequence[int] | None = None
        """The other way round, by the leaf's position on its level."""
        leaves: Sequence[int] = places.tree.at_level(level)
        ranks: Sequence[int] = leaves
        if order is NodeOrder.LEXICOGRAPHIC:
            names = places.tree.names
            # Python orders text by code point, which is the order of the bytes.
            leaves = array("i", sorted(leaves, key=lambda leaf: (names[leaf], leaf)))
            ranks = range(len(leaves))
            self.by_rank = leaves
            self._rank_at = array("i", bytes(4 * len(leaves)))
            for rank, leaf in enumerate(leaves):
                self._rank_at[self.local[leaf]] = rank
        self.first = leaves[0] if len(leaves) else TOP
        """Any leaf, TOP if there is none."""
        self.depth = self._depth()
        """How many nodes with accounts are above each leaf."""
        self._rows = self._group(leaves, ranks)
        """What is below the nodes with 0, 1 … nodes with accounts above them."""

    def _depth(self) -> int:
        depth, node = 0, TOP if self.first == TOP else self.up[self.first]
        while node != TOP:
            depth, node = depth + 1, self.up[node]
        return depth

    def _group(self, leaves: Sequence[int], ranks: Sequence[int]) -> "list[Rows]":
        up, local = self.up, self.local
        rows: list[Rows] = []
        children, shown = leaves, ranks
        for _ in range(self.depth):
            parents = [up[child] for child in children]
            found = Rows([local[parent] for parent in parents], shown)
            rows.append(found)
            children = list(dict.fromkeys(parents))
            shown = children
            if not self.is_random:
                shown = [found.last(local[child]) for child in children]
        rows.append(Rows([0] * len(children), shown))
        rows.reverse()
        return rows

    def below(self, node: int) -> "array[int]":
        """Return the ranks below ``node``, or in random order what is below it.

        Lowest first. Above the leaves it is the highest rank of each child.
        """
        depth, above = 0, node
        while above != TOP:
            depth, above = depth + 1, self.up[above]
        return self._rows[depth].row(0 if node == TOP else self.local[node])

    def leaves(self, node: int) -> Iterator[int]:
        """Return all leaves below ``node``, in no order that means anything."""
        layers, above = self.depth, node
        while above != TOP:
            layers, above = layers - 1, self.up[above]
        below = self.below(node)
        if layers == 0:
            yield from map(self.leaf, below)
            return
        for shown in below:
            child = shown if self.is_random else self.leaf(shown)
            while self.up[child] != node:
                child = self.up[child]
            yield from self.leaves(child)

    def leaf(self, rank: int) -> int:
        """Return the leaf of a rank."""
        return rank if self.by_rank is None else self.by_rank[rank]

    def rank(self, leaf: int) -> int:
        """Return the rank of a leaf."""
        return leaf if self._rank_at is None else self._rank_at[self.local[leaf]]


class Rows:
    """Lists of numbers, one for each position, in two arrays: four bytes a number."""

    __slots__ = ("_begin", "_items")

    def __init__(self, positions: Sequence[int], items: Sequence[int]) -> None:
        """Put each of ``items`` into the row of its position, lowest first."""
        counts = Counter(positions)
        size = max(counts, default=-1) + 1
        self._begin = array("i", accumulate(map(counts.__getitem__, range(size))))
        self._begin.insert(0, 0)
        # Mostly both are in order already; to sort costs little then.
        pairs = sorted(zip(positions, items, strict=True))
        self._items = array("i", (item for _, item in pairs))

    def row(self, position: int) -> "array[int]":
        """Return a copy of one row."""
        if position + 1 >= len(self._begin):
            return array("i")
        return self._items[self._begin[position] : self._begin[position + 1]]

    def last(self, position: int) -> int:
        """Return the last number of a row, which has some."""
        return self._items[self._begin[position + 1] - 1]
