"""A database that was being made when the power failed is made again."""

import sqlite3
import struct
from contextlib import closing
from pathlib import Path

import pytest

from bistro_tui.engine.clock import SystemClock
from bistro_tui.engine.doctor.databases import look_at_databases
from bistro_tui.engine.errors import DataDirUnusable
from bistro_tui.engine.inspection import look
from bistro_tui.engine.logs.store import LogStore
from bistro_tui.engine.sqlite import tables_of
from bistro_tui.engine.statuses.store import StatusStore

JOURNAL_OF_AN_EMPTY_ONE = bytes.fromhex("d9d505f920a163d7") + struct.pack(
    ">5I", 0, 0x5EED, 0, 512, 4096
)
"""A rollback journal's header: before this transaction there were no pages.

Source: SQLite, fileformat2, "The Rollback Journal".
"""


async def opens(path: Path) -> bool:
    store = await StatusStore.open(path, "task_statuses")
    try:
        return await store.load() == {}
    finally:
        await store.close()


def nothing_in(path: Path) -> bool:
    """Return whether a look finds an empty database, and leaves it as it is."""
    before = {one: one.read_bytes() for one in path.parent.iterdir()}
    found = look(path, version=9, inspect=lambda _: None, ask=tables_of)
    after = {one: one.read_bytes() for one in path.parent.iterdir()}
    return not found and before == after


def leave_journal(path: Path) -> None:
    Path(f"{path}-journal").write_bytes(JOURNAL_OF_AN_EMPTY_ONE.ljust(512, b"\0"))


async def test_its_first_page_may_have_been_written_in_part(tmp_path: Path) -> None:
    path = tmp_path / "statuses.sql3"
    path.write_bytes(bytes(512) + b"a part" + bytes(3578))
    leave_journal(path)
    assert nothing_in(path)
    [told] = look_at_databases(tmp_path)
    assert not told.problem
    assert await opens(path)


async def test_its_wal_may_be_there_before_the_journal_has_gone(tmp_path: Path) -> None:
    path = tmp_path / "statuses.sql3"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    leave_journal(path)
    Path(f"{path}-wal").write_bytes(bytes(32))
    assert nothing_in(path)
    assert await opens(path)


async def test_it_may_not_have_a_byte_yet(tmp_path: Path) -> None:
    path = tmp_path / "statuses.sql3"
    path.touch()
    assert nothing_in(path)
    assert await opens(path)


async def test_it_may_be_broken_off_beside_the_logs_of_runs(tmp_path: Path) -> None:
    path = tmp_path / "statuses.sql3"
    path.touch()
    (tmp_path / "task_logs.sql3").write_bytes(b"lines")
    leave_journal(path)
    assert nothing_in(path)
    assert await opens(path)


async def test_task_logs_without_a_byte_beside_their_wal_are_no_new_ones(
    tmp_path: Path,
) -> None:
    path = tmp_path / "task_logs.sql3"
    path.touch()
    Path(f"{path}-wal").write_bytes(b"lines")
    with pytest.raises(DataDirUnusable, match="is empty although its -wal"):
        await LogStore.open(path, clock=SystemClock())
    assert path.read_bytes() == b""
    assert Path(f"{path}-wal").read_bytes() == b"lines"
    [told] = look_at_databases(tmp_path)
    assert "is empty although" in told.problem
