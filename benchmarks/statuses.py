"""Acknowledged statuses a second: group commit against one commit for each row.

64 producers, each of which waits for its status before it makes the next. The rival
does the same through aiosqlite with a transaction a row and the same settings. Also:
how long a status takes that comes alone.

    python -m benchmarks.statuses
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import aiosqlite

from bistro_tui.engine.ids import InvocationId, JobName, NodeName, TaskId
from bistro_tui.engine.persist import Persister
from bistro_tui.engine.scheduling.actions import StoreStatus
from bistro_tui.engine.statuses.bits import DONE
from bistro_tui.engine.statuses.status import TaskStatus
from bistro_tui.engine.statuses.store import StatusStore

PRODUCERS = 64
SECONDS = 3.0
ALONE = 100


class Desk:
    """A persister, and who waits for which status."""

    def __init__(self, store: StatusStore) -> None:
        self._waiting: dict[int, asyncio.Future[None]] = {}
        self._serial = 0
        self.persister = Persister(
            statuses=store,
            logs=self,
            room=self,
            on_stored=self._stored,
            on_trouble=print,
            on_lost=print,
        )

    async def flush(self) -> None:
        """There are no logs here."""

    async def make_room(self, _error: Exception) -> bool:
        """There is enough."""
        return False

    async def store(self, producer: int) -> None:
        """Return when one more status is on disk."""
        self._serial = serial = self._serial + 1
        told = asyncio.get_running_loop().create_future()
        self._waiting[serial] = told
        action = StoreStatus(
            TaskId(JobName("job"), NodeName(f"node{producer}-{serial % 1_000}")),
            serial,
            TaskStatus(bits=DONE, time=time.time()),
            InvocationId(serial, 7),
        )
        self.persister.store([action])
        await told

    def _stored(self, batch: Sequence[StoreStatus]) -> None:
        for one in batch:
            self._waiting.pop(one.serial).set_result(None)


async def closed_loop(store: Callable[[int], Awaitable[None]]) -> float:
    """Return how many a second all producers got acknowledged."""
    acknowledged, end = 0, time.perf_counter() + SECONDS

    async def produce(producer: int) -> None:
        nonlocal acknowledged
        while time.perf_counter() < end:
            await store(producer)
            acknowledged += 1

    async with asyncio.TaskGroup() as group:
        for producer in range(PRODUCERS):
            group.create_task(produce(producer), name=f"producer {producer}")
    return acknowledged / SECONDS


async def ours(directory: Path) -> tuple[float, list[float]]:
    """Return statuses a second, and milliseconds of statuses that come alone."""
    store = await StatusStore.open(directory / "statuses.sql3", "task_statuses")
    desk = Desk(store)
    running = asyncio.ensure_future(desk.persister.run())
    rate = await closed_loop(desk.store)
    alone = []
    for _ in range(ALONE):
        await asyncio.sleep(0.02)
        began = time.perf_counter()
        await desk.store(0)
        alone.append((time.perf_counter() - began) * 1_000)
    running.cancel()
    await store.close()
    return rate, sorted(alone)


async def theirs(directory: Path) -> tuple[float, list[float]]:
    """Return rows a second through aiosqlite, and milliseconds of a lone one."""
    async with aiosqlite.connect(directory / "rival.sql3", isolation_level=None) as db:
        await db.execute("PRAGMA journal_mode = WAL")
        await db.execute("PRAGMA synchronous = FULL")
        await db.execute(
            "CREATE TABLE s (job TEXT, node TEXT, time REAL, bits INTEGER,"
            " PRIMARY KEY (job, node))"
        )
        number = 0

        async def store(producer: int) -> None:
            nonlocal number
            number += 1
            node = f"node{producer}-{number % 1_000}"
            await db.execute(
                "REPLACE INTO s VALUES ('job', ?, ?, 1)", (node, float(number))
            )

        rate = await closed_loop(store)
        alone = []
        for _ in range(ALONE):
            await asyncio.sleep(0.02)
            began = time.perf_counter()
            await store(0)
            alone.append((time.perf_counter() - began) * 1_000)
    return rate, sorted(alone)


def main() -> None:
    """Measure both in one run and print the figures."""
    with tempfile.TemporaryDirectory(dir=".") as name:
        directory = Path(name)
        their_rate, their_alone = asyncio.run(theirs(directory))
        our_rate, our_alone = asyncio.run(ours(directory))
    for who, rate, alone in (
        ("bistro-tui", our_rate, our_alone),
        ("aiosqlite, one row a commit", their_rate, their_alone),
    ):
        print(
            f"{who}: {rate:,.0f} acknowledged a second; alone: median"
            f" {statistics.median(alone):.1f} ms, 99 % {alone[-2]:.1f} ms"
        )
    print(f"ratio: {our_rate / their_rate:.1f}")


if __name__ == "__main__":
    main()
