"""Following a config watcher in tests."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bistro_tui.engine.config import load
from bistro_tui.engine.config.known_jobs import KnownJobs
from bistro_tui.engine.config.load import LoadedConfig, load_config
from bistro_tui.engine.config.watcher import ConfigWatcher

SLOW_POLL_MS = 60_000


class Looks:
    """Counts how often a file is looked at; what comes next may hang on that."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._look = load._load_or_trouble
        self.waited = 0
        """Looks that found somebody writing."""
        self.bad = 0
        self.after_bad: Callable[[], None] = lambda: None
        """Called once, when nothing but that look has come of what was bad."""
        monkeypatch.setattr(load, "_load_or_trouble", self)

    def __call__(
        self, path: Path, known: KnownJobs, read: Callable[[Path], bytes | None]
    ) -> LoadedConfig | None:
        found = self._look(path, known, read)
        if found is None:
            self.waited += 1
        elif found.config is None:
            self.bad += 1
            if self.bad == 1:
                self.after_bad()
        return found


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(25):
        while not condition():
            await asyncio.sleep(0.005)


class Seen:
    """What a watcher gave, and when."""

    def __init__(self, watcher: ConfigWatcher) -> None:
        self.watcher = watcher
        self.loads: list[LoadedConfig] = []
        self.times: list[float] = []
        self.changed = asyncio.Condition()

    async def collect(self) -> None:
        async for loaded in self.watcher:
            async with self.changed:
                self.loads.append(loaded)
                self.times.append(time.monotonic())
                self.changed.notify_all()

    def has(self, count: int) -> Callable[[LoadedConfig], bool]:
        return lambda _: len(self.loads) == count

    async def until(
        self, condition: Callable[[LoadedConfig], bool], timeout: float = 25.0
    ) -> float:
        """Wait until the newest load meets the condition; return when it came."""
        async with asyncio.timeout(timeout), self.changed:
            await self.changed.wait_for(
                lambda: bool(self.loads) and condition(self.loads[-1])
            )
        return self.times[-1]


@asynccontextmanager
async def watching(
    path: Path, poll_ms: int = SLOW_POLL_MS, settle_sec: float = 0.0
) -> AsyncIterator[Seen]:
    """Watch a good file; ``settle_sec`` lets the system's watch begin on its thread."""
    digest = load_config(path).digest
    async with ConfigWatcher(path, poll_ms=poll_ms, digest=digest) as watcher:
        seen = Seen(watcher)
        async with asyncio.TaskGroup() as group:
            collector = group.create_task(seen.collect(), name="collector")
            await asyncio.sleep(settle_sec)
            yield seen
            collector.cancel()


class Lag:
    """How long the loop did not come round, at worst."""

    def __init__(self) -> None:
        self.worst = 0.0
        """Its own work: what others do to the machine is left out."""
        self.longest = 0.0
        """All of it, waiting as well."""

    async def measure(self) -> None:
        last, worked = time.monotonic(), time.thread_time()
        while True:
            await asyncio.sleep(0.005)
            now, works = time.monotonic(), time.thread_time()
            self.longest = max(self.longest, now - last)
            self.worst = max(self.worst, works - worked)
            last, worked = now, works


@asynccontextmanager
async def measured_lag() -> AsyncIterator[Lag]:
    lag = Lag()
    measuring = asyncio.ensure_future(lag.measure())
    try:
        yield lag
    finally:
        measuring.cancel()
        await asyncio.wait([measuring])
