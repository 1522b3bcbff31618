"""A link's frames over aiohttp's WebSockets, of either side."""

import asyncio
import contextlib
import socket
from typing import Final

from aiohttp import ClientError, ClientWebSocketResponse, WebSocketError, WSMsgType, web

from bistro_tui.engine.remote.link_limits import LinkLimits
from bistro_tui.engine.remote.wire import WireLost

PATH: Final = "/worker"
_GOODBYE_SEC = 1.0
_BROKEN = (ClientError, WebSocketError, OSError, RuntimeError)
"""RuntimeError: aiohttp's word for a connection that is closed already."""

AnySocket = web.WebSocketResponse | ClientWebSocketResponse


class WebSocketWire:
    """One WebSocket, for one link."""

    def __init__(self, over: AnySocket) -> None:
        self._over = over
        # Asked for now: later the transport may not know it any more.
        self._socket = _socket_of(over)

    async def send(self, frame: bytes) -> None:
        """Hand a frame to the kernel, once it has room. Raises WireLost."""
        try:
            await self._over.send_bytes(frame)
        except _BROKEN as error:
            raise WireLost(self._why(error)) from None

    async def receive(self) -> bytes:
        """Return the next whole frame. Raises WireLost."""
        try:
            message = await self._over.receive()
        except _BROKEN as error:
            raise WireLost(self._why(error)) from None
        if message.type is WSMsgType.BINARY:
            found: bytes = message.data
            return found
        if message.type is WSMsgType.TEXT:
            raise WireLost("what it sent cannot be read: it is text")
        cause = message.data if message.type is WSMsgType.ERROR else None
        raise WireLost(self._why(cause))

    async def close(self) -> None:
        """Say goodbye; waits for no answer longer than a second. Raises nothing."""
        with contextlib.suppress(*_BROKEN, TimeoutError):
            async with asyncio.timeout(_GOODBYE_SEC):
                await self._over.close()

    def abort(self) -> None:
        """End the connection at once; harmless when repeated."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    def _why(self, error: object) -> str:
        cause = self._over.exception() or error
        if isinstance(cause, TimeoutError):
            return "it gave no sign of life in time"
        if isinstance(cause, WebSocketError):
            return f"what it sent cannot be read: {cause}"
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
        return "the connection was closed"


def _socket_of(over: AnySocket) -> socket.socket | None:
    try:
        found: socket.socket | None = over.get_extra_info("socket")
    except AttributeError:
        # So says Python's transport for TLS when it is closed.
        return None
    return found


def notice_silence(connection: socket.socket, limits: LinkLimits) -> None:
    """Have the kernel end a connection whose other end takes nothing any more."""
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        milliseconds = max(1, int(limits.unacknowledged_sec * 1000))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)
