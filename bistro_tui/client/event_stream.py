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
            line = bytes(self._waiting[:end]).removesuffix(b"\r")
            del self._waiting[: end + 1]
            self._searched = 0
            if line:
                self._take(line)
            elif self._data:
                data, self._data = b"\n".join(self._data), []
                yield ServerEvent(self._id, self._name or "message", data)
                self._name = ""
            else:
                self._name = ""
        self._searched = len(self._waiting)
        if len(self._waiting) > _LONGEST:
            raise ValueError("an event without an end")

    def _take(self, line: bytes) -> None:
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        match field:
            case b"data":
                self._data.append(value)
            case b"event":
                self._name = value.decode("utf-8", "replace")
            case b"id":
                self._id = value.decode("utf-8", "replace")
            case _:
                pass
