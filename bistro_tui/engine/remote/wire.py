"""What a link sends its frames over."""

from typing import Protocol


class WireLost(Exception):
    """The connection is gone; the text says why."""


class Wire(Protocol):
    """What a link sends its frames over."""

    async def send(self, frame: bytes) -> None:
        """Hand a frame to the kernel, once it has room. Raises WireLost."""
        ...

    async def receive(self) -> bytes:
        """Return the next whole frame. Raises WireLost."""
        ...

    async def close(self) -> None:
        """Say goodbye; waits for no answer longer than a second. Raises nothing."""
        ...

    def abort(self) -> None:
        """End the connection at once; harmless when repeated."""
        ...
