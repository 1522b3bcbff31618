"""A client whose scheduler goes away, comes back, refuses, or is none."""

import asyncio
import gc
import json
import logging
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
import trustme
from aiohttp import web

from bistro_tui.client.address import Address, address_in, address_of_url
from bistro_tui.client.errors import NoAnswer, NoAnswerInTime, Refused
from bistro_tui.client.remote import RemoteScheduler
from bistro_tui.engine.api.events import EventStream
from bistro_tui.engine.desk import Desk
from bistro_tui.engine.errors import ControlRefused
from bistro_tui.engine.ids import JobName, NodeName, TaskId
from bistro_tui.engine.sockets import unix_address
from bistro_tui.engine.wire.snapshots import FORMAT
from tests.engine.api.test_events import Scripted
from tests.engine.view_ways import until
from tests.ui.scenes import busy_engine

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]
TASK = TaskId(JobName("a"), NodeName("n"))
TOKEN = "the-secret-token"


@asynccontextmanager
async def listening(
    where: Path | None,
    events: Answer,
    post: Answer,
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[Address]:
    app = web.Application()
    app.router.add_get("/events", events)
    app.router.add_post("/", post)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        if where is not None:
            path = where / "run" / "api.sock"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink(missing_ok=True)
            with unix_address(path) as name:
                await web.UnixSite(runner, name).start()
                yield address_in(where)
        else:
            await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
            scheme = "http" if tls is None else "https"
            port = runner.addresses[0][1]
            yield address_of_url(f"{scheme}://localhost:{port}", token=TOKEN)
    finally:
        await runner.cleanup()
        # What was closed is gone in the turn after.
        await asyncio.sleep(0)


def events_of(stream: EventStream) -> Answer:
    async def answer(request: web.Request) -> web.StreamResponse:
        return await stream.serve(request, door="TCP", is_trusted=True)

    return answer


@asynccontextmanager
async def scheduler_on(
    where: Path | None, scripted: Scripted
) -> AsyncIterator[Address]:
    stream = EventStream(cast("Desk", scripted))
    post = saying({"it": {"data": {}}})
    async with listening(where, events_of(stream), post) as address:
        try:
            yield address
        finally:
            stream.close()


def saying(value: object, status: int = 200) -> Answer:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(text=json.dumps(value), status=status)

    return answer


@asynccontextmanager
async def attached(address: Address) -> AsyncIterator[RemoteScheduler]:
    remote = RemoteScheduler(address)
    try:
        await asyncio.to_thread(remote.start)
        yield remote
    finally:
        await asyncio.to_thread(remote.close)


async def test_a_lost_scheduler_is_shown_as_it_was_until_it_is_back(
    tmp_path: Path,
) -> None:
    first, second = Scripted(), Scripted()
    first.change(starts=1)
    second.picture = first.picture
    second.change(starts=2)
    async with scheduler_on(tmp_path, first) as address:
        remote = RemoteScheduler(address)
        await asyncio.to_thread(remote.start)
    shown = await until(remote, lambda s: s.state.word == "unreachable")
    assert shown.starts == 1
    assert "no answer" in shown.state.text
    assert [banner.topic for banner in shown.banners] == ["connection"]
    assert shown.banners[0].text.endswith("; trying again")
    with pytest.raises(ControlRefused, match=r"no (answer|scheduler)"):
        await remote.explain(TASK)

    async with scheduler_on(tmp_path, second):
        shown = await until(remote, lambda s: s.state.word == "running")
        assert shown == second.picture
        second.stop()
        await until(remote, lambda s: s.state.word == "stopped")
    shown = await until(remote, lambda s: bool(s.banners))
    assert shown.state.word == "stopped"
    assert "waiting for it to start again" in shown.banners[-1].text
    with pytest.raises(ControlRefused, match="has stopped"):
        await remote.explain(TASK)
    await asyncio.to_thread(remote.close)
    with pytest.raises(ControlRefused, match="not connected"):
        await remote.explain(TASK)


async def test_what_was_asked_is_told_not_what_a_stale_picture_makes_of_it(
    tmp_path: Path,
) -> None:
    scripted = Scripted()
    job = replace(busy_engine().current.jobs[0], name=TASK.job, enabled=True, counts={})
    scripted.picture = replace(scripted.picture, jobs=(job,))
    stream = EventStream(cast("Desk", scripted))
    post = saying({"it": {"data": "whatever"}})
    async with (
        listening(tmp_path, events_of(stream), post) as address,
        attached(address) as remote,
    ):
        assert remote.snapshot().jobs == (job,)
        said = await remote.set_job_enabled(TASK.job, True)
        assert said.startswith("a enabled in ")
        assert await remote.forgive((TASK.job,)) == "failures of a are forgiven"
        stream.close()


async def test_nobody_there_at_first_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(NoAnswer, match=f"no scheduler runs on {tmp_path}$"):
        async with attached(address_in(tmp_path)):
            pass


async def test_one_that_is_just_starting_is_waited_for(tmp_path: Path) -> None:
    remote = RemoteScheduler(address_in(tmp_path), is_coming=lambda: True)
    starting = asyncio.ensure_future(asyncio.to_thread(remote.start))
    await asyncio.sleep(0)
    async with scheduler_on(tmp_path, Scripted()):
        await starting
        assert remote.snapshot().state.word == "running"
        await asyncio.to_thread(remote.close)


async def test_a_path_that_is_too_long_for_a_socket_is_no_hindrance(
    tmp_path: Path,
) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    async with scheduler_on(deep, Scripted()) as address, attached(address) as remote:
        assert remote.snapshot().state.word == "running"


async def test_a_certificate_is_trusted_if_its_authority_is_named(
    tmp_path: Path,
) -> None:
    authority, ca_file = trustme.CA(), tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(tls)
    stream = EventStream(cast("Desk", Scripted()))
    async with listening(None, events_of(stream), saying({}), tls) as address:
        with pytest.raises(NoAnswer, match=r"is not trusted .* --tls-ca FILE"):
            await asyncio.to_thread(RemoteScheduler(address).start)
        async with attached(replace(address, ca_file=ca_file)) as remote:
            assert remote.snapshot().state.word == "running"
        nowhere = replace(address, ca_file=tmp_path / "nowhere.pem")
        with pytest.raises(NoAnswer, match=r"nowhere\.pem: No such file"):
            await asyncio.to_thread(RemoteScheduler(nowhere).start)
        stream.close()
    # A connection that outlived its loop is told of here, not in some later test.
    gc.collect()


@pytest.mark.parametrize(
    ("events", "error", "text"),
    [
        (saying("no token", 401), Refused, "the token is not this scheduler's"),
        (saying("not this name", 403), Refused, "not this name"),
        (saying("64 streams", 503), NoAnswer, "cannot answer now: 64 streams"),
        (saying({}), NoAnswer, "what answers is no scheduler"),
    ],
)
async def test_others_than_a_scheduler_that_lets_us_in_are_told_apart(
    events: Answer, error: type[Exception], text: str
) -> None:
    async with listening(None, events, saying({})) as address:
        with pytest.raises(error, match=text) as raised:
            async with attached(address):
                pass
    assert TOKEN not in str(raised.value)


async def test_a_newer_scheduler_is_refused_in_words() -> None:
    async def newer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        picture = json.dumps({"format": FORMAT + 1})
        await response.write(f"event: snapshot\ndata: {picture}\n\n".encode())
        return response

    async with listening(None, newer, saying({})) as address:
        with pytest.raises(Refused, match="the scheduler is newer"):
            async with attached(address):
                pass


@pytest.mark.parametrize(
    ("post", "text"),
    [
        (saying("no token", 401), "the token is not this scheduler's"),
        (saying({"it": {"error": "not you"}}), "^not you$"),
        (
            saying({"it": {"error": "Unknown handler: why"}}),
            "that scheduler is of another version and knows no why; start it again",
        ),
        (saying({"it": {"data": {"reason": "new"}}}), "not what a scheduler"),
        (saying([]), "no scheduler"),
    ],
)
async def test_every_answer_but_a_good_one_is_a_refusal(
    post: Answer, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    stream = EventStream(cast("Desk", Scripted()))
    async with (
        listening(None, events_of(stream), post) as address,
        attached(address) as remote,
    ):
        with pytest.raises(ControlRefused, match=text):
            await remote.explain(TASK)
        stream.close()
    assert TOKEN not in caplog.text
    assert TOKEN not in repr(address)


async def test_one_that_is_silent_is_given_up_however_alive_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bistro_tui.client.connection.FIRST_SEC", 0.01)

    async def silent(_request: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError

    async with listening(tmp_path, silent, saying({})) as address:
        remote = RemoteScheduler(address, is_coming=lambda: True)
        try:
            with pytest.raises(NoAnswerInTime, match="in time"):
                await asyncio.to_thread(remote.start)
        finally:
            remote.close()
