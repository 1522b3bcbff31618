"""One door's connections: accepted, watched, and spoken HTTP with by aiohttp.

aiohttp has no deadline for a header and no bound for connections; both are here.
"""

import asyncio
import contextlib
import json
import logging
import os
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from aiohttp import web
from aiohttp.http_exceptions import BadHttpMessage, LineTooLong
from aiohttp.http_parser import RawRequestMessage
from aiohttp.http_writer import HttpVersion11
from aiohttp.streams import StreamReader
from aiohttp.web_protocol import ERROR, RequestHandler

from bistro_tui.engine.accepting import accept_from
from bistro_tui.engine.api.gate import NOT_ONE_HOST
from bistro_tui.engine.api.headers import SAFE_HEADERS
from bistro_tui.engine.api.limits import Limits
from bistro_tui.engine.api.visitors import Phase, Visitor, Visitors

if TYPE_CHECKING:
    from aiohttp.abc import AbstractStreamWriter

log = logging.getLogger("bistro_tui")

_READ_BYTES, _BUFFER_BYTES = 32 * 1024, 16 * 1024
"""Taken from a socket at once; kept of a body before more is taken. A body is refused
before 64 KiB more than it may have were read."""
_END_SEC = 1.0
"""For all connections at the end, however many there are."""
_CREDENTIALS = struct.Struct("3i")
"""pid, uid and gid of who is at the other end of a unix socket."""
_ROOT = 0

Answer = Callable[[web.BaseRequest, Visitor], Awaitable[web.StreamResponse]]
"""Answers a request of a visitor; never raises but for a lost connection."""


class Connections:
    """All connections of the sockets of one door."""

    def __init__(
        self,
        answer: Answer,
        *,
        most: int,
        limits: Limits,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._limits = limits
        self._tls = tls
        self._visitors = Visitors(most)
        self._loop = asyncio.get_running_loop()
        self._answer = answer
        self._web = web.Server(self._handle, request_factory=self._request)
        self._greetings: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._visitors)

    async def accept_from(self, listener: socket.socket) -> None:
        """Take in whoever connects, until cancelled."""
        await accept_from(
            listener, self._admit, lambda: self._visitors.make_room(self._loop.time())
        )

    async def watch(self) -> None:
        """End every connection that takes longer than it may, until cancelled."""
        limits = self._limits
        shortest = min(limits.header_sec, limits.write_sec, limits.idle_sec)
        while True:
            await asyncio.sleep(shortest / 10)
            self._visitors.end_overdue(self._loop.time(), limits)

    async def close(self, *, patience_sec: float) -> None:
        """End all connections; what is being answered may be for a moment more."""
        for greeting in self._greetings:
            greeting.cancel()
        self._visitors.hush_all()
        self._web.pre_shutdown()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_END_SEC):
                await self._web.shutdown(patience_sec)
        self._visitors.end_all()

    def _admit(self, connection: socket.socket, peer: object) -> None:
        who = _who(connection, peer)
        visitor = Visitor(
            who=who or "",
            end=lambda: _hang_up(connection),
            since=self._loop.time(),
        )
        if who is None or not self._visitors.admit(visitor):
            connection.close()
            return
        greeting = asyncio.ensure_future(self._greet(connection, visitor))
        self._greetings.add(greeting)
        greeting.add_done_callback(self._greetings.discard)

    async def _greet(self, connection: socket.socket, visitor: Visitor) -> None:
        """Begin to speak HTTP, after the handshake where there is TLS."""
        shake_sec = self._limits.header_sec if self._tls is not None else None
        try:
            await self._loop.connect_accepted_socket(
                lambda: _Protocol(self._web, visitor, self._visitors, self._limits),
                connection,
                ssl=self._tls,
                ssl_handshake_timeout=shake_sec,
                ssl_shutdown_timeout=shake_sec,
            )
        except (OSError, TimeoutError):
            # Gone again, or no TLS: nothing that anybody here could mend.
            self._visitors.leave(visitor)
            connection.close()

    def _request(
        self,
        message: RawRequestMessage,
        payload: StreamReader,
        protocol: RequestHandler,
        writer: "AbstractStreamWriter",
        task: "asyncio.Task[None]",
    ) -> web.BaseRequest:
        assert isinstance(protocol, _Protocol)
        protocol.visitor.answer(self._loop.time())
        if message is ERROR:
            # aiohttp answers to what it cannot read as a server of HTTP/1.0.
            message = message._replace(version=HttpVersion11)
        protocol.body = payload
        return web.BaseRequest(message, payload, protocol, writer, task, self._loop)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        protocol = request.protocol
        assert isinstance(protocol, _Protocol)
        try:
            return await self._answer(request, protocol.visitor)
        except ConnectionError:
            # aiohttp finds by itself that nobody is there, and tells no one.
            return web.Response()
        finally:
            protocol.visitor.rest(self._loop.time())


class _Protocol(RequestHandler):
    """aiohttp's protocol of one connection, which tells its visitor how far it is."""

    def __init__(
        self,
        server: web.Server,
        visitor: Visitor,
        visitors: Visitors,
        limits: Limits,
    ) -> None:
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            # Visitors.end_overdue comes before it.
            keepalive_timeout=2 * limits.idle_sec,
            lingering_time=0,
            access_log=None,  # type: ignore[arg-type]  # as aiohttp documents it
            logger=log,
            max_line_size=limits.header_bytes,
            max_field_size=limits.header_bytes,
            auto_decompress=False,
            read_bufsize=_BUFFER_BYTES,
        )
        self.visitor = visitor
        self._visitors = visitors
        self._limits = limits
        self._is_refused = False
        self.body: StreamReader | None = None
        """Of the request that is being answered, and of the last one after that."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.visitor.end = transport.abort
        if hasattr(transport, "max_size"):
            transport.max_size = _READ_BYTES
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._visitors.leave(self.visitor)
        self.visitor.leave()
        super().connection_lost(exc)

    def eof_received(self) -> bool:  # type: ignore[override]  # aiohttp says None
        """Stay open for an answer to whoever has said all that he has to say.

        Whoever is gone altogether looks the same: so nothing is waited for any more.
        """
        is_tls = self.ssl_context is not None
        is_whole = self.body is not None and self.body.is_eof()
        visitor = self.visitor
        is_asked = visitor.phase in (Phase.ANSWERING, Phase.WAITING)
        if is_tls or visitor.is_streaming or not (is_asked and is_whole):
            return False
        visitor.hush()
        self.close()
        return True

    def data_received(self, data: bytes) -> None:
        visitor = self.visitor
        if self._is_refused:
            self._throw_away(data)
            return
        if visitor.phase is Phase.IDLE and data:
            visitor.expect_header(self._loop.time())
        if visitor.phase is Phase.HEADER:
            # Of what came before: the request of this piece is taken note of later.
            if visitor.header_bytes > self._limits.header_bytes:
                self._refuse_header()
                return
            visitor.header_bytes += len(data)
        super().data_received(data)

    def pause_writing(self) -> None:
        self.visitor.stuck_since = self._loop.time()
        super().pause_writing()

    def resume_writing(self) -> None:
        self.visitor.stuck_since = None
        super().resume_writing()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what is no HTTP in the way that all errors are answered."""
        if isinstance(exc, LineTooLong):
            status, text = 431, "the header is too long"
        elif status < 500 and isinstance(exc, BadHttpMessage):
            status, text = _unreadable(exc.message)
        elif status < 500:
            text = "the request cannot be read as HTTP/1.1"
        else:
            log.error("internal error in a request", exc_info=exc)
            text = "internal error; see the scheduler's log"
        response = web.Response(
            status=status,
            body=json.dumps(text).encode("ascii"),
            headers=SAFE_HEADERS,
        )
        response.force_close()
        return response

    def _refuse_header(self) -> None:
        transport = self.transport
        if transport is None or transport.is_closing():
            return
        self._is_refused = True
        body = json.dumps("the header is too long")
        transport.write(
            b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
            b"Content-Type: application/json\r\nConnection: close\r\n"
            + f"Content-Length: {len(body)}\r\n\r\n{body}".encode("ascii")
        )
        if transport.can_write_eof():
            transport.write_eof()
        else:
            self.force_close()

    def _throw_away(self, data: bytes) -> None:
        """Take what is still sent, for a closed socket would take the answer along."""
        self.visitor.header_bytes += len(data)
        if self.visitor.header_bytes > self._limits.body_bytes:
            self.visitor.end()


def _unreadable(found: str) -> tuple[int, str]:
    """Return how a request is answered of which the parser said this."""
    # What follows the first line shows the place in its own way.
    first = found.partition("\n")[0].rstrip(": ")
    if "'Host' header" in first:
        return 403, NOT_ONE_HOST
    return 400, f"the request cannot be read as HTTP/1.1: {first}"


def _who(connection: socket.socket, peer: object) -> str | None:
    """Return who is at the other end, None if it may not be."""
    if connection.family != socket.AF_UNIX:
        host, port = peer[:2] if isinstance(peer, tuple) else ("?", 0)
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    if not hasattr(socket, "SO_PEERCRED"):
        # Then the modes of the socket and of its directory have to do.
        return "this user"
    found = connection.getsockopt(
        socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size
    )
    pid, uid, _ = _CREDENTIALS.unpack(found)
    return f"uid {uid}, pid {pid}" if uid in (os.geteuid(), _ROOT) else None


def _hang_up(connection: socket.socket) -> None:
    """End a connection before there is a transport, to which the socket belongs."""
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
