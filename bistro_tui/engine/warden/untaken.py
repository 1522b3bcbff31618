"""Output that somebody was told of and has not taken in yet."""

from collections import deque


class Untaken:
    """What one attempt wrote, oldest first, until there is credit for it."""

    __slots__ = ("_told",)

    def __init__(self) -> None:
        self._told: deque[tuple[int, bytes]] = deque()

    def add(self, stream: int, data: bytes) -> None:
        """Keep what was just told."""
        self._told.append((stream, data))

    def credit(self, size: int) -> None:
        """Forget so many bytes, which were taken in."""
        told = self._told
        while size > 0 and told:
            stream, data = told.popleft()
            if len(data) > size:
                told.appendleft((stream, data[size:]))
            size -= len(data)

    def of(self, stream: int) -> bytes:
        """Return what is left of a stream."""
        return b"".join(data for one, data in self._told if one == stream)

    def clear(self) -> None:
        """Forget everything."""
        self._told.clear()
