"""Those who connect to the port for workers, until they have proven who they are.

A stranger has one deadline for everything, TLS and HTTP included, and may send no more
than a handshake takes. At the cap the one that is there longest goes for the new one.
"""

import asyncio
import contextlib
import json
import logging
import secrets
import socket
import ssl
from collections.abc import Callable

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from bistro_tui.engine.accepting import accept_from
from bistro_tui.engine.remote.auth import (
    LARGEST_BYTES,
    NONCE_BYTES,
    HandshakeFailed,
    SchedulerSide,
    refusal,
)
from bistro_tui.engine.remote.complaints import Complaints
from bistro_tui.engine.remote.frames import FROM_WORKERS_BYTES
from bistro_tui.engine.remote.link import Handlers, Link, Peer
from bistro_tui.engine.remote.link_limits import LinkLimits
from bistro_tui.engine.remote.rights import ASKED_BY_WORKERS
from bistro_tui.engine.remote.turns import Turns
from bistro_tui.engine.remote.websocket import PATH, WebSocketWire, notice_silence
from bistro_tui.engine.remote.wire import WireLost

log = logging.getLogger("bistro_tui")

_HEADER_BYTES = 4096
_STRANGER_BYTES = _HEADER_BYTES + 2 * LARGEST_BYTES
"""Of the header and both frames, before anything is believed."""
_END_SEC = 1.5
"""For all links at the end, however many there are."""
_NOBODY_WAITS_SEC = 0.1
_NOBODY_ELSE = "workers of bistro-tui connect here, nobody else"


class _Stranger:
    """A connection that has proven nothing yet."""

    __slots__ = ("address", "end", "host", "received", "timer")

    def __init__(self, peer: object, end: Callable[[], None]) -> None:
        host, port = peer[:2] if isinstance(peer, tuple) else ("?", 0)
        # A door of both families names those of the older one in its own way.
        host = str(host).removeprefix("::ffff:")
        self.host = host
        self.address = f"[{host}]:{port}" if ":" in self.host else f"{host}:{port}"
        self.end = end
        """End the connection at once, whatever is under way."""
        self.received = 0
        self.timer: asyncio.TimerHandle | None = None


class Doorstep:
    """All connections of the port for workers."""

    def __init__(
        self,
        secret: str,
        handlers: Handlers,
        *,
        tls: ssl.SSLContext | None,
        limits: LinkLimits,
    ) -> None:
        self._secret, self._handlers = secret, handlers
        self._tls, self._limits = tls, limits
        self._loop = asyncio.get_running_loop()
        self._turns = Turns()
        self._web = web.Server(self._meet)
        self._strangers: dict[_Stranger, None] = {}
        """Oldest first."""
        self._links: set[Link] = set()
        self._has_no_links = asyncio.Event()
        self._has_no_links.set()
        self._greetings: set[asyncio.Task[None]] = set()
        self._complaints = Complaints()

    async def accept_from(self, listener: socket.socket) -> None:
        """Take in whoever connects, until cancelled."""
        await accept_from(listener, self._admit, self._make_room)

    async def close(self) -> None:
        """End all connections."""
        for greeting in self._greetings:
            greeting.cancel()
        for stranger in [*self._strangers]:
            self._send_away(stranger)
        for link in self._links:
            link.end("the scheduler stops")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_END_SEC):
                await self._has_no_links.wait()
        await self._web.shutdown(_NOBODY_WAITS_SEC)

    def _admit(self, connection: socket.socket, peer: object) -> None:
        notice_silence(connection, self._limits)
        stranger = _Stranger(peer, lambda: _hang_up(connection))
        if len(self._strangers) >= self._limits.unproven:
            self._make_room()
        self._strangers[stranger] = None
        stranger.timer = self._loop.call_later(
            self._limits.handshake_sec, self._is_late, stranger
        )
        greeting = self._loop.create_task(
            self._greet(connection, stranger), name="greet a worker"
        )
        self._greetings.add(greeting)
        greeting.add_done_callback(self._greetings.discard)

    async def _greet(self, connection: socket.socket, stranger: _Stranger) -> None:
        """Begin to speak HTTP, after the handshake where there is TLS."""
        shake_sec = self._limits.handshake_sec if self._tls is not None else None
        try:
            await self._loop.connect_accepted_socket(
                lambda: _Protocol(self._web, stranger, self),
                connection,
                ssl=self._tls,
                ssl_handshake_timeout=shake_sec,
                ssl_shutdown_timeout=shake_sec,
            )
        except (OSError, TimeoutError) as error:
            if isinstance(error, ssl.SSLError):
                self.complain(
                    stranger,
                    "it does not speak TLS, or does not take this certificate; a worker"
                    " needs a copy of the present secrets/worker.token",
                )
            self.forget(stranger)
            connection.close()

    async def _meet(self, request: web.BaseRequest) -> web.StreamResponse:
        protocol = request.protocol
        assert isinstance(protocol, _Protocol)
        stranger = protocol.stranger
        if request.path != PATH:
            self.complain(stranger, "it is no worker: it asks for something else")
            return _no_worker(404, _NOBODY_ELSE)
        over = web.WebSocketResponse(
            timeout=1.0,
            heartbeat=self._limits.ping_sec,
            compress=False,
            max_msg_size=FROM_WORKERS_BYTES,
        )
        try:
            await over.prepare(request)
        except web.HTTPException:
            self.complain(stranger, "it is no worker: it speaks no WebSocket")
            return _no_worker(400, _NOBODY_ELSE)
        except ConnectionError:
            # Gone before anything could be said, this too.
            self.forget(stranger)
            return _no_worker(400, _NOBODY_ELSE)
        with contextlib.suppress(ConnectionError):
            await self._converse(WebSocketWire(over), protocol)
        return over

    async def _converse(self, wire: WebSocketWire, protocol: "_Protocol") -> None:
        stranger = protocol.stranger
        side = SchedulerSide(self._secret, nonce=secrets.token_bytes(NONCE_BYTES))
        try:
            await wire.send(side.challenge(await wire.receive()))
            welcome = side.welcome(await wire.receive())
        except HandshakeFailed as failed:
            name = "" if side.who is None else f" (shard {side.who.shard})"
            self.complain(stranger, f"{failed.text}{name}")
            if (words := refusal(failed)) is not None:
                with contextlib.suppress(WireLost):
                    await wire.send(words)
            await wire.close()
            return
        except WireLost:
            return
        if not self.forget(stranger) or side.who is None:
            # Its time was up a moment ago.
            wire.abort()
            return
        protocol.is_proven = True
        peer = Peer(side.who.shard, side.who.worker, stranger.address)
        link = Link(
            wire,
            peer=peer,
            hears=ASKED_BY_WORKERS,
            handlers=self._handlers,
            turns=self._turns,
        )
        with contextlib.suppress(WireLost):
            await wire.send(welcome)
        self._links.add(link)
        self._has_no_links.clear()
        try:
            await link.run()
        finally:
            self._links.discard(link)
            if not self._links:
                self._has_no_links.set()

    def complain(self, stranger: _Stranger, text: str) -> None:
        """Say what is wrong with somebody, once a minute for each host."""
        found = self._complaints.of(
            stranger.host, f"refused {stranger.address}: {text}", self._loop.time()
        )
        if found:
            log.warning("port for workers: %s", found)

    def forget(self, stranger: _Stranger) -> bool:
        """Look after it no more; whether it was still here."""
        if stranger.timer is not None:
            stranger.timer.cancel()
        was_here = stranger in self._strangers
        self._strangers.pop(stranger, None)
        return was_here

    def _is_late(self, stranger: _Stranger) -> None:
        self.complain(
            stranger,
            f"it did not prove who it is within {self._limits.handshake_sec:g} s",
        )
        self._send_away(stranger)

    def _make_room(self) -> None:
        oldest = next(iter(self._strangers), None)
        if oldest is not None:
            self._send_away(oldest)

    def _send_away(self, stranger: _Stranger) -> None:
        self.forget(stranger)
        stranger.end()


class _Protocol(RequestHandler):
    """aiohttp's protocol of one connection, with a bound for strangers."""

    def __init__(
        self, server: web.Server, stranger: _Stranger, doorstep: Doorstep
    ) -> None:
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            access_log=None,  # type: ignore[arg-type]  # as aiohttp documents it
            logger=log,
            max_line_size=_HEADER_BYTES,
            max_field_size=_HEADER_BYTES,
            auto_decompress=False,
            lingering_time=0,
        )
        self.stranger = stranger
        self.is_proven = False
        self._doorstep = doorstep

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.stranger.end = transport.abort
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._doorstep.forget(self.stranger)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if not self.is_proven:
            self.stranger.received += len(data)
            if self.stranger.received > _STRANGER_BYTES:
                self._doorstep.complain(
                    self.stranger, "it sent too much before it proved who it is"
                )
                self.stranger.end()
                return
        super().data_received(data)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what is no HTTP."""
        if status >= 500:
            log.error("internal error in a connection of a worker", exc_info=exc)
            return _no_worker(500, "internal error; see the scheduler's log")
        self._doorstep.complain(
            self.stranger,
            "it is no worker, or one that was told to speak TLS: this cannot be read",
        )
        return _no_worker(400, _NOBODY_ELSE)


def _no_worker(status: int, text: str) -> web.Response:
    response = web.Response(
        status=status,
        body=json.dumps(text).encode("ascii"),
        headers={"Content-Type": "application/json"},
    )
    response.force_close()
    return response


def _hang_up(connection: socket.socket) -> None:
    """End a connection before there is a transport, to which the socket belongs."""
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
