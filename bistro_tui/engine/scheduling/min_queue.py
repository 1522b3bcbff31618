"""A priority queue whose items can be moved and taken out."""

import heapq
from collections.abc import Mapping
from typing import Generic, TypeVar

Item = TypeVar("Item")

_SLACK = 16


class MinQueue(Generic[Item]):
    """Items by key, smallest first; equal keys by the order of the items.

    Every change costs O(log n). What was moved or taken out stays in the heap until
    it comes to the top or outnumbers the rest.
    """

    __slots__ = ("_heap", "_key")

    def __init__(self) -> None:
        self._heap: list[tuple[float, Item]] = []
        self._key: dict[Item, float] = {}

    def __len__(self) -> int:
        return len(self._key)

    def __contains__(self, item: Item) -> bool:
        return item in self._key

    def key(self, item: Item) -> float | None:
        """Return the key of ``item``, None if it is not in the queue."""
        return self._key.get(item)

    def put(self, item: Item, key: float) -> None:
        """Put ``item`` in, or move it."""
        if self._key.get(item) == key:
            return
        self._key[item] = key
        heapq.heappush(self._heap, (key, item))
        if len(self._heap) > 2 * len(self._key) + _SLACK:
            self._heap = [(key, item) for item, key in self._key.items()]
            heapq.heapify(self._heap)

    def fill(self, keys: Mapping[Item, float]) -> None:
        """Put all of ``keys`` in, or move them; O(n), however many there are."""
        self._key.update(keys)
        self._heap = [(key, item) for item, key in self._key.items()]
        heapq.heapify(self._heap)

    def discard(self, item: Item) -> None:
        """Take ``item`` out if it is in."""
        self._key.pop(item, None)

    def top(self) -> tuple[float, Item] | None:
        """Return the smallest key and its item, None if the queue is empty."""
        while self._heap:
            key, item = self._heap[0]
            if self._key.get(item) == key:
                return key, item
            heapq.heappop(self._heap)
        return None

    def pop_until(self, key: float) -> list[Item]:
        """Take out the items with keys up to and including ``key``, in order."""
        popped = []
        while (top := self.top()) is not None and top[0] <= key:
            self.discard(top[1])
            popped.append(top[1])
        return popped
