"""Marks: the items that a person chose to act on together, kept by what they are.

A mark outlives filters, sorting and refreshes. An item that is gone is not acted on,
and its mark is forgotten only when it stayed gone: a node source that failed once, or a
scheduler that starts anew, brings the same items back within seconds, and marks made
one by one are work. For ever would be wrong too: an item of the same name, hours later,
is not what a person marked.
"""

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator

GONE_SECONDS = 10.0
"""How long the mark of an item that is gone is kept."""


class Marks:
    """A set of keys of rows, in the order in which they were marked."""

    def __init__(self) -> None:
        self._gone_since: dict[Hashable, float | None] = {}
        self.last: Hashable | None = None
        """The item marked last: where a range begins."""

    def __contains__(self, key: Hashable) -> bool:
        """Return whether that item is marked."""
        return key in self._gone_since

    def __len__(self) -> int:
        """Return how many are marked, those that are gone for now included."""
        return len(self._gone_since)

    def __iter__(self) -> Iterator[Hashable]:
        """Return the keys."""
        return iter(self._gone_since)

    @property
    def has_gone(self) -> bool:
        """Whether the item of a mark is gone for now."""
        return any(since is not None for since in self._gone_since.values())

    def toggle(self, key: Hashable) -> None:
        """Mark the item, or take its mark away."""
        if key in self._gone_since:
            del self._gone_since[key]
        else:
            self.add((key,))

    def add(self, keys: Iterable[Hashable]) -> None:
        """Mark these too."""
        for key in keys:
            self._gone_since.setdefault(key, None)
            self.last = key

    def invert(self, keys: Iterable[Hashable]) -> None:
        """Mark those of these that are not marked, and no others of them."""
        for key in keys:
            self.toggle(key)

    def clear(self) -> None:
        """Take all marks away."""
        self._gone_since.clear()
        self.last = None

    def look(
        self,
        there: Collection[Hashable],
        now: float,
        heir_of: Callable[[Hashable], Hashable | None],
    ) -> None:
        """Learn which marked items are ``there`` at ``now``, in wall seconds.

        The mark of an item that is gone passes to what ``heir_of`` names, which is
        there: a running task that ended is marked as its result.
        """
        for key, since in list(self._gone_since.items()):
            if key in there:
                self._gone_since[key] = None
            elif (heir := heir_of(key)) is not None:
                del self._gone_since[key]
                self._gone_since[heir] = None
                self.last = heir if self.last == key else self.last
            elif since is None:
                self._gone_since[key] = now
            elif not 0 <= now - since < GONE_SECONDS:
                del self._gone_since[key]
