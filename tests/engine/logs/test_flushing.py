"""Ends of tasks wait for ``flush``: it must return, whatever a store does meanwhile."""

import asyncio
import random
import sqlite3
from collections.abc import Awaitable, Sequence
from typing import Any

import pytest

from bistro_tui.engine.clock import SystemClock
from bistro_tui.engine.ids import InvocationId
from bistro_tui.engine.logs import writer
from bistro_tui.engine.logs.attempts import AttemptRecord
from bistro_tui.engine.logs.rows import Written
from bistro_tui.engine.logs.sink import Stream
from bistro_tui.engine.logs.writer import LogWriter
from tests.engine.logs.builders import task

RECORD = AttemptRecord(InvocationId(1, 1), task(), 0.0, 0.0, 0.0, "", 0, "", "local")


class Moody:
    """A store that takes its time, and fails while it is broken."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.is_broken = False
        self.lines: set[int] = set()

    async def append(
        self, written: Sequence[Written], _attempts: Sequence[AttemptRecord]
    ) -> None:
        await turns(self.rng.randrange(4))
        if self.is_broken and self.rng.random() < 0.7:
            raise sqlite3.OperationalError("disk I/O error")
        for one in written:
            self.lines.update(range(one.first_id, one.last_id + 1))

    async def close(self) -> None:
        """Nothing is open."""


async def turns(number: int) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


async def in_time(waiting: Awaitable[None]) -> None:
    async with asyncio.timeout(25):
        await waiting


@pytest.mark.parametrize("seed", range(20))
async def test_every_flush_returns_and_nothing_stays_behind(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "RETRY_SEC", 0.001)
    monkeypatch.setattr(writer, "GATHER_SEC", 0.0005)
    monkeypatch.setattr(writer, "MOST_IN_ONE", 20)
    monkeypatch.setattr(writer, "BEHIND_BYTES", 20_000)
    monkeypatch.setattr(writer, "CAUGHT_UP_BYTES", 10_000)
    rng = random.Random(seed)
    store: Any = Moody(rng)
    log = LogWriter(
        store,
        clock=SystemClock(),
        last_id=0,
        on_trouble=lambda _: None,
    )
    wrote = 0

    async def write() -> None:
        nonlocal wrote
        for _ in range(40):
            await turns(rng.randrange(3))
            if rng.random() < 0.8:
                number = rng.randrange(1, 30)
                log.write(task(), Stream.STDOUT, [b"x"] * number)
                wrote += number
            else:
                log.record(RECORD)

    async def flush() -> None:
        for _ in range(10):
            await turns(rng.randrange(5))
            await in_time(log.flush())
            given_up = asyncio.ensure_future(log.flush())
            await turns(rng.randrange(2))
            given_up.cancel()

    async def trouble() -> None:
        for _ in range(10):
            await asyncio.sleep(rng.random() * 0.002)
            mood = rng.random()
            if mood < 0.3:
                store.is_broken = not store.is_broken
            else:
                log.hold("the disk is full" if mood < 0.6 else "")
        store.is_broken = False
        log.hold("")

    running = asyncio.ensure_future(log.run())
    await asyncio.gather(write(), write(), flush(), flush(), flush(), trouble())
    async with asyncio.timeout(25):
        while len(store.lines) + log.dropped.lines < wrote:
            await asyncio.sleep(0.001)
    await in_time(log.flush())
    assert not log.is_behind
    running.cancel()
    await in_time(log.close())
    assert len(store.lines) + log.dropped.lines == wrote
