"""A scheduler and its doors, from its start to its end."""

import asyncio
import json
import random
import socket
from pathlib import Path
from typing import Any

import pytest

from bistro_tui.engine import serving
from bistro_tui.engine.api.limits import Limits
from bistro_tui.engine.api.server import ApiServer
from bistro_tui.engine.clock import SystemClock
from bistro_tui.engine.engine import Engine
from bistro_tui.engine.errors import DoorUnusable
from bistro_tui.engine.ids import NodeName
from bistro_tui.engine.options import EngineOptions
from bistro_tui.engine.outcome import Outcome
from bistro_tui.engine.serving import serve
from tests.engine.api.doorsteps import CONFIG, READ, request
from tests.test_import_hygiene import loaded_by


class Run:
    """A scheduler that is served, and what was told of it."""

    def __init__(self, path: Path, **options: Any) -> None:
        (path / "config.json").write_text(json.dumps(CONFIG))
        given: dict[str, Any] = {"dry_run": True} | options
        self.data = path / "data"
        self.engine = Engine(
            EngineOptions(
                config_path=path / "config.json", data_dir=self.data, **given
            ),
            instance=NodeName("here"),
            clock=SystemClock(),
            rng=random.Random(1),
        )
        self.said: list[str] = []
        self.serving = asyncio.ensure_future(
            serve(
                self.engine,
                on_open=lambda: self.said.append("open"),
                announce=self.said.append,
            )
        )

    async def until_open(self) -> None:
        async with asyncio.timeout(25):
            while "open" not in self.said and not self.serving.done():
                await asyncio.sleep(0.005)

    async def end(self) -> Outcome | None:
        self.engine.request_stop()
        async with asyncio.timeout(25):
            return await self.serving

    async def ask(self) -> bytes:
        path = self.data / "run" / "api.sock"
        reader, writer = await asyncio.open_unix_connection(str(path))
        lines = ("Host: any", "Connection: close")
        writer.write(request("POST", "/", *lines, body=READ))
        async with asyncio.timeout(25):
            found = await reader.read()
        writer.close()
        return found


async def test_who_knocks_is_answered_before_the_server_would_have_been_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "QUIET_SEC", 60.0)
    run = Run(tmp_path)
    await run.until_open()
    assert (await run.ask()).startswith(b"HTTP/1.1 200")
    assert run.said == ["open"]
    await run.end()


async def test_a_short_run_never_loads_the_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[object] = []
    monkeypatch.setattr(serving._Service, "_load", loaded.append)
    run = Run(tmp_path)
    await run.until_open()
    assert await run.end() is not None
    assert loaded == []


async def test_a_port_is_told_of_before_it_is_open_to_others(tmp_path: Path) -> None:
    run = Run(tmp_path, http_server_port=0)
    await run.until_open()
    port = int((run.data / "run" / "http.port").read_text())
    assert run.said == [f"listening http://localhost:{port}", "open"]
    with socket.create_connection(("127.0.0.1", port), timeout=1):
        pass
    await run.end()
    assert not (run.data / "run" / "http.port").exists()


async def test_a_port_in_use_ends_it_before_anything_starts(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        run = Run(tmp_path, http_server_port=other.getsockname()[1])
        with pytest.raises(DoorUnusable, match="another program listens"):
            await run.serving
    assert run.said == []
    assert not (run.data / "run" / "api.sock").exists()
    again = Run(tmp_path, http_server_port=0)
    await again.until_open()
    await again.end()


async def test_what_may_not_be_opened_ends_it_before_there_is_a_data_directory(
    tmp_path: Path,
) -> None:
    run = Run(tmp_path, http_server_port=0, http_server_address="0.0.0.0")
    with pytest.raises(DoorUnusable, match="--http-tls-cert"):
        await run.serving
    assert not run.data.exists()


async def test_a_server_that_fails_ends_no_scheduler(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(_self: ApiServer) -> None:
        raise OSError("no room")

    monkeypatch.setattr(ApiServer, "open", fail)
    run = Run(tmp_path, http_server_port=0)
    await run.until_open()
    assert run.said == ["open"]
    banners = {one.topic: one.text for one in run.engine.latest.banners}
    assert "no room" in banners["api"]
    assert "REST cannot be served" in caplog.text
    assert await run.end() is not None


async def test_who_waits_for_nothing_delays_no_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    patient = Limits(header_sec=1_000, idle_sec=1_000, write_sec=1_000)
    monkeypatch.setattr(Limits, "of_this_process", lambda: patient)
    run = Run(tmp_path, http_server_port=0)
    await run.until_open()
    port = int((run.data / "run" / "http.port").read_text())
    idle = [await asyncio.open_connection("127.0.0.1", port) for _ in range(20)]
    streaming = await asyncio.open_connection("127.0.0.1", port)
    streaming[1].write(request("GET", "/events", "Host: localhost"))
    assert (await streaming[0].readline()).startswith(b"HTTP/1.1 200")
    await run.ask()
    # Sooner than anything that they are given time for.
    await run.end()
    for _, writer in [*idle, streaming]:
        writer.transport.abort()


async def test_stopped_while_it_opens_it_opens_nothing(tmp_path: Path) -> None:
    run = Run(tmp_path, http_server_port=0)
    run.engine.request_stop()
    assert await run.serving is None
    assert run.said == []
    assert not (run.data / "run" / "api.sock").exists()


def test_a_start_waits_for_nothing_that_only_the_server_needs() -> None:
    heavy = {"aiohttp", "prometheus_client", "multidict", "yarl"}
    assert loaded_by("import bistro_tui.engine.serving").isdisjoint(heavy)
