"""Where each node stands in the tree: worked out once, used for every snapshot.

A place is the number of a row in ``Snapshot.nodes``. Rows come in tree order, so that a
node and all below it are the places from its own up to ``end``, that one not included.
"""

from array import array
from bisect import bisect_left
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import compress
from operator import is_not
from typing import overload

from bistro_tui.engine.view import LevelName, NodeName, NodeRow, Snapshot


class NodeIndex:
    """The structure of one tree; costs a look at every row, once."""

    def __init__(self, nodes: Sequence[NodeRow]) -> None:
        self.nodes = nodes
        """The rows it was made from: names, levels and depths are still true."""
        depths = [row[2] for row in nodes]
        parents, ends = _linked(depths)
        self.depths = array("i", depths)
        self.parents = array("i", parents)
        """The place of the node above each; -1 for a root."""
        self.ends = array("i", ends)

    def __len__(self) -> int:
        """Return how many nodes there are."""
        return len(self.parents)

    @cached_property
    def _places(self) -> Mapping[NodeName, int]:
        # Backwards, so that of nodes with one name the first is found.
        names = [row[0] for row in self.nodes]
        return dict(zip(reversed(names), range(len(names) - 1, -1, -1), strict=True))

    @cached_property
    def _twins(self) -> Mapping[NodeName, Sequence[int]]:
        """All places of names that more than one node has: replicas."""
        if len(self._places) == len(self):
            return {}
        places: dict[NodeName, list[int]] = {}
        for place, row in enumerate(self.nodes):
            if self._places[row.name] != place or row.name in places:
                places.setdefault(row.name, [self._places[row.name]]).append(place)
        return places

    def place(self, name: NodeName) -> int | None:
        """Return where the node of that name stands, the first one of replicas."""
        return self._places.get(name)

    @cached_property
    def folded_names(self) -> Sequence[str]:
        """The names in lower case, for filters."""
        return [row[0].casefold() for row in self.nodes]

    def places(self, name: NodeName) -> Sequence[int]:
        """Return where nodes of that name stand: mostly one."""
        place = self._places.get(name)
        return () if place is None else self._twins.get(name, (place,))

    def is_branch(self, place: int) -> bool:
        """Return whether there are nodes below it."""
        return self.ends[place] > place + 1

    def above(self, place: int) -> Iterator[int]:
        """Yield the places of the nodes above it, the nearest first."""
        while (place := self.parents[place]) >= 0:
            yield place

    def sibling(self, place: int, step: int) -> int | None:
        """Return the next node (step 1) or the one before (-1) below the same one."""
        parent = self.parents[place]
        if step > 0:
            last = self.ends[parent] if parent >= 0 else len(self)
            return self.ends[place] if self.ends[place] < last else None
        if place - 1 <= parent:
            return None
        before = place - 1
        while self.parents[before] != parent:
            before = self.parents[before]
        return before

    def subtree(self, name: NodeName) -> "Subtree":
        """Return the names of that node and of all below it; none if it is gone."""
        return Subtree(self, self.places(name))

    @cached_property
    def levels(self) -> Mapping[LevelName, Sequence[int]]:
        """The places of each level's nodes, levels in the order of the tree."""
        found: dict[LevelName, array[int]] = {}
        for place, row in enumerate(self.nodes):
            level = row[1]
            if level not in found:
                found[level] = array("i")
            found[level].append(place)
        order = {level: self.depths[places[0]] for level, places in found.items()}
        return dict(sorted(found.items(), key=lambda item: order[item[0]]))

    def at_depth(self, deepest: int) -> int:
        """Return how many nodes are at most that deep."""
        counts = self._by_depth
        return sum(counts[: deepest + 1])

    @cached_property
    def _by_depth(self) -> Sequence[int]:
        counts = [0] * (max(self.depths, default=0) + 1)
        for depth in self.depths:
            counts[depth] += 1
        return counts


def _linked(depths: Sequence[int]) -> tuple[list[int], list[int]]:
    """Return for each place the one above it, and where what is below it ends."""
    parents: list[int] = []
    ends = [0] * len(depths)
    path: list[int] = []
    length = 0
    for place, depth in enumerate(depths):
        while length > depth:
            ends[path.pop()] = place
            length -= 1
        parents.append(path[-1] if length else -1)
        path.append(place)
        length += 1
    for place in path:
        ends[place] = len(depths)
    return parents, ends


class Subtree(Collection[NodeName]):
    """The names of nodes and of all below them; membership costs one look."""

    def __init__(self, index: NodeIndex, tops: Sequence[int]) -> None:
        self._index = index
        self._ranges = [(top, index.ends[top]) for top in tops]

    def __eq__(self, other: object) -> bool:
        """Return whether they are the same nodes of the same tree."""
        if not isinstance(other, Subtree):
            return NotImplemented
        return self._index is other._index and self._ranges == other._ranges

    def __hash__(self) -> int:
        """Return the same for equal ones."""
        return hash((id(self._index), *self._ranges))

    def __contains__(self, name: object) -> bool:
        """Return whether a node of that name is among them."""
        if not isinstance(name, str):
            return False
        places = self._index.places(NodeName(name))
        return any(
            start <= place < end for place in places for start, end in self._ranges
        )

    def __iter__(self) -> Iterator[NodeName]:
        """Yield the names."""
        for start, end in self._ranges:
            for row in self._index.nodes[start:end]:
                yield row.name

    def __len__(self) -> int:
        """Return how many nodes they are."""
        return sum(end - start for start, end in self._ranges)


class IndexKeeper:
    """Gives the index that is true for a snapshot, made anew only for new nodes."""

    def __init__(self) -> None:
        self._index = NodeIndex(())
        self._structure = 0
        self._nodes: Sequence[NodeRow] = ()

    def of(self, snapshot: Snapshot) -> NodeIndex:
        """Return the index of the snapshot's nodes."""
        return self.of_nodes(snapshot.nodes, snapshot.structure)

    def of_nodes(self, nodes: Sequence[NodeRow], structure: int = 0) -> NodeIndex:
        """Return the index of these nodes.

        Without a number of their structure each other sequence of nodes is looked
        through, and only if they differ the index is another.
        """
        if nodes is self._nodes:
            return self._index
        same = structure == self._structure != 0
        if not same and not _alike(nodes, self._nodes):
            self._index = NodeIndex(nodes)
        self._structure, self._nodes = structure, nodes
        return self._index


def _alike(nodes: Sequence[NodeRow], known: Sequence[NodeRow]) -> bool:
    """Return whether names, levels and depths are the same, row by row."""
    if len(nodes) != len(known):
        return False
    others = compress(zip(nodes, known, strict=True), map(is_not, nodes, known))
    return all(one[:3] == two[:3] for one, two in others)


class Picked(Sequence[NodeRow]):
    """Some of the nodes, by their places, as rows of the newest snapshot."""

    def __init__(
        self,
        nodes: Sequence[NodeRow],
        places: Sequence[int],
        *,
        in_order: bool = True,
    ) -> None:
        self.nodes = nodes
        self.places = places
        self.in_order = in_order
        """Whether the places are in the order of the tree."""

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.places)

    @overload
    def __getitem__(self, at: int) -> NodeRow: ...

    @overload
    def __getitem__(self, at: slice) -> list[NodeRow]: ...

    def __getitem__(self, at: int | slice) -> NodeRow | list[NodeRow]:
        """Return the row there, or the rows of a slice."""
        if isinstance(at, slice):
            return [self.nodes[place] for place in self.places[at]]
        return self.nodes[self.places[at]]

    def position(self, place: int) -> int | None:
        """Return where that place stands, if the places are in order."""
        at = bisect_left(self.places, place)
        return at if at < len(self.places) and self.places[at] == place else None
