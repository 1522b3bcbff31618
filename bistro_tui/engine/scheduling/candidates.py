"""The nodes that one job could use next, in an order that the full ones drop out of."""

from collections.abc import Sequence

from bistro_tui.engine.scheduling.min_queue import MinQueue

TOP = -1
"""Stands above the instance node, as its parent does in the tree."""


class Candidates:
    """Candidate nodes of one job, highest rank first.

    They hang in the shape of the node tree: each inner node knows its children by the
    best candidate below them. Parking a node hides everything below it, so a full
    node costs one step, however many candidates it has. Changes cost O(depth · log).
    """

    __slots__ = ("_keys", "_parents", "_queues", "parked")

    def __init__(self, parents: Sequence[int]) -> None:
        self._parents = parents
        self._queues: dict[int, MinQueue[int]] = {}
        self._keys: dict[int, float] = {}
        self.parked: dict[int, None] = {}
        """The nodes that are hidden, in the order in which they were parked."""

    def __len__(self) -> int:
        return len(self._keys)

    def __contains__(self, leaf: int) -> bool:
        return leaf in self._keys

    def add(self, leaf: int, rank: float) -> None:
        """Make ``leaf`` a candidate."""
        self._keys[leaf] = -rank
        self._refresh(leaf)

    def discard(self, leaf: int) -> None:
        """Make ``leaf`` no candidate."""
        if self._keys.pop(leaf, None) is not None:
            self._refresh(leaf)

    def park(self, node: int) -> None:
        """Hide everything at and below ``node``; TOP hides all."""
        self.parked[node] = None
        self._refresh(node)

    def unpark(self, node: int) -> None:
        """Undo ``park``."""
        if node in self.parked:
            del self.parked[node]
            self._refresh(node)

    def best(self) -> int | None:
        """Return the candidate of the highest rank that is not hidden, if any."""
        if self._key_of(TOP) is None:
            return None
        node = TOP
        while node not in self._keys:
            top = self._queues[node].top()
            assert top is not None, "a queue is listed above only while it has a top"
            node = top[1]
        return node

    def _key_of(self, node: int) -> float | None:
        if node in self.parked:
            return None
        if node in self._keys:
            return self._keys[node]
        queue = self._queues.get(node)
        top = queue.top() if queue is not None else None
        return top[0] if top is not None else None

    def _refresh(self, node: int) -> None:
        while node != TOP:
            parent = self._parents[node]
            queue = self._queues.get(parent)
            if queue is None:
                queue = self._queues[parent] = MinQueue()
            key = self._key_of(node)
            if queue.key(node) == key:
                return
            if key is None:
                queue.discard(node)
            else:
                queue.put(node, key)
            node = parent
