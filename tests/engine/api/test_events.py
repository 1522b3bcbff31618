"""``/events`` over real connections, fed by a scheduler that does what it is told."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from typing import Any, cast

import aiohttp
import pytest
from aiohttp import web

from bistro_tui.client.event_stream import EventStreamParser, ServerEvent
from bistro_tui.engine.api import events, feed
from bistro_tui.engine.api.events import EventStream
from bistro_tui.engine.config.hiding import Hiding
from bistro_tui.engine.config.model import Config, Job, Settings
from bistro_tui.engine.desk import Desk
from bistro_tui.engine.ids import JobName, LevelName, NodeName
from bistro_tui.engine.view import NodeRow, Snapshot
from bistro_tui.engine.wire.snapshots import apply_change, decode_snapshot
from tests.engine.wire.test_snapshots import STATE


class Scripted:
    """A desk whose pictures are what a test says."""

    def __init__(self) -> None:
        self.picture = Snapshot(serial=1, now=1.0, state=STATE)
        self.looks = 0
        self.listeners: list[Callable[[], None]] = []
        self.hiding = Hiding()
        self.config: Config | None = None

    def latest(self) -> Snapshot:
        self.looks += 1
        return self.picture

    def subscribe(self, notify: Callable[[], None]) -> Callable[[], None]:
        self.listeners.append(notify)
        return lambda: self.listeners.remove(notify)

    def change(self, **values: Any) -> None:
        serial = self.picture.serial + 1
        self.picture = replace(self.picture, serial=serial, **values)
        for listener in list(self.listeners):
            listener()

    def stop(self) -> None:
        self.change(state=replace(STATE, word="stopped"))


class Reading:
    """One open stream."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.response = response
        self.raw = b""
        self._parser = EventStreamParser()
        self._events: list[ServerEvent] = []

    async def next(self) -> ServerEvent:
        async with asyncio.timeout(25):
            while not self._events:
                received = await self.response.content.readany()
                assert received, "the stream has ended"
                self.raw += received
                self._events.extend(self._parser.feed(received))
        return self._events.pop(0)

    async def picture(self) -> Snapshot:
        event = await self.next()
        assert event.name == "snapshot"
        return decode_snapshot(json.loads(event.data))

    async def until_the_end(self) -> list[ServerEvent]:
        async with asyncio.timeout(25):
            received = await self.response.content.read()
        return [*self._events, *self._parser.feed(received)]


class Slow:
    """A stream over a bare socket with a small buffer, read when a test says so."""

    def __init__(self, port: int) -> None:
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self._socket.connect(("127.0.0.1", port))
        # In HTTP/1.0 a body has no chunks: it ends with the connection.
        self._socket.sendall(b"GET /events HTTP/1.0\r\nHost: localhost\r\n\r\n")
        self._socket.setblocking(False)
        self._head: bytes | None = b""
        self._parser = EventStreamParser()
        self._events: list[ServerEvent] = []

    async def next(self) -> ServerEvent:
        loop = asyncio.get_running_loop()
        while not self._events:
            received = await loop.sock_recv(self._socket, 2**20)
            assert received, "the stream has ended"
            if self._head is not None:
                self._head, is_over, received = (self._head + received).partition(
                    b"\r\n\r\n"
                )
                if not is_over:
                    continue
                self._head = None
            self._events.extend(self._parser.feed(received))
        return self._events.pop(0)

    def close(self) -> None:
        self._socket.close()


class Server:
    def __init__(self, scheduler: Scripted, stream: EventStream, url: str) -> None:
        self.scheduler, self.stream, self.url = scheduler, stream, url

    @asynccontextmanager
    async def reading(
        self, last_id: str = "", *, in_query: bool = False
    ) -> AsyncIterator[Reading]:
        headers = {"Last-Event-ID": last_id} if last_id and not in_query else {}
        query = {"last_event_id": last_id} if in_query else {}
        async with (
            aiohttp.ClientSession() as session,
            session.get(self.url, headers=headers, params=query) as response,
        ):
            yield Reading(response)


@asynccontextmanager
async def serving(heartbeat_sec: float = 15.0) -> AsyncIterator[Server]:
    scheduler = Scripted()
    stream = EventStream(cast("Desk", scheduler), heartbeat_sec=heartbeat_sec)
    app = web.Application()

    async def serve(request: web.Request) -> web.StreamResponse:
        door, asked = request.query.get("door", "TCP"), request.query
        return await stream.serve(request, door=door, is_trusted="trusted" in asked)

    app.router.add_get("/events", serve)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        yield Server(scheduler, stream, f"http://127.0.0.1:{port}/events")
    finally:
        stream.close()
        await runner.cleanup()


def some_nodes(number: int, running: int) -> tuple[NodeRow, ...]:
    return tuple(
        NodeRow(NodeName(f"n{n}" * 8), LevelName("host"), 1, True, (), running)
        for n in range(number)
    )


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(25):
        while not condition():
            await asyncio.sleep(0.005)


async def test_first_comes_the_whole_picture_then_each_change_of_it() -> None:
    async with serving() as server, server.reading() as reading:
        shown = await reading.picture()
        assert shown == server.scheduler.picture
        for starts in (1, 2):
            server.scheduler.change(starts=starts)
            event = await reading.next()
            assert event.name == "change"
            shown = apply_change(shown, json.loads(event.data))
            assert shown == server.scheduler.picture
        assert reading.response.content_type == "text/event-stream"
        assert reading.response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("in_query", [False, True])
async def test_a_reader_that_comes_back_gets_only_what_it_missed(
    in_query: bool,
) -> None:
    async with serving() as server, server.reading():
        async with server.reading() as reading:
            shown = await reading.picture()
            server.scheduler.change(starts=1)
            event = await reading.next()
            shown = apply_change(shown, json.loads(event.data))
            known = event.event_id
        server.scheduler.change(starts=2)
        async with server.reading(known, in_query=in_query) as reading:
            event = await reading.next()
            assert event.name == "change"
            assert apply_change(shown, json.loads(event.data)).starts == 2


async def test_the_only_reader_may_come_back_too_and_costs_nothing_meanwhile() -> None:
    async with serving() as server:
        async with server.reading() as reading:
            event = await reading.next()
            shown = decode_snapshot(json.loads(event.data))
        # The server sees that a reader has gone when it writes to it.
        async with asyncio.timeout(25):
            while server.scheduler.listeners:
                server.scheduler.change(starts=server.scheduler.picture.starts + 1)
                await asyncio.sleep(0.005)
        looks = server.scheduler.looks
        server.scheduler.change(starts=2)
        server.scheduler.change(starts=3)
        await asyncio.sleep(0)
        assert server.scheduler.looks == looks
        async with server.reading(event.event_id) as reading:
            while shown != server.scheduler.picture:
                change = await reading.next()
                assert change.name == "change"
                shown = apply_change(shown, json.loads(change.data))


@pytest.mark.parametrize("last_id", ["another-1", "1", "-", "x" * 500])
async def test_an_id_that_nobody_knows_begins_anew(last_id: str) -> None:
    async with serving() as server, server.reading(last_id) as reading:
        assert await reading.picture() == server.scheduler.picture


async def test_ids_of_another_run_never_match() -> None:
    async with serving() as first, first.reading() as reading:
        known = (await reading.next()).event_id
    async with serving() as second, second.reading(known) as reading:
        assert (await reading.next()).name == "snapshot"


async def test_a_slow_reader_gets_a_fresh_picture_instead_of_a_long_queue() -> None:
    async with serving() as server:
        with closing(Slow(int(server.url.split(":")[2].partition("/")[0]))) as slow:
            await until(lambda: bool(server.scheduler.listeners))
            (queue,) = server.stream._feed._readers
            async with server.reading() as quick:
                await quick.picture()
                most = 0
                while not queue.wants_whole:
                    server.scheduler.change(
                        nodes=some_nodes(2_000, server.scheduler.picture.serial)
                    )
                    await quick.next()
                    most = max(most, sum(event.size for event in queue.queue))
                assert most <= feed.MOST_BYTES
                assert len(queue.queue) == 0
                server.scheduler.change(starts=77)
                await quick.next()
            shown: Snapshot | None = None
            names: list[str] = []
            async with asyncio.timeout(20):
                while shown is None or shown.starts != 77:
                    event = await slow.next()
                    names.append(event.name)
                    if event.name == "snapshot":
                        shown = decode_snapshot(json.loads(event.data))
                    elif shown is not None:
                        shown = apply_change(shown, json.loads(event.data))
            assert names.count("snapshot") == 2
            assert shown == server.scheduler.picture


async def test_secrets_are_hidden_from_readers_without_the_token() -> None:
    async with serving() as server:
        job = Job(
            name=JobName("etl"),
            level_for_tasks=LevelName("host"),
            env={"API_TOKEN": "hunter22"},
        )
        server.scheduler.config = Config(settings=Settings(), jobs={job.name: job})
        server.scheduler.change(state=replace(STATE, text="it is hunter22"))
        async with server.reading() as stranger:
            first = await stranger.next()
            assert json.loads(first.data)["state"]["text"] == "it is ***"
            server.scheduler.change(state=replace(STATE, text="still hunter22"))
            event = await stranger.next()
            assert json.loads(event.data)["state"]["text"] == "still ***"
            assert b"hunter22" not in event.data
        server.url += "?trusted=1"
        async with server.reading() as owner:
            assert (await owner.picture()).state.text == "still hunter22"


async def test_silence_is_broken_by_a_comment() -> None:
    async with serving(heartbeat_sec=0.02) as server, server.reading() as reading:
        await reading.picture()
        async with asyncio.timeout(25):
            while b"\n:\n\n" not in reading.raw:
                reading.raw += await reading.response.content.readany()


async def test_at_the_cap_of_a_door_the_oldest_stream_without_the_token_goes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(events, "MOST_STREAMS", 3)
    async with (
        serving() as server,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session,
    ):

        async def come(how: str = "") -> aiohttp.ClientResponse:
            return await session.get(f"{server.url}?{how}")

        async def has_ended(response: aiohttp.ClientResponse) -> bool:
            try:
                async with asyncio.timeout(25):
                    await response.read()
            except aiohttp.ClientError:
                return True
            return False

        own = await come("door=unix&trusted")
        trusted = [await come("trusted")]
        strange = [await come(), await come()]
        strange.append(await come())
        assert await has_ended(strange.pop(0))
        for _ in range(2):
            trusted.append(await come("trusted"))
            assert await has_ended(strange.pop(0))
        # All three have the token now.
        refused = await come()
        assert refused.status == 503
        assert "3 event streams" in await refused.text()
        trusted.append(await come("trusted"))
        assert await has_ended(trusted.pop(0))
        for response in (own, *trusted):
            assert response.status == 200
            assert not response.content.at_eof()
            response.close()


async def test_the_last_event_tells_the_end_and_the_stream_ends() -> None:
    async with serving() as server, server.reading() as reading:
        await reading.picture()
        server.scheduler.change(nodes=some_nodes(5_000, 1))
        await until(lambda: server.scheduler.looks > 1)
        # That change is being encoded; the end comes in the middle of it.
        server.scheduler.stop()
        server.stream.close()
        events = await reading.until_the_end()
        assert json.loads(events[-1].data)["state"]["word"] == "stopped"


async def test_the_end_waits_for_nobody() -> None:
    async with serving() as server, server.reading() as reading:
        await reading.picture()
        server.stream.close()
        assert await reading.until_the_end() == []
        async with server.reading() as late:
            assert await late.picture() == server.scheduler.picture
            assert await late.until_the_end() == []


async def test_without_readers_nobody_looks() -> None:
    async with serving() as server:
        assert server.scheduler.listeners == []
        assert server.scheduler.looks == 0


async def test_after_a_change_that_cannot_be_told_all_begin_anew(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        monkeypatch.undo()
        raise ValueError("no JSON for that")

    async with serving() as server, server.reading() as reading:
        await reading.picture()
        monkeypatch.setattr(feed, "_change_event", fail)
        server.scheduler.change(starts=5)
        assert (await reading.picture()).starts == 5
        server.scheduler.change(starts=6)
        assert json.loads((await reading.next()).data)["starts"] == 6
    assert "could not be told" in caplog.text
