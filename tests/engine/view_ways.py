"""One real engine, and the ways in which programs see and steer it."""

import asyncio
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from bistro_tui.cli.engine_thread import EngineThread
from bistro_tui.client.address import address_in, address_of_url
from bistro_tui.client.remote import RemoteScheduler
from bistro_tui.engine.clock import SystemClock
from bistro_tui.engine.engine import Engine
from bistro_tui.engine.ids import NodeName
from bistro_tui.engine.options import EngineOptions
from bistro_tui.engine.view import EngineControl, EngineView, Snapshot

WAYS = ("door", "unix", "tcp")


class Scheduler(EngineView, EngineControl, Protocol):
    """All that a UI needs."""


class Served:
    """An engine on its thread, reached in one way or all of them."""

    def __init__(self, path: Path, config: str) -> None:
        (path / "config.json").write_text(config)
        self.config, self.data = path / "config.json", path / "data"
        options = EngineOptions(
            config_path=self.config, data_dir=self.data, http_server_port=0
        )
        self.thread = EngineThread(
            Engine(
                options,
                instance=NodeName("here"),
                clock=SystemClock(),
                rng=random.Random(1),
            )
        )
        self.thread.start()
        door = self.thread.wait_until_open()
        assert door is not None
        self.door = door
        self._remote: list[RemoteScheduler] = []

    def by(self, way: str) -> Scheduler:
        if way == "door":
            return self.door
        if way == "unix":
            address = address_in(self.data)
        else:
            port = (self.data / "run" / "http.port").read_text().strip()
            token = (self.data / "secrets" / "api.token").read_text().strip()
            address = address_of_url(f"http://localhost:{port}", token=token)
        scheduler = RemoteScheduler(address)
        scheduler.start()
        self._remote.append(scheduler)
        return scheduler

    def close(self) -> None:
        self.door.request_stop()
        self.thread.outcome()
        for scheduler in self._remote:
            scheduler.close()


@contextmanager
def served(path: Path, config: str) -> Iterator[Served]:
    serving = Served(path, config)
    try:
        yield serving
    finally:
        serving.close()


async def until(view: EngineView, condition: Callable[[Snapshot], bool]) -> Snapshot:
    """Return the first picture for which that holds, as soon as it is told of."""
    loop, news = asyncio.get_running_loop(), asyncio.Event()

    def notify() -> None:
        loop.call_soon_threadsafe(news.set)

    unsubscribe = view.subscribe(notify)
    try:
        async with asyncio.timeout(25):
            while not condition(view.snapshot()):
                news.clear()
                if not condition(view.snapshot()):
                    await news.wait()
    finally:
        unsubscribe()
    return view.snapshot()
