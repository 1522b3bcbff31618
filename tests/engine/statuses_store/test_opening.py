"""What a store that is opened finds is on disk before anybody is told of it."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bistro_tui.engine import database
from bistro_tui.engine.ids import JobName, NodeName, TaskId
from bistro_tui.engine.statuses.bits import DONE
from bistro_tui.engine.statuses.status import TaskStatus
from bistro_tui.engine.statuses.store import StatusStore

TASK = TaskId(JobName("etl"), NodeName("db7"))


async def test_commits_that_were_perhaps_not_synced_are_before_they_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written, left = tmp_path / "written", tmp_path / "left"
    written.mkdir()
    store = await StatusStore.open(written / "s.sql3", "task_statuses")
    await store.save([(TASK, TaskStatus(bits=DONE, time=1.0))])
    # As a killed scheduler leaves them.
    shutil.copytree(written, left)
    await store.close()
    synced: list[tuple[Path, int]] = []

    def sync(path: Path) -> None:
        synced.append((path, path.stat().st_size))

    monkeypatch.setattr(database, "write_again", sync)
    store = await StatusStore.open(left / "s.sql3", "task_statuses")

    [(path, size)] = synced
    assert path == left / "s.sql3-wal"
    assert size > 0
    assert dict(await store.load()) == {TASK: TaskStatus(bits=DONE, time=1.0)}
    await store.close()


async def test_a_file_that_had_no_wal_before_has_one_that_is_known(
    tmp_path: Path,
) -> None:
    path = tmp_path / "s.sql3"
    store = await StatusStore.open(path, "task_statuses")
    await store.close()
    # As it is after a salvage, or out of a dump.
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")

    store = await StatusStore.open(path, "task_statuses")
    await store.load()
    await store.save([(TASK, TaskStatus(bits=DONE, time=1.0))])
    await store.close()
    store = await StatusStore.open(path, "task_statuses")
    assert dict(await store.load()) == {TASK: TaskStatus(bits=DONE, time=1.0)}
    await store.close()
