"""Questions to the log store while others ask and write."""

import asyncio
import os
import sqlite3
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from pathlib import Path

import pytest

from bistro_tui.engine.clock import SystemClock
from bistro_tui.engine.logs import deadline
from bistro_tui.engine.logs.look import look_at_page
from bistro_tui.engine.logs.patterns import Pattern
from bistro_tui.engine.logs.query import THE_END, LogQuery
from bistro_tui.engine.logs.reader import SEARCHES_AT_ONCE, LogReader
from bistro_tui.engine.logs.rows import StoredLine, Written
from bistro_tui.engine.logs.sink import Stream
from bistro_tui.engine.logs.store import LogStore
from tests.engine.logs.builders import LAST_ID, line, task
from tests.engine.logs.tables import insert, make_tables


@asynccontextmanager
async def reading(path: Path) -> AsyncIterator[LogReader]:
    reader = LogReader(path, clock=SystemClock())
    try:
        yield reader
    finally:
        await reader.close()


async def all_of(reader: LogReader, query: LogQuery) -> tuple[list[StoredLine], int]:
    found, pages = list[StoredLine](), 0
    while True:
        page = await reader.query(query)
        found += page.lines
        pages += 1
        if page.next_line_id == THE_END:
            return found, pages
        query = replace(query, line_id=page.next_line_id)


async def test_tails_do_not_wait_for_searches(tmp_path: Path) -> None:
    path, go_on = tmp_path / "l.sql3", threading.Event()
    with closing(make_tables(path)) as connection:
        insert(connection, [line(1), line(2, of=task("other"))])
        async with reading(path) as reader, asyncio.TaskGroup() as group:
            for number in range(2 * SEARCHES_AT_ONCE):
                group.create_task(
                    reader.run(lambda _: go_on.wait(20)), name=f"{number}"
                )
            try:
                async with asyncio.timeout(25):
                    found = await reader.newest(None, after=0, up_to=LAST_ID, limit=9)
                    mine = await reader.newest(task(), after=0, up_to=LAST_ID, limit=9)
            finally:
                go_on.set()
        assert [one.line_id for one in found] == [1, 2]
        assert mine == [line(1)]


@pytest.mark.parametrize(
    "pattern", [Pattern.text("nowhere"), Pattern.regex("no.?where|[0-9]x$")]
)
async def test_a_search_of_many_lines_answers_soon_and_says_where_it_stopped(
    tmp_path: Path, pattern: Pattern, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deadline, "PAGE_SEC", 0.01)
    path = tmp_path / "l.sql3"
    with closing(make_tables(path)) as connection:
        connection.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT"
            " 300000) INSERT INTO stdout SELECT 'etl', 'db7', i, 'a line ' || i FROM n"
        )
        insert(connection, [line(150_000, b"nowhere\n", stream=Stream.STDERR)])
        async with reading(path) as reader:
            first = await reader.query(LogQuery(pattern=pattern))
            assert first.lines == ()
            assert 150_000 < first.next_line_id < 300_000
            found, pages = await all_of(reader, LogQuery(pattern=pattern))
            assert [one.line_id for one in found] == [150_000]
            assert pages > 3
            nobody = LogQuery(pattern=pattern, jobs=(task(job="nobody").job,))
            assert await all_of(reader, nobody) == ([], 1)


async def test_who_follows_both_streams_while_they_are_written_misses_nothing(
    tmp_path: Path,
) -> None:
    path, batches, rows = tmp_path / "l.sql3", 25, 1_200
    store = await LogStore.open(path, clock=SystemClock())
    seen: list[int] = []
    last = 1 + batches * rows

    async def follow() -> None:
        query = LogQuery(ascending=True, line_id=0)
        while len(seen) < batches * rows:
            page = await store.reader.query(query)
            seen.extend(one.line_id for one in page.lines)
            end = max(query.line_id or 0, page.last_id + 1)
            begin = end if page.next_line_id == THE_END else page.next_line_id
            if begin == last and len(seen) < batches * rows:
                return
            query = replace(query, line_id=begin)

    async with asyncio.timeout(50), asyncio.TaskGroup() as group:
        group.create_task(follow(), name="follow")
        for first in range(1, last, rows):
            # The streams take turns, so that each table has every other id.
            await store.append(
                [
                    Written(
                        number,
                        task(),
                        Stream.STDOUT if number % 2 else Stream.STDERR,
                        [b"x\n"],
                    )
                    for number in range(first, first + rows)
                ]
            )
    await store.close()
    assert seen == list(range(1, last))


async def test_between_two_pages_nothing_is_held(tmp_path: Path) -> None:
    path = tmp_path / "l.sql3"
    with closing(make_tables(path)) as connection:
        insert(connection, [line(1)])
        async with reading(path) as reader:
            await reader.query(LogQuery())
            assert not await reader.run(lambda mine: mine.in_transaction)
            checkpoint = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            assert checkpoint.fetchone()[0] == 0


async def test_a_reader_cannot_write(tmp_path: Path) -> None:
    path = tmp_path / "l.sql3"
    with closing(make_tables(path)):
        async with reading(path) as reader:
            with pytest.raises(sqlite3.OperationalError, match="readonly"):
                await reader.run(lambda mine: mine.execute("DELETE FROM stdout"))
            assert (await reader.query(LogQuery())).lines == ()


async def test_a_file_that_was_replaced_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "l.sql3"
    async with reading(path) as reader:
        with pytest.raises(sqlite3.OperationalError, match="No such file"):
            await reader.query(LogQuery())
        for number in (1, 2):
            with closing(make_tables(path)) as connection:
                insert(connection, [line(number)])
                page = await reader.query(LogQuery())
                assert [one.line_id for one in page.lines] == [number]
            for file in tmp_path.iterdir():
                file.unlink()


async def test_closing_ends_what_is_asked_and_refuses_more(tmp_path: Path) -> None:
    path = tmp_path / "l.sql3"
    begun = threading.Event()

    def count_for_ever(connection: sqlite3.Connection) -> None:
        # An interrupt counts only for what is running.
        connection.set_progress_handler(begun.set, 1_000)
        connection.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
            " SELECT count(*) FROM n"
        ).fetchone()

    with closing(make_tables(path)):
        reader = LogReader(path, clock=SystemClock())
        asking = asyncio.ensure_future(reader.run(count_for_ever))
        await asyncio.to_thread(begun.wait, 10)
        await reader.close()
        with pytest.raises(sqlite3.OperationalError, match="interrupted"):
            await asking
        with pytest.raises(sqlite3.ProgrammingError, match="closed"):
            await reader.query(LogQuery())
        await reader.close()


async def test_a_file_is_looked_at_without_leaving_a_trace(tmp_path: Path) -> None:
    path = tmp_path / "task_logs.sql3"
    clock = SystemClock()
    assert look_at_page(path, LogQuery(), clock).lines == ()
    assert list(tmp_path.iterdir()) == []
    store = await LogStore.open(path, clock=SystemClock())
    await store.append([Written(7, task(), Stream.STDERR, [b"x\n"])])
    assert look_at_page(path, LogQuery(), clock).last_id == 7
    await store.close()
    assert [one.line_id for one in look_at_page(path, LogQuery(), clock).lines] == [7]
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_with_some_of_the_tables_has_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "task_logs.sql3"
    with closing(make_tables(path)) as connection:
        insert(connection, [line(3)])
        connection.execute("DROP TABLE stderr")
    page = look_at_page(path, LogQuery(), SystemClock())
    assert [one.line_id for one in page.lines] == [3]
    none = LogQuery(streams=(Stream.STDERR,))
    assert look_at_page(path, none, SystemClock()).next_line_id == THE_END


async def test_the_path_need_not_be_utf8(tmp_path: Path) -> None:
    directory = tmp_path / os.fsdecode(b"d\xff %?#")
    directory.mkdir()
    store = await LogStore.open(directory / "task_logs.sql3", clock=SystemClock())
    try:
        await store.append([Written(1, task(), Stream.STDOUT, [b"a"])])
        found = await store.reader.newest(None, after=0, up_to=LAST_ID, limit=9)
    finally:
        await store.close()
    assert found == [line(1, b"a")]
