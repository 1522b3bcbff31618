"""Answers requests at the doors of one open engine."""

import asyncio
import contextlib
import gzip
import importlib
import json
import logging
import socket
from collections.abc import Awaitable, Callable, Container, Mapping, Sequence
from functools import partial

from aiohttp import hdrs, web

from bistro_tui.engine.api.connections import Connections
from bistro_tui.engine.api.doors import Doors
from bistro_tui.engine.api.envelope import BadRequest, parse_request, respond
from bistro_tui.engine.api.events import EventStream
from bistro_tui.engine.api.gate import Gate, split_target
from bistro_tui.engine.api.headers import SAFE_HEADERS
from bistro_tui.engine.api.limits import Limits
from bistro_tui.engine.api.openapi import document
from bistro_tui.engine.api.places import Places
from bistro_tui.engine.api.progress import LONGEST_WAIT_SEC
from bistro_tui.engine.api.visitors import Phase, Visitor
from bistro_tui.engine.desk import Desk
from bistro_tui.engine.patience import Patience
from bistro_tui.engine.publish import state_word

log = logging.getLogger("bistro_tui")

_PATIENCE_SEC = 0.1
"""At the end, for answers that are being sent."""
_SMALL_BODY_BYTES = 16 * 1024
_LINGER_SEC, _LINGER_BYTES = 2.0, 16 * 2**20
"""What of a refused body is thrown away, so that its sender sees the answer."""
_COMPRESS_BYTES, _COMPRESS_ELSEWHERE_BYTES = 1024, 64 * 1024
_COMPRESS_LEVEL = 1
_PIECE_BYTES = 64 * 1024
"""Of a large answer that is handed to a connection at once."""
_REFUSALS_EVERY_SEC = 1.0
"""A refused request is logged at most so often."""

_POST_PATH, _STREAM_PATH = "/", "/events"
_LARGE_PAGES = ("/metrics",)
_METRICS = "bistro_tui.engine.api.metrics"
_BODY_TIMEOUT = 408
_PUBLIC_PATH = "/healthz"
"""Needs no token, not even beyond loopback."""

Answering = Awaitable[web.StreamResponse]


class _Refused(Exception):
    """The whole request is answered with an error."""

    def __init__(
        self, status: int, text: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(text)
        self.status, self.headers = status, dict(headers or {})


class ApiServer:
    """Serves one open engine, on its loop."""

    def __init__(
        self,
        desk: Desk,
        doors: Doors,
        *,
        is_over: Callable[[], bool] = lambda: False,
        limits: Limits | None = None,
    ) -> None:
        """``is_over`` tells whether the stores are closed already."""
        self._desk = desk
        self._doors = doors
        self._is_over = is_over
        self._limits = limits or Limits.of_this_process()
        self._events = EventStream(desk)
        self._pages: dict[str, Callable[[web.BaseRequest], Answering]] = {
            _PUBLIC_PATH: self._healthz,
            "/metrics": self._metrics,
            "/openapi.json": self._openapi,
        }
        self._description: bytes | None = None
        self._connections: list[Connections] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._places = Places(self._limits.large_answers)
        self._refusals = _Seldom(_REFUSALS_EVERY_SEC)

    async def open(self) -> None:
        """Answer from now on."""
        if self._doors.unix is not None:
            most = self._limits.unix_connections
            answer = partial(self._answer, gate=None)
            known = Connections(answer, most=most, limits=self._limits)
            self._serve(known, [self._doors.unix])
        plan = self._doors.plan
        if plan is not None and self._doors.tcp:
            strangers = Connections(
                partial(self._answer, gate=self._doors.gate),
                most=self._limits.tcp_connections,
                limits=self._limits,
                tls=plan.tls,
            )
            self._serve(strangers, self._doors.tcp)
            self._tasks.append(asyncio.ensure_future(self._watch_places()))
        try:
            await asyncio.to_thread(self._doors.publish_port)
        except OSError as error:
            log.warning("the port of REST could not be written down: %s", error)

    async def close(self) -> None:
        """End all that is under way."""
        for task in self._tasks:
            task.cancel()
        self._events.close()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(
            *(one.close(patience_sec=_PATIENCE_SEC) for one in self._connections)
        )
        # What was closed is gone in the turn after, and the loop may end now.
        await asyncio.sleep(0)

    def _serve(
        self, connections: Connections, listeners: Sequence[socket.socket]
    ) -> None:
        self._connections.append(connections)
        accepting = (connections.accept_from(listener) for listener in listeners)
        for serving in (connections.watch(), *accepting):
            task = asyncio.ensure_future(serving)
            task.add_done_callback(self._look_why)
            self._tasks.append(task)

    def _look_why(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a door of REST is closed", exc_info=error)
            text = f"a door of REST is closed, for an error of ours: {error}"
            self._desk.board.put("api", text)

    async def _watch_places(self) -> None:
        loop, longest_sec = asyncio.get_running_loop(), self._limits.send_sec
        while True:
            await asyncio.sleep(longest_sec / 10)
            self._places.end_slow(loop.time(), longest_sec)

    # One request.

    async def _answer(
        self, request: web.BaseRequest, visitor: Visitor, *, gate: Gate | None
    ) -> web.StreamResponse:
        """Answer it; ``gate`` is None where everybody who comes in may do all."""
        try:
            return await self._answered(request, visitor, gate)
        finally:
            self._places.leave(visitor)

    async def _answered(
        self, request: web.BaseRequest, visitor: Visitor, gate: Gate | None
    ) -> web.StreamResponse:
        response: web.StreamResponse
        try:
            if gate is not None:
                _pass(gate, request)
            _check_header(request, self._limits.header_bytes)
            response = await self._reply(request, visitor, gate)
        except _Refused as refused:
            if refused.status in (401, 403):
                self._refusals.log(f"{refused.status} to {visitor.who}: {refused}")
            response = _json(refused.status, json.dumps(str(refused)).encode("ascii"))
            response.headers.update(refused.headers)
        except ConnectionError:
            raise
        except Exception:
            log.exception("internal error in a request of %s", visitor.who)
            response = _json(500, b'"internal error; see the scheduler\'s log"')
        self._desk.measures.answered(response.status)
        return await _sent(request, response, visitor)

    async def _reply(
        self, request: web.BaseRequest, visitor: Visitor, gate: Gate | None
    ) -> web.StreamResponse:
        path = split_target(request.raw_path)[1].partition("?")[0]
        is_trusted = gate is None or self._shows_token(request)
        if gate is not None and not (
            gate.is_loopback or is_trusted or path == _PUBLIC_PATH
        ):
            raise _no_token()
        _check_method(request.method, path, (*self._pages, _STREAM_PATH))
        if self._is_over():
            raise _Refused(503, "the scheduler has stopped", {hdrs.RETRY_AFTER: "1"})
        visitor.is_trusted = is_trusted
        visitor.is_streaming = path == _STREAM_PATH
        if visitor.is_streaming:
            visitor.wait(True)
            return await self._events.serve(
                request, door="unix" if gate is None else "TCP", is_trusted=is_trusted
            )
        patience = _patience_of(visitor)

        async def enter() -> None:
            if not is_trusted:
                # Others may wait for the place, so that nobody is to wait in it.
                patience.end()
                await self._places.enter(visitor)

        if path == _POST_PATH:
            return await self._posted(request, visitor, patience, enter)
        if path in _LARGE_PAGES:
            await enter()
        return await self._pages[path](request)

    async def _posted(
        self,
        request: web.BaseRequest,
        visitor: Visitor,
        patience: Patience,
        enter: Callable[[], Awaitable[None]],
    ) -> web.StreamResponse:
        body = await self._body(request, visitor)
        if len(body) > _SMALL_BODY_BYTES:
            # What it says takes many times as much once it is read.
            await enter()
        try:
            asked = parse_request(body)
        except BadRequest as error:
            raise _Refused(400, str(error)) from None
        if asked.changes and not visitor.is_trusted:
            raise _no_token()
        found = await respond(
            self._desk,
            asked,
            who=visitor.who,
            is_trusted=visitor.is_trusted,
            patience=patience,
            enter=enter,
        )
        return await _packed(request, _json(200, found))

    def _shows_token(self, request: web.BaseRequest) -> bool:
        token = self._doors.token
        shown = request.headers.getall(hdrs.AUTHORIZATION, ())
        return token is not None and token.is_shown_by(shown)

    async def _body(self, request: web.BaseRequest, visitor: Visitor) -> bytes:
        most = self._limits.body_bytes
        encoding = request.headers.get(hdrs.CONTENT_ENCODING, "identity")
        if encoding.lower() != "identity":
            raise _Refused(415, "a compressed body is not accepted")
        if (request.content_length or 0) > most:
            raise _too_large(most)
        if request.headers.get(hdrs.EXPECT, "").lower() == "100-continue":
            await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        content = request.content
        try:
            # What came with its header, as small ones do, needs no deadline, which
            # would cost a fifth of a small request.
            if content.is_eof():
                body = content.read_nowait()
            else:
                visitor.phase = Phase.BODY
                async with asyncio.timeout(self._limits.body_sec):
                    body = await _rest_of(request, most)
        except TimeoutError:
            raise _Refused(_BODY_TIMEOUT, "the body did not come in time") from None
        except web.RequestPayloadError:
            raise _Refused(400, "the body is not what its header says") from None
        if len(body) > most:
            raise _too_large(most)
        visitor.phase = Phase.ANSWERING
        return body

    # The pages beside it.

    async def _healthz(self, _request: web.BaseRequest) -> web.Response:
        # Whoever is answered knows that the loop turns.
        found = {"status": "ok", "state": state_word(self._desk.core)}
        return _json(200, json.dumps(found).encode("ascii"))

    async def _metrics(self, request: web.BaseRequest) -> web.Response:
        # Its library costs a tenth of a second; most schedulers are never asked.
        await asyncio.to_thread(importlib.import_module, _METRICS)
        from bistro_tui.engine.api.metrics import CONTENT_TYPE, render

        response = _json(200, await render(self._desk))
        response.headers[hdrs.CONTENT_TYPE] = CONTENT_TYPE
        return await _packed(request, response)

    async def _openapi(self, request: web.BaseRequest) -> web.Response:
        if self._description is None:
            self._description = json.dumps(document()).encode("ascii")
        return await _packed(request, _json(200, self._description))


class _Seldom:
    """Log lines of which most are only counted."""

    def __init__(self, every_sec: float) -> None:
        self._every_sec = every_sec
        self._not_before = float("-inf")
        self._more = 0

    def log(self, text: str) -> None:
        now = asyncio.get_running_loop().time()
        if now < self._not_before:
            self._more += 1
            return
        more = f" (and {self._more} more before it)" if self._more else ""
        log.warning("refused: %s%s", text, more)
        self._not_before, self._more = now + self._every_sec, 0


async def _rest_of(request: web.BaseRequest, most: int) -> bytes:
    body = bytearray()
    try:
        while some := await request.content.readany():
            body += some
            if len(body) > most:
                break
    except RuntimeError:
        if request.transport is None:
            # That is how aiohttp says it.
            raise ConnectionResetError from None
        raise
    return bytes(body)


def _pass(gate: Gate, request: web.BaseRequest) -> None:
    headers, transport = request.headers, request.transport
    here = transport.get_extra_info("sockname") if transport is not None else None
    reason = gate.refusal(
        hosts=headers.getall(hdrs.HOST, ()),
        origins=headers.getall(hdrs.ORIGIN, ()),
        sites=headers.getall("Sec-Fetch-Site", ()),
        authority=split_target(request.raw_path)[0],
        came_in_by=str(here[0]).removeprefix("::ffff:") if here else "",
    )
    if reason:
        raise _Refused(403, reason)


def _check_header(request: web.BaseRequest, most: int) -> None:
    size = len(request.raw_path)
    for name, value in request.raw_headers:
        size += len(name) + len(value) + len(": \r\n")
    if size > most:
        raise _Refused(431, f"the header has more than {most} bytes")


def _check_method(method: str, path: str, pages: Container[str]) -> None:
    if path == _POST_PATH:
        allowed: tuple[str, ...] = ("POST",)
    elif path in pages:
        allowed = ("GET", "HEAD")
    else:
        raise _Refused(404, "there is nothing at this path; requests go to POST /")
    if method not in allowed:
        text = f"this path takes {' and '.join(allowed)}"
        raise _Refused(405, text, {hdrs.ALLOW: ", ".join(allowed)})


def _too_large(most: int) -> _Refused:
    return _Refused(413, f"the body has more than {most} bytes")


def _no_token() -> _Refused:
    text = "this needs the token of this scheduler: Authorization: Bearer TOKEN"
    return _Refused(401, text, {hdrs.WWW_AUTHENTICATE: "Bearer"})


def _patience_of(visitor: Visitor) -> Patience:
    """Return how long a request may wait, until the visitor leaves or is silent."""
    until = asyncio.get_running_loop().time() + LONGEST_WAIT_SEC
    patience = Patience(until, on_wait=visitor.wait)
    visitor.hush, visitor.leave = patience.end, patience.leave
    return patience


def _json(status: int, body: bytes | bytearray) -> web.Response:
    return web.Response(status=status, body=body, headers=SAFE_HEADERS)


async def _packed(request: web.BaseRequest, response: web.Response) -> web.Response:
    """Return the response, compressed where that is worth it and understood."""
    body = response.body
    if not isinstance(body, bytes | bytearray) or len(body) <= _COMPRESS_BYTES:
        return response
    response.headers[hdrs.VARY] = hdrs.ACCEPT_ENCODING
    if not _takes_gzip(request.headers.get(hdrs.ACCEPT_ENCODING, "")):
        return response
    pack = partial(gzip.compress, body, _COMPRESS_LEVEL, mtime=0)
    is_long = len(body) > _COMPRESS_ELSEWHERE_BYTES
    response.body = await asyncio.to_thread(pack) if is_long else pack()
    response.headers[hdrs.CONTENT_ENCODING] = "gzip"
    return response


def _takes_gzip(accepted: str) -> bool:
    for one in accepted.lower().replace(" ", "").split(","):
        name, _, weight = one.partition(";q=")
        if name == "gzip":
            return weight.strip("0.") != "" or not weight
    return False


async def _sent(
    request: web.BaseRequest, response: web.StreamResponse, visitor: Visitor
) -> web.StreamResponse:
    """Send a response, and take what is left of a body that was not read."""
    is_whole = request.content.is_eof()
    if not is_whole:
        response.force_close()
    is_coming = not is_whole and response.status != _BODY_TIMEOUT
    with contextlib.suppress(ConnectionError):
        visitor.sending_since = asyncio.get_running_loop().time()
        response = await _written(request, response)
        if is_coming:
            visitor.phase = Phase.BODY
            await _read_away(request)
    return response


async def _written(
    request: web.BaseRequest, response: web.StreamResponse
) -> web.StreamResponse:
    """Send a response, a large body piece by piece as it is taken."""
    body = response.body if isinstance(response, web.Response) else None
    if (
        not isinstance(body, bytes | bytearray)
        or len(body) <= _PIECE_BYTES
        or request.method == "HEAD"
    ):
        await response.prepare(request)
        await response.write_eof()
        return response
    pieces = web.StreamResponse(status=response.status, headers=response.headers)
    pieces.content_length = len(body)
    if response.keep_alive is False:
        pieces.force_close()
    await pieces.prepare(request)
    for begin in range(0, len(body), _PIECE_BYTES):
        await pieces.write(body[begin : begin + _PIECE_BYTES])
    await pieces.write_eof()
    return pieces


async def _read_away(request: web.BaseRequest) -> None:
    left = _LINGER_BYTES
    # RuntimeError: the connection is gone.
    with contextlib.suppress(TimeoutError, web.RequestPayloadError, RuntimeError):
        async with asyncio.timeout(_LINGER_SEC):
            while left > 0 and (some := await request.content.readany()):
                left -= len(some)
