"""Looking at a status database that is somebody else's."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bistro_tui.engine.clock import SystemClock
from bistro_tui.engine.errors import DataDirUnusable
from bistro_tui.engine.statuses.bits import DONE, FAILED
from bistro_tui.engine.statuses.builtin import sqlite
from bistro_tui.engine.statuses.keeping import StoreContext
from bistro_tui.engine.statuses.store import StatusStore, read_statuses
from tests.engine.statuses_store.test_store import opened, status, task

TABLE = "task_statuses"


def listing(directory: Path) -> dict[str, tuple[int, int]]:
    return {
        path.name: (path.stat().st_size, path.stat().st_mtime_ns)
        for path in directory.iterdir()
    }


async def test_what_is_committed_is_seen_while_a_scheduler_has_the_file_open(
    tmp_path: Path,
) -> None:
    path = tmp_path / "statuses.sql3"
    async with opened(path) as store:
        assert read_statuses(path, TABLE) == {}
        await store.save([(task(), status(DONE))])
        before = listing(tmp_path)
        assert read_statuses(path, TABLE) == {task(): status(DONE)}
        assert listing(tmp_path) == before
        await store.save([(task(), status(FAILED))])
    assert read_statuses(path, TABLE) == {task(): status(FAILED)}
    assert sorted(listing(tmp_path)) == ["statuses.sql3"]


async def test_what_a_killed_scheduler_left_in_its_wal_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "statuses.sql3"
    left = tmp_path / "left"
    left.mkdir()
    async with opened(path) as store:
        await store.save([(task(), status(DONE))])
        for name in ("statuses.sql3", "statuses.sql3-wal"):
            shutil.copyfile(tmp_path / name, left / name)
    before = listing(left)
    assert read_statuses(left / "statuses.sql3", TABLE) == {task(): status(DONE)}
    assert listing(left) == before


def test_where_nothing_is_nothing_is_found_and_nothing_is_made(tmp_path: Path) -> None:
    assert read_statuses(tmp_path / "statuses.sql3", TABLE) == {}
    assert read_statuses(tmp_path / "none" / "statuses.sql3", TABLE) == {}
    assert listing(tmp_path) == {}
    (tmp_path / "statuses.sql3").touch()
    assert read_statuses(tmp_path / "statuses.sql3", TABLE) == {}


def test_a_database_of_bistro_is_read_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "statuses.sql3"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            f"CREATE TABLE {TABLE} (job_id TEXT, node_id TEXT, timestamp INTEGER,"
            " data TEXT, result INTEGER, PRIMARY KEY (job_id, node_id))"
        )
        connection.execute(f"INSERT INTO {TABLE} VALUES ('etl', 'db7', 5, NULL, 1)")
    before = path.read_bytes()
    assert {one.bits for one in read_statuses(path, TABLE).values()} == {DONE}
    assert read_statuses(path, "other") == {}
    assert path.read_bytes() == before


def test_a_file_that_is_not_ours_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "statuses.sql3"
    path.write_text("these are not the statuses you are looking for")
    with pytest.raises(DataDirUnusable, match="is not an SQLite database"):
        read_statuses(path, TABLE)
    path.unlink()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE photos (x)")
    with pytest.raises(DataDirUnusable, match="a database without task statuses"):
        read_statuses(path, TABLE)


async def test_the_store_opened_for_reading_reads_and_does_not_write(
    tmp_path: Path,
) -> None:
    context = StoreContext(
        data_dir=tmp_path, table=TABLE, clock=SystemClock(), read_only=True
    )
    store = await sqlite(context)
    assert await store.load() == {}
    with pytest.raises(PermissionError):
        await store.save([(task(), status(DONE))])
    await store.close()
    assert listing(tmp_path) == {}


async def test_the_store_opened_for_writing_is_the_real_one(tmp_path: Path) -> None:
    context = StoreContext(data_dir=tmp_path, table=TABLE, clock=SystemClock())
    store = await sqlite(context)
    assert isinstance(store, StatusStore)
    await store.save([(task(), status(DONE))])
    await store.close()
    assert read_statuses(tmp_path / "statuses.sql3", TABLE) == {task(): status(DONE)}
