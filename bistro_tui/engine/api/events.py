"""``GET /events``: server-sent events, a ``snapshot`` and then each ``change`` of it.

Source: HTML Standard, Server-sent events.
"""

import asyncio
import json
import logging
from dataclasses import dataclass

from aiohttp import web

from bistro_tui.engine.api.feed import Event, Feed, Reader
from bistro_tui.engine.api.headers import SAFE_HEADERS
from bistro_tui.engine.desk import Desk

log = logging.getLogger("bistro_tui")

MOST_STREAMS = 64
"""At each door."""

HEARTBEAT_SEC = 15.0
"""A comment is sent after so much silence: both sides see a dead connection."""

_LAST_WORDS_SEC = 1.0
"""For what is still to be sent at the end."""

_HEADERS = {
    **SAFE_HEADERS,
    "Content-Type": "text/event-stream; charset=utf-8",
    "X-Accel-Buffering": "no",
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Stream:
    reader: Reader
    transport: asyncio.Transport
    door: str
    is_trusted: bool

    @property
    def is_alive(self) -> bool:
        return not self.transport.is_closing()


class EventStream:
    """All streams of one scheduler."""

    def __init__(self, desk: Desk, *, heartbeat_sec: float = HEARTBEAT_SEC) -> None:
        self._desk = desk
        self._feed = Feed(desk.latest, desk.subscribe)
        self._heartbeat_sec = heartbeat_sec
        self._streams: dict[_Stream, None] = {}
        """Oldest first."""

    async def serve(
        self, request: web.BaseRequest, *, door: str, is_trusted: bool
    ) -> web.StreamResponse:
        """Answer one request that came in by that door, while it is listened to.

        Where all places of the door are taken, the oldest stream is ended for it; those
        with the token only for others with the token.
        """
        if request.method == "HEAD":
            return web.Response(headers=_HEADERS)
        if not self._make_room(door, for_trusted=is_trusted):
            text = f"{MOST_STREAMS} event streams are open already; try again later"
            again = {**SAFE_HEADERS, "Retry-After": "5"}
            return web.Response(status=503, body=json.dumps(text), headers=again)
        response = web.StreamResponse(headers=_HEADERS)
        transport = request.transport
        if transport is None:
            return response
        reader = self._feed.join(_last_id(request))
        stream = _Stream(
            reader=reader, transport=transport, door=door, is_trusted=is_trusted
        )
        self._streams[stream] = None
        try:
            await response.prepare(request)
            await response.write(b"retry: 1000\n\n")
            await self._send_all(stream, response)
            await response.write_eof()
        except ConnectionError:
            # Gone; what it missed it gets when it comes back.
            transport.abort()
        except Exception:
            # Nothing else can be said in the middle of a stream.
            log.exception("/events: a stream could not go on")
            transport.abort()
        finally:
            del self._streams[stream]
            self._feed.leave(stream.reader)
        return response

    def close(self) -> None:
        """End all streams; those that do not read are cut off a moment later."""
        self._feed.close()
        loop = asyncio.get_running_loop()
        for stream in self._streams:
            loop.call_later(_LAST_WORDS_SEC, stream.transport.abort)

    def _make_room(self, door: str, *, for_trusted: bool) -> bool:
        here = [one for one in self._streams if one.door == door and one.is_alive]
        if len(here) < MOST_STREAMS:
            return True
        strangers = [one for one in here if not one.is_trusted]
        missed = strangers or (here if for_trusted else [])
        if not missed:
            return False
        missed[0].transport.abort()
        return True

    async def _send_all(self, stream: _Stream, response: web.StreamResponse) -> None:
        reader = stream.reader
        while True:
            if reader.wants_whole:
                event: Event | None = await self._feed.whole(reader)
            else:
                event = reader.take()
            if event is not None:
                await _send(await self._pieces(event, stream), response)
            elif self._feed.has_ended:
                return
            else:
                reader.news.clear()
                try:
                    async with asyncio.timeout(self._heartbeat_sec):
                        await reader.news.wait()
                except TimeoutError:
                    await response.write(b":\n\n")

    async def _pieces(self, event: Event, stream: _Stream) -> tuple[bytes, ...]:
        """Return what is sent of an event; without the token, no secrets."""
        if stream.is_trusted:
            return event.pieces
        hide = await self._desk.hiding.of(self._desk.config)
        return event.pieces if hide is None else await event.hidden_by(hide)


async def _send(pieces: tuple[bytes, ...], response: web.StreamResponse) -> None:
    for piece in pieces:
        await response.write(piece)


def _last_id(request: web.BaseRequest) -> str | None:
    return request.headers.get("Last-Event-ID") or request.query.get("last_event_id")
