"""A database of ours on real files: what happens to it while it is open."""

import os
import resource
import socket
import sqlite3
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from bistro_tui.engine import database as opening
from bistro_tui.engine.database import Database, Rows
from bistro_tui.engine.database_files import Vanished
from bistro_tui.engine.errors import DataDirUnusable
from bistro_tui.engine.sqlite import in_words


def schema(connection: sqlite3.Connection) -> Iterable[str]:
    if not connection.execute("SELECT 1 FROM sqlite_schema").fetchall():
        yield "CREATE TABLE t (x)"


@asynccontextmanager
async def opened(
    path: Path, *, is_expendable: bool = False, wal_pages: int = 100
) -> AsyncIterator[Database]:
    database = await Database.open(
        path,
        version=1,
        synchronous="FULL",
        inspect=lambda _: None,
        schema=schema,
        is_expendable=is_expendable,
        wal_pages=wal_pages,
    )
    try:
        yield database
    finally:
        await database.close()


def row(value: str | bytes) -> Rows:
    return Rows("INSERT INTO t VALUES", "(?)", 1, [value])


def stored(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return [x for (x,) in connection.execute("SELECT x FROM t ORDER BY x")]


@pytest.mark.parametrize("together", [True, False])
async def test_nothing_counts_as_written_while_the_file_is_away(
    tmp_path: Path, together: bool
) -> None:
    path, away = tmp_path / "d.sql3", tmp_path / "away"
    rows = [row("b"), row("c")] if together else [row("b")]
    async with opened(path) as database:
        await database.insert(row("a"))
        path.rename(away)
        for _ in range(2):
            with pytest.raises(Vanished, match="gone"):
                await database.insert(*rows, together=together)
        assert not path.exists()
        path.write_bytes(b"another file")
        with pytest.raises(Vanished, match="replaced"):
            await database.insert(*rows, together=together)
        assert path.read_bytes() == b"another file"
        away.rename(path)
        await database.insert(row("d"))
    assert {"a", "d"} <= set(stored(path))


async def test_a_wal_that_is_removed_takes_nothing_with_it(tmp_path: Path) -> None:
    path = tmp_path / "d.sql3"
    async with opened(path) as database:
        await database.insert(row("a"))
        os.unlink(f"{path}-wal")
        with pytest.raises(Vanished):
            await database.insert(row("b"))
        await database.insert(row("c"))
        assert {"a", "c"} <= set(stored(path))


async def test_a_wal_that_is_left_is_written_again_before_it_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a failed sync has dropped of it, no later one would have on disk."""
    path, away = tmp_path / "d.sql3", tmp_path / "away"
    written: list[Path] = []
    async with opened(path) as database:
        # Who reads keeps the WAL from being removed with the last connection.
        with closing(sqlite3.connect(path)) as reader:
            reader.execute("SELECT count(*) FROM t").fetchall()
            path.rename(away)
            with pytest.raises(Vanished):
                await database.insert(row("a"))
            away.rename(path)
            monkeypatch.setattr(opening, "write_again", written.append)
            await database.insert(row("b"))
    assert written == [Path(f"{path}-wal")]
    assert "b" in stored(path)


async def test_an_expendable_file_is_made_anew_and_takes_nothing_over(
    tmp_path: Path,
) -> None:
    path = tmp_path / "d.sql3"
    async with opened(path, is_expendable=True) as database:
        await database.insert(row("a"))
        path.unlink()
        with pytest.raises(Vanished):
            await database.insert(row("b"))
        await database.insert(row("c"))
    assert stored(path) == ["c"]


async def test_an_expendable_file_that_was_replaced_by_a_foreign_one_is_left_alone(
    tmp_path: Path,
) -> None:
    path = tmp_path / "d.sql3"
    async with opened(path, is_expendable=True) as database:
        await database.insert(row("a"))
        path.unlink()
        path.write_bytes(b"another file")
        with pytest.raises(Vanished):
            await database.insert(row("b"))
        with pytest.raises(sqlite3.OperationalError, match="not an SQLite database"):
            await database.insert(row("b"))
        assert path.read_bytes() == b"another file"


async def test_after_a_long_reader_the_wal_is_cut_to_its_limit(tmp_path: Path) -> None:
    path = tmp_path / "d.sql3"
    wal = Path(f"{path}-wal")
    async with opened(path, wal_pages=50) as database:
        await database.insert(row("a"))
        with closing(sqlite3.connect(path)) as reader:
            reader.execute("BEGIN")
            reader.execute("SELECT * FROM t").fetchall()
            for _ in range(20):
                await database.insert(row(bytes(100_000)))
            assert wal.stat().st_size > 1_900_000
        for _ in range(3):
            await database.insert(row("b"))
        assert wal.stat().st_size <= 64 * 2**20 * 50 // 4_000


def a_fifo(path: Path) -> None:
    os.mkfifo(path)


def a_socket(path: Path) -> None:
    with closing(socket.socket(socket.AF_UNIX)) as one:
        one.bind(str(path))


def a_device(path: Path) -> None:
    path.symlink_to("/dev/null")


@pytest.mark.parametrize("make", [Path.mkdir, a_fifo, a_socket, a_device])
async def test_what_is_no_file_is_refused_untouched(
    tmp_path: Path, make: object
) -> None:
    path = tmp_path / "d.sql3"
    assert callable(make)
    make(path)
    with pytest.raises(DataDirUnusable) as refusal:
        await Database.open(
            path, version=1, synchronous="FULL", inspect=lambda _: None, schema=schema
        )
    assert "not a database" in str(refusal.value)
    assert "move it away" in str(refusal.value)
    assert [one.name for one in tmp_path.iterdir()] == ["d.sql3"]


def test_what_cannot_be_written_names_the_limit_of_files_where_there_is_one() -> None:
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR_WRITE
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2**40, before[1]))
        limited = in_words(error)
        error.sqlite_errorcode = sqlite3.SQLITE_IOERR_READ
        reading = in_words(error)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert (
        limited == "disk I/O error (is a file as large as ulimit -f 1073741824 lets?)"
    )
    assert reading == "disk I/O error"
