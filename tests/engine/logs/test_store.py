"""The log store on real files."""

import asyncio
import os
import sqlite3
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path
from typing import Any

import pytest

from bistro_tui.engine.errors import DataDirUnusable
from bistro_tui.engine.ids import InvocationId, JobName, NodeName, TaskId
from bistro_tui.engine.logs.attempts import AttemptRecord
from bistro_tui.engine.logs.query import LogQuery
from bistro_tui.engine.logs.rows import StoredLine
from bistro_tui.engine.logs.sink import Stream
from bistro_tui.engine.logs.store import LogStore
from tests.engine.logs.builders import LAST_ID, ManualClock, all_written, line, task


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[LogStore]:
    store = await LogStore.open(path, clock=ManualClock())
    try:
        yield store
    finally:
        await store.close()


def rows(path: Path, sql: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql).fetchall()


async def newest(
    store: LogStore, of: TaskId | None = None, *, after: int = 0, limit: int = 100
) -> list[StoredLine]:
    return await store.reader.newest(of, after=after, up_to=LAST_ID, limit=limit)


async def test_the_tables_and_indexes_are_bistros(tmp_path: Path) -> None:
    path = tmp_path / "l.sql3"
    async with opened(path):
        pass
    for table in ("stdout", "stderr", "statuses"):
        found = rows(path, f"PRAGMA table_info({table})")
        assert [(one[1], one[2], one[5]) for one in found] == [
            ("job_id", "TEXT", 0),
            ("node_id", "TEXT", 0),
            ("time_and_count", "INTEGER", 1),
            ("line", "TEXT", 0),
        ]
        (index,) = rows(path, f"PRAGMA index_list({table})")
        assert index[1] == f"{table}_job_node_idx"
    assert rows(path, "PRAGMA journal_mode") == [("wal",)]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (b"hello\n", "text"),
        ("déjà vu\r\n".encode(), "text"),
        (b"\x1b[31mred\n", "text"),
        (b"a\0b\n", "blob"),
        (b"\xff\xfe\n", "blob"),
        (b"\xed\xa0\x80\n", "blob"),
    ],
)
async def test_a_line_is_text_where_it_is_text_and_else_its_bytes(
    tmp_path: Path, text: bytes, kind: str
) -> None:
    path = tmp_path / "l.sql3"
    async with opened(path) as store:
        await store.append(all_written([line(1, text)]))
        assert [one.line for one in await newest(store)] == [text]
    assert rows(path, "SELECT typeof(line), CAST(line AS BLOB) FROM stdout") == [
        (kind, text)
    ]


async def test_each_stream_has_its_table_and_output_is_read_merged(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path / "l.sql3") as store:
        written = [
            line(1, b"1", stream=Stream.STDERR),
            line(2, b"2", stream=Stream.STATUSES),
            line(3, b"3", stream=Stream.STDOUT),
            line(4, b"4", of=task("other")),
        ]
        await store.append(all_written(written))
        assert await newest(store, task()) == [written[0], written[2]]
        assert await newest(store) == [written[0], written[2], written[3]]
        assert await newest(store, after=1, limit=1) == [written[3]]
        assert await store.last_id() == 4
    assert len(rows(tmp_path / "l.sql3", "SELECT * FROM statuses")) == 1


async def test_a_new_store_has_no_last_id(tmp_path: Path) -> None:
    async with opened(tmp_path / "l.sql3") as store:
        assert await store.last_id() == 0


async def test_odd_names_are_found_again(tmp_path: Path) -> None:
    async with opened(tmp_path / "l.sql3") as store:
        odd = [task(node) for node in ("", "\0", "\ud800", "'; DROP TABLE stdout")]
        await store.append(
            all_written([line(i, of=one) for i, one in enumerate(odd, start=1)])
        )
        for i, one in enumerate(odd, start=1):
            assert await newest(store, one) == [line(i, of=one)]


async def test_lines_of_uncertain_fate_can_be_written_again(tmp_path: Path) -> None:
    async with opened(tmp_path / "l.sql3") as store:
        await store.append(all_written([line(1)]))
        await store.append(all_written([line(1), line(2)]))
        assert await newest(store) == [line(1), line(2)]


async def test_an_attempt_that_was_recorded_is_known(tmp_path: Path) -> None:
    first, second = InvocationId(7, 2**63 - 1), InvocationId(7, 1)
    async with opened(tmp_path / "l.sql3") as store:
        await store.append([], [AttemptRecord(first, task(), 0, 0, 0, "", 0, "", "")])
        assert await store.recorded([first, second]) == {first}
        assert await store.recorded([second]) == set()


async def test_where_no_record_can_be_read_nothing_counts_as_recorded(
    tmp_path: Path,
) -> None:
    path = tmp_path / "l.sql3"
    async with opened(path) as store:
        with closing(sqlite3.connect(path)) as other:
            other.execute("DROP TABLE attempts")
        assert await store.recorded([InvocationId(7, 1)]) == set()


async def test_a_database_of_bistro_with_raw_bytes_in_text_opens(
    tmp_path: Path,
) -> None:
    path = tmp_path / "l.sql3"
    with closing(sqlite3.connect(path)) as bistro:
        for table in ("stdout", "stderr", "statuses"):
            bistro.execute(
                f"CREATE TABLE {table} (job_id TEXT, node_id TEXT,"
                " time_and_count INTEGER, line TEXT, PRIMARY KEY (time_and_count))"
            )
            bistro.execute(
                f"CREATE INDEX {table}_job_node_idx ON {table} (job_id, node_id)"
            )
        bistro.execute(
            "INSERT INTO stdout VALUES ('etl', 'db7', 5, CAST(? AS TEXT))", (b"\xff\n",)
        )
        bistro.execute(
            "INSERT INTO stdout VALUES (CAST(? AS TEXT), 'x', 6, NULL)", (b"\xff",)
        )
        bistro.commit()
    async with opened(path) as store:
        assert await store.last_id() == 6
        assert await newest(store, task()) == [line(5, b"\xff\n")]
        await store.append(all_written([line(7)]))
        assert [one.task for one in await newest(store)] == [
            task(),
            TaskId(JobName("\ufffd"), NodeName("x")),
            task(),
        ]


async def test_a_foreign_or_damaged_file_is_refused_untouched(tmp_path: Path) -> None:
    path = tmp_path / "l.sql3"
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE stdout (something)")
        other.commit()
    foreign = await asyncio.to_thread(path.read_bytes)
    for content in (foreign, b"x" * 5000, foreign[:50]):
        await asyncio.to_thread(path.write_bytes, content)
        with pytest.raises(DataDirUnusable):
            await LogStore.open(path, clock=ManualClock())
        assert await asyncio.to_thread(path.read_bytes) == content
        assert os.listdir(tmp_path) == ["l.sql3"]


async def test_a_store_that_was_read_leaves_no_wal_no_thread_and_no_descriptor(
    tmp_path: Path,
) -> None:
    path = tmp_path / "l.sql3"
    before, descriptors_before = threads(), descriptors()
    store = await LogStore.open(path, clock=ManualClock())
    keeping = [
        asyncio.ensure_future(store.keep_small()),
        asyncio.ensure_future(store.keep_synced()),
    ]
    await store.append(all_written([line(7)]))
    assert await newest(store) == [line(7)]
    assert (await store.reader.query(LogQuery())).lines == (line(7),)
    assert len([one for one in threads() - before if "bistro log" in one.name]) >= 2
    assert any(name.startswith(str(path)) for name in descriptors())

    for one in keeping:
        one.cancel()
    await store.close()

    assert os.listdir(tmp_path) == ["l.sql3"]
    # A thread that has said its last word ends a moment later.
    async with asyncio.timeout(25):
        while not threads() <= before:
            await asyncio.sleep(0.005)
    assert descriptors() == descriptors_before


def threads() -> set[threading.Thread]:
    """Return those that live, without what asyncio keeps until its loop ends."""
    return {one for one in threading.enumerate() if not one.name.startswith("asyncio_")}


def descriptors() -> list[str]:
    """Return what this process has open, by name."""
    found = []
    for number in os.listdir("/proc/self/fd"):
        with suppress(OSError):
            found.append(os.readlink(f"/proc/self/fd/{number}"))
    return sorted(found)
