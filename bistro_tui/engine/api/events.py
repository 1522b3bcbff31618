"""``GET /events``: server-sent events, a ``snapshot`` and then each ``change`` of it.

Source: HTML Standard, Server-sent events.
"""

import asyncio
import json
from dataclasses import dataclass

from aiohttp import web

from bistro_tui.engine.api.feed import Event, Feed, Reader
from bistro_tui.engine.api.headers import SAFE_HEADERS
from bistro_tui.engine.desk import Desk

MOST_STREAMS = 64

HEARTBEAT_SEC = 15.0
"""A comment is sent after so much silence: both sides see a dead connection."""

_STALLED_SEC = 60.0
"""Whoever takes so long for some kilobytes is not reading."""

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

    @property
    def is_alive(self) -> bool:
        return not self.transport.is_closing()


class EventStream:
    """All streams of one scheduler."""

    def __init__(self, desk: Desk, *, heartbeat_sec: float = HEARTBEAT_SEC) -> None:
        self._feed = Feed(desk.latest, desk.subscribe)
        self._heartbeat_sec = heartbeat_sec
        self._streams: set[_Stream] = set()

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request, for as long as it is listened to."""
        if request.method == "HEAD":
            return web.Response(headers=_HEADERS)
        if sum(stream.is_alive for stream in self._streams) >= MOST_STREAMS:
            text = f"{MOST_STREAMS} event streams are open already; try again later"
            again = {**SAFE_HEADERS, "Retry-After": "5"}
            return web.Response(status=503, body=json.dumps(text), headers=again)
        response = web.StreamResponse(headers=_HEADERS)
        transport = request.transport
        if transport is None:
            return response
        reader = self._feed.join(_last_id(request))
        stream = _Stream(reader=reader, transport=transport)
        self._streams.add(stream)
        try:
            await response.prepare(request)
            await response.write(b"retry: 1000\n\n")
            await self._send_all(stream.reader, response)
            await response.write_eof()
        except (ConnectionError, TimeoutError):
            # Gone, or as good as gone; what it missed it gets when it comes back.
            transport.abort()
        finally:
            self._streams.discard(stream)
            self._feed.leave(stream.reader)
        return response

    def close(self) -> None:
        """End all streams; those that do not read are cut off a moment later."""
        self._feed.close()
        loop = asyncio.get_running_loop()
        for stream in self._streams:
            loop.call_later(_LAST_WORDS_SEC, stream.transport.abort)

    async def _send_all(self, reader: Reader, response: web.StreamResponse) -> None:
        while True:
            if reader.wants_whole:
                await _send(await self._feed.whole(reader), response)
            elif (event := reader.take()) is not None:
                await _send(event, response)
            elif self._feed.has_ended:
                return
            else:
                reader.news.clear()
                try:
                    async with asyncio.timeout(self._heartbeat_sec):
                        await reader.news.wait()
                except TimeoutError:
                    async with asyncio.timeout(_STALLED_SEC):
                        await response.write(b":\n\n")


async def _send(event: Event, response: web.StreamResponse) -> None:
    for piece in event.pieces:
        async with asyncio.timeout(_STALLED_SEC):
            await response.write(piece)


def _last_id(request: web.BaseRequest) -> str | None:
    return request.headers.get("Last-Event-ID") or request.query.get("last_event_id")
