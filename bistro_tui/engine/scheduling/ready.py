"""The nodes that one job could use next, in node order, by the node that hides them.

Source: Bistro, scheduler/Scheduler: candidates in node order, taken from the end.
"""

from abc import ABC, abstractmethod
from array import array
from bisect import bisect_left, insort
from collections.abc import Callable
from typing import Protocol

from bistro_tui.engine.scheduling.accounts import Room
from bistro_tui.engine.scheduling.layout import Layout
from bistro_tui.engine.scheduling.places import TOP

_ABSENT, _READY, _STALE = 0, 1, 2
"""A leaf is in no list; in one as a candidate; in one, but no candidate any more. In a
list that was not made yet, every leaf that is ready counts as being in it."""


class Ready(Protocol):
    """The candidates of one job, hanging below the nodes that can be full.

    A node in ``hidden`` is not seen from above: what is below it is looked at by its
    own name only. Lists are made when a node is first looked at, so a job costs a few
    bytes for each task until then. All changes cost the depth of the tree.
    """

    hidden: dict[int, Room]
    """Hidden node → what it waits for."""

    def best(self, top: int, layers: int) -> int | None:
        """Return the leaf to use first among those seen from ``top``, if any.

        ``layers`` is the number of nodes with accounts between it and its leaves.
        ``drop`` and ``hide`` want ``best`` to have answered for the same ``top``.
        """
        ...

    def drop(self, leaf: int, top: int) -> None:
        """Take out the best leaf seen from ``top``."""
        ...

    def hide(self, node: int, top: int, room: Room) -> None:
        """Hide a node on the way from ``top`` down to its best leaf, or that leaf.

        ``node`` may be TOP itself, if nothing hides that.
        """
        ...

    def show(self, node: int) -> bool:
        """Undo ``hide``; return whether something came in sight that nothing hides.

        A hidden leaf becomes a candidate again.
        """
        ...

    def add(self, leaf: int) -> bool:
        """Make ``leaf`` a candidate; return whether nothing hides it."""
        ...

    def discard(self, leaf: int) -> None:
        """Make ``leaf``, which is not hidden itself, no candidate."""
        ...

    def rank(self, node: int) -> int:
        """Return the rank of the best leaf at or below a hidden node, -1 for none.

        Random order has no ranks: -1 for all.
        """
        ...


class _Lists(ABC):
    """What both kinds of order have in common."""

    __slots__ = (
        "_depth",
        "_is_full",
        "_layout",
        "_lists",
        "_local",
        "_present",
        "_up",
        "hidden",
    )

    def __init__(self, layout: Layout, present: bytearray) -> None:
        """Begin with the leaves whose byte in ``present`` is 1; the others have 0."""
        self._layout = layout
        self._up = layout.up
        self._local = layout.local
        self._depth = layout.depth
        self._present = present
        self._is_full = _ABSENT not in present
        self._lists: dict[int, array[int]] = {}
        self.hidden: dict[int, Room] = {}

    def _made(self, node: int) -> "array[int]":
        """Return the list of what is right below ``node``, made if need be."""
        found = self._lists.get(node)
        if found is None:
            found = self._layout.below(node)
            if not self._is_full and self._layers_below(node) == 0:
                present, local, leaf = self._present, self._local, self._layout.leaf
                found = array("i", (o for o in found if present[local[leaf(o)]]))
            self._lists[node] = found
        return found

    def _layers_below(self, node: int) -> int:
        """Return how many nodes with accounts are between ``node`` and its leaves."""
        layers = self._depth
        while node != TOP:
            layers, node = layers - 1, self._up[node]
        return layers

    def _sees(self, node: int) -> bool:
        """Return whether nothing hides what is right below ``node``."""
        hidden, up = self.hidden, self._up
        while node not in hidden:
            if node == TOP:
                return True
            node = up[node]
        return False

    @abstractmethod
    def _remove_last(self, node: int, top: int) -> None:
        """Remove the last entry of ``node``, with what that means up to ``top``."""

    @abstractmethod
    def _insert(self, node: int, item: int) -> bool:
        """Put ``item`` below ``node``; return whether nothing hides it."""

    @abstractmethod
    def _shown(self, node: int) -> int:
        """Return what stands for ``node`` in the list of the node above it."""

    def drop(self, leaf: int, top: int) -> None:
        """Take out the best leaf seen from ``top``."""
        self._present[self._local[leaf]] = _ABSENT
        self._remove_last(self._up[leaf], top)

    def hide(self, node: int, top: int, room: Room) -> None:
        """Hide a node on the way from ``top`` down to its best leaf, or that leaf."""
        self.hidden[node] = room
        if node == TOP:
            return
        if node not in self._lists:
            self._present[self._local[node]] = _ABSENT
        self._remove_last(self._up[node], top)

    def show(self, node: int) -> bool:
        """Undo ``hide``; return whether something came in sight that nothing hides."""
        del self.hidden[node]
        if node == TOP:
            return bool(self._made(TOP))
        if node not in self._lists:
            return self.add(node)
        return bool(self._lists[node]) and self._insert(
            self._up[node], self._shown(node)
        )

    def add(self, leaf: int) -> bool:
        """Make ``leaf`` a candidate; return whether nothing hides it."""
        position = self._local[leaf]
        known = self._present[position]
        self._present[position] = _READY
        holder = self._up[leaf]
        if known == _ABSENT and holder in self._lists:
            return self._insert(holder, self._layout.rank(leaf))
        return self._sees(holder)

    def discard(self, leaf: int) -> None:
        """Make ``leaf`` no candidate; its entry goes when it comes to the top."""
        position = self._local[leaf]
        if self._present[position] == _READY:
            self._present[position] = _STALE


class OrderedReady(_Lists):
    """Candidates in a fixed order: each list is sorted, the next one is at its end.

    Above the leaves, a node stands in the list of the one above it with the highest
    rank that is in its own list.
    """

    __slots__ = ()

    def best(self, top: int, layers: int) -> int | None:
        """Return the leaf of the highest rank among those seen from ``top``."""
        lists, up, by_rank = self._lists, self._up, self._layout.by_rank
        ranks = self._made(top)
        while ranks:
            rank = ranks[-1]
            leaf = rank if by_rank is None else by_rank[rank]
            holder = up[leaf]
            if holder not in lists:
                self._make_down_to(holder, top)
                lowest = lists[holder]
                if not lowest or lowest[-1] != rank:
                    self._replace_last(holder, top)
                    continue
            position = self._local[leaf]
            if self._present[position] == _READY:
                return leaf
            self._present[position] = _ABSENT
            self._remove_last(holder, top)
        return None

    def _make_down_to(self, node: int, top: int) -> None:
        while node != top:
            self._made(node)
            node = self._up[node]

    def _remove_last(self, node: int, top: int) -> None:
        """Remove the last entry of ``node``, which all up to ``top`` have as theirs."""
        self._lists[node].pop()
        if node != top:
            self._replace_last(node, top)

    def _replace_last(self, node: int, top: int) -> None:
        """Let all above ``node``, up to ``top``, know its last entry of now."""
        lists, up = self._lists, self._up
        ranks = lists[node]
        while node != top:
            node = up[node]
            above = lists[node]
            above.pop()
            if ranks:
                rank = ranks[-1]
                if above and above[-1] > rank:
                    insort(above, rank)
                else:
                    above.append(rank)
            ranks = above

    def _insert(self, node: int, item: int) -> bool:
        replaced: int | None = None
        while True:
            ranks = self._made(node)
            last = ranks[-1] if ranks else None
            if replaced is not None:
                del ranks[bisect_left(ranks, replaced)]
            insort(ranks, item)
            if node in self.hidden:
                return False
            if node == TOP:
                return True
            node = self._up[node]
            if last is not None and last >= item:
                return self._sees(node)
            replaced = last

    def _shown(self, node: int) -> int:
        return self._lists[node][-1]

    def rank(self, node: int) -> int:
        """Return the rank of the best leaf at or below ``node``, -1 for none."""
        best = self.best(node, 0) if node == TOP or node in self._lists else node
        return self._layout.rank(best) if best is not None else -1


class RandomReady(_Lists):
    """Candidates in random order, drawn anew for each use.

    All that is right below a node is equally likely to be next, so the load spreads
    over the hosts whatever the number of their shards.
    """

    __slots__ = ("_draw",)

    def __init__(
        self, layout: Layout, present: bytearray, draw: Callable[[], float]
    ) -> None:
        """Begin with the leaves whose byte in ``present`` is 1; draw from [0, 1)."""
        super().__init__(layout, present)
        self._draw = draw

    def best(self, top: int, layers: int) -> int | None:
        """Return a random leaf of a random one of the nodes seen from ``top``."""
        lists, draw, present = self._lists, self._draw, self._present
        node = top
        while True:
            below = lists.get(node)
            if below is None:
                below = self._made(node)
            if not below:
                if node == top:
                    return None
                node, layers = self._up[node], layers + 1
                lists[node].pop()
                continue
            drawn = int(draw() * len(below))
            found = below[drawn]
            below[drawn] = below[-1]
            below[-1] = found
            if layers:
                node, layers = found, layers - 1
                continue
            position = self._local[found]
            if present[position] == _READY:
                return found
            present[position] = _ABSENT
            below.pop()

    def drop(self, leaf: int, top: int) -> None:
        """Take out the leaf that ``best`` drew."""
        self._present[self._local[leaf]] = _ABSENT
        node = self._up[leaf]
        below = self._lists[node]
        if len(below) > 1:
            below.pop()
        else:
            self._remove_last(node, top)

    def _remove_last(self, node: int, top: int) -> None:
        lists = self._lists
        below = lists[node]
        below.pop()
        while not below and node != top:
            node = self._up[node]
            below = lists[node]
            below.pop()

    def _insert(self, node: int, item: int) -> bool:
        while True:
            below = self._made(node)
            was_empty = not below
            below.append(item)
            if node in self.hidden:
                return False
            if node == TOP:
                return True
            item, node = node, self._up[node]
            if not was_empty:
                return self._sees(node)

    def _shown(self, node: int) -> int:
        return node

    def rank(self, node: int) -> int:
        """Return -1: no node is before another."""
        return -1
