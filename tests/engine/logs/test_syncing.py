"""What the log store has written is on the disk a second later; idle costs nothing."""

import asyncio
import errno
import logging
import os
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from bistro_tui.engine.database_files import sync_file
from bistro_tui.engine.logs.rows import Written
from bistro_tui.engine.logs.sink import Stream
from bistro_tui.engine.logs.store import LogStore
from bistro_tui.engine.logs.syncing import EVERY_SEC, Syncing
from tests.engine.logs.builders import SECOND, ManualClock, task

WAL = Path("task_logs.sql3-wal")


class Disk:
    """Takes syncs, at once or when it is told to, and fails as often as it should."""

    def __init__(self) -> None:
        self.synced: list[Path] = []
        self.threads: set[str] = set()
        self.failures = 0
        self.is_free = threading.Event()
        self.is_free.set()
        self.asked = 0

    def sync(self, path: Path) -> None:
        self.asked += 1
        self.threads.add(threading.current_thread().name)
        assert self.is_free.wait(60)
        if self.failures:
            self.failures -= 1
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        self.synced.append(path)


class Time:
    """Passes when it is told to."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self._may_go_on = asyncio.Semaphore(0)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await self._may_go_on.acquire()

    def passes(self) -> None:
        self._may_go_on.release()


class Running:
    def __init__(self) -> None:
        self.disk, self.time = Disk(), Time()
        self.syncing = Syncing(WAL, sync=self.disk.sync, sleep=self.time.sleep)

    async def until(self, *, synced: int, slept: int) -> None:
        async with asyncio.timeout(25):
            while (len(self.disk.synced), len(self.time.slept)) != (synced, slept):
                await asyncio.sleep(0.001)

    async def until_asked(self, number: int) -> None:
        async with asyncio.timeout(25):
            while self.disk.asked != number:
                await asyncio.sleep(0.001)

    async def stays(self) -> None:
        """Return after it could have begun something else."""
        for _ in range(20):
            await asyncio.sleep(0)


@asynccontextmanager
async def running() -> AsyncIterator[Running]:
    """Give one that has synced once, as each does at its start."""
    one = Running()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(one.syncing.run(), name="syncing")
        one.time.passes()
        await one.until(synced=1, slept=1)
        try:
            yield one
        finally:
            one.disk.is_free.set()
            task.cancel()
            one.syncing.close()


async def test_it_syncs_once_a_second_after_something_was_written() -> None:
    async with running() as it:
        for _ in range(3):
            it.syncing.written()
        await it.until(synced=1, slept=2)
        it.time.passes()
        await it.until(synced=2, slept=2)
        assert it.disk.synced == [WAL] * 2
        assert it.time.slept == [EVERY_SEC] * 2


async def test_nothing_is_synced_while_nothing_is_written() -> None:
    async with running() as it:
        it.time.passes()
        await it.stays()
        assert it.disk.asked == 1
        assert len(it.time.slept) == 1


async def test_a_slow_sync_holds_up_nobody_and_there_is_no_second_one() -> None:
    async with running() as it:
        it.disk.is_free.clear()
        it.syncing.written()
        it.time.passes()
        await it.until_asked(2)
        it.syncing.written()
        it.time.passes()
        await it.stays()
        assert it.disk.asked == 2
        it.disk.is_free.set()
        # What was written meanwhile may have come too late for it.
        await it.until(synced=3, slept=3)
        assert threading.current_thread().name not in it.disk.threads
        assert len(it.disk.threads) == 1


async def test_a_failed_sync_is_told_of_once_and_tried_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with running() as it:
        it.disk.failures = 2
        it.syncing.written()
        for _ in range(3):
            it.time.passes()
        await it.until(synced=2, slept=4)
    told = [one for one in caplog.records if one.levelno >= logging.WARNING]
    assert len(told) == 1
    assert f"{WAL} cannot be synced: Input/output error" in told[0].getMessage()


def test_a_file_that_is_not_there_has_nothing_to_be_synced(tmp_path: Path) -> None:
    sync_file(tmp_path / "missing")
    assert list(tmp_path.iterdir()) == []


@contextmanager
def synced_files(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    names = list[str]()

    def fdatasync(descriptor: int) -> None:
        names.append(os.readlink(f"/proc/self/fd/{descriptor}"))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", fdatasync)
        yield names


async def test_the_store_has_its_wal_synced_and_never_touches_the_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bistro_tui.engine.logs.syncing.EVERY_SEC", 0.0)
    store = await LogStore.open(tmp_path / "l.sql3", clock=ManualClock())
    with synced_files(monkeypatch) as names:
        async with asyncio.TaskGroup() as group:
            syncing = group.create_task(store.keep_synced(), name="syncing")
            for number in (1, 2):
                async with asyncio.timeout(25):
                    while len(names) < number:
                        await asyncio.sleep(0.001)
                written = Written(SECOND << 32, task(), Stream.STDOUT, (b"x\n",))
                await store.append([written])
            syncing.cancel()
    await store.close()
    assert set(names) == {str(tmp_path / "l.sql3-wal")}
