"""Server-sent events, taken apart.

Source: HTML Standard, Server-sent events.
"""

from collections.abc import Iterator
from typing import NamedTuple

_LONGEST = 2**30
"""Bytes of one event; the picture of a million nodes has fewer."""


class ServerEvent(NamedTuple):
    """One event."""

    event_id: str
    """The newest id so far; empty if there was none."""
    name: str
    data: bytes


class EventStreamParser:
    """Takes bytes as they come and gives the events that are complete."""

    def __init__(self) -> None:
        self._waiting = bytearray()
        self._searched = 0
        self._id = self._name = ""
        self._data: list[bytes] = []

    def feed(self, received: bytes) -> Iterator[ServerEvent]:
        """Yield what is complete now. Raises ValueError for an endless event."""
        self._waiting += received
        while (end := self._waiting.find(b"\n", self._searched)) >= 0:
            line_end = end - self._waiting.endswith(b"\r", 0, end)
            if line_end:
                self._take(line_end)
            del self._waiting[: end + 1]
            self._searched = 0
            if line_end:
                continue
            if self._data:
                data, self._data = b"\n".join(self._data), []
                yield ServerEvent(self._id, self._name or "message", data)
                self._name = ""
            else:
                self._name = ""
        self._searched = len(self._waiting)
        if len(self._waiting) > _LONGEST:
            raise ValueError("an event without an end")

    def _take(self, end: int) -> None:
        """Take the first line, which ends there; it may be long, and is copied once."""
        waiting = self._waiting
        colon = waiting.find(b":", 0, end)
        if colon < 0:
            colon = end
        begin = colon + 1 + waiting.startswith(b" ", colon + 1, end)
        with memoryview(waiting) as seen:
            value = bytes(seen[begin:end])
        match bytes(waiting[:colon]):
            case b"data":
                self._data.append(value)
            case b"event":
                self._name = value.decode("utf-8", "replace")
            case b"id":
                self._id = value.decode("utf-8", "replace")
            case _:
                pass
