"""What a worker keeps on disk."""

import sqlite3
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from bistro_tui.engine.clock import SystemClock
from bistro_tui.engine.datadir import DataDir
from bistro_tui.engine.errors import DataDirHeld, DiskFull
from bistro_tui.engine.logs.writer import LogWriter
from bistro_tui.engine.reserve import Reserve
from bistro_tui.engine.worker.options import WorkerOptions
from bistro_tui.engine.worker.storage import (
    WorkerStorage,
    leftovers_of,
    open_storage,
)


def options(path: Path) -> WorkerOptions:
    return WorkerOptions(
        scheduler_host="::",
        scheduler_port=1,
        worker_command="x",
        shard="w1",
        data_dir=path,
    )


async def opened(
    path: Path, resources: AsyncExitStack, lost: list[str] | None = None
) -> WorkerStorage:
    return await open_storage(
        options(path),
        resources,
        clock=SystemClock(),
        on_log_trouble=lambda _text: None,
        on_lost=(lost if lost is not None else []).append,
    )


async def test_it_is_one_workers_alone_until_it_is_closed(tmp_path: Path) -> None:
    async with AsyncExitStack() as resources:
        kept = await opened(tmp_path, resources)
        assert kept.data_dir.path == tmp_path
        with pytest.raises(DataDirHeld):
            await opened(tmp_path, resources)
        clock = SystemClock()
        leftovers, is_all = leftovers_of(kept.data_dir, resources, clock=clock)
        assert not leftovers.is_needed
        await leftovers.run()
        assert (is_all, leftovers.has_understood_all) == (True, True)
    async with AsyncExitStack() as resources:
        await opened(tmp_path, resources)


async def test_for_want_of_room_the_reserve_of_the_run_before_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Reserve(tmp_path).take()

    def data_dir(path: Path, **fields: Any) -> DataDir:
        if (tmp_path / "reserve").exists():
            raise DiskFull(path, "No space left on device")
        return DataDir(path, **fields)

    monkeypatch.setattr("bistro_tui.engine.worker.storage.DataDir", data_dir)
    async with AsyncExitStack() as resources:
        await opened(tmp_path, resources)
    (tmp_path / "reserve").mkdir()
    with pytest.raises(DiskFull):
        await opened(tmp_path, AsyncExitStack())


async def test_output_that_cannot_be_stored_at_the_end_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost: list[str] = []
    close = LogWriter.close

    async def failing(self: LogWriter) -> None:
        await close(self)
        raise sqlite3.OperationalError("database or disk is full")

    async with AsyncExitStack() as resources:
        await opened(tmp_path, resources, lost)
        monkeypatch.setattr(LogWriter, "close", failing)
    text = "the last output could not be stored: database or disk is full"
    assert lost == [text]
