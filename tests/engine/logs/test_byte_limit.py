"""The store keeps to so many bytes: the oldest lines make room for new ones."""

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from bistro_tui.engine.ids import InvocationId
from bistro_tui.engine.logs import byte_limit, forgetting
from bistro_tui.engine.logs.attempts import AttemptRecord
from bistro_tui.engine.logs.line_ids import LAST_ID, LAST_SECOND, first_id_of
from bistro_tui.engine.logs.rows import Written
from bistro_tui.engine.logs.sink import Stream
from bistro_tui.engine.logs.store import LogStore
from tests.engine.logs.builders import SECOND, task

CAP = 400_000
LINE = b"x" * 199 + b"\n"


@contextlib.asynccontextmanager
async def opened(path: Path, max_bytes: int) -> AsyncIterator[LogStore]:
    store = await LogStore.open(path / "l.sql3", max_bytes=max_bytes)
    keeping = asyncio.ensure_future(store.keep_small())
    try:
        yield store
    finally:
        keeping.cancel()
        await store.close()


def lines(
    first: int, number: int, stream: Stream = Stream.STDOUT, text: bytes = LINE
) -> Written:
    return Written(first_id_of(SECOND) + first, task(), stream, [text] * number)


def attempt(second: int, rand: int = 2**62) -> AttemptRecord:
    return AttemptRecord(
        InvocationId(second, rand), task(), second, second, 0.0, "exited", 0, "", ""
    )


async def ids(store: LogStore, table: str = "stdout") -> list[int]:
    rows = await store._database.read(f"SELECT time_and_count FROM {table} ORDER BY 1")
    return [found - first_id_of(SECOND) for (found,) in rows]


async def seconds_of_attempts(store: LogStore) -> list[int]:
    rows = await store._database.read("SELECT start_time FROM attempts ORDER BY 1")
    return [second for (second,) in rows]


def disk(path: Path) -> int:
    found = (path / "l.sql3", path / "l.sql3-wal")
    return sum(one.stat().st_size for one in found if one.exists())


async def test_the_newest_lines_stay_and_all_others_are_counted(tmp_path: Path) -> None:
    async with opened(tmp_path, CAP) as store:
        for first in range(0, 10_000, 100):
            await store.append([lines(first, 100)])
            assert (await store._forgetting.size()).used <= CAP
        kept = await ids(store)
        assert kept == list(range(kept[0], 10_000))
        assert len(kept) * len(LINE) > CAP / 4
        assert store.forgotten == kept[0]


async def test_all_tables_are_one_order(tmp_path: Path) -> None:
    async with opened(tmp_path, CAP) as store:
        streams = [Stream.STDERR, Stream.STDOUT, Stream.STDOUT, Stream.STATUSES]
        for first in range(0, 5_000, 50):
            await store.append([lines(first, 50, streams[first // 50 % 4])])
        kept = sorted([one for stream in Stream for one in await ids(store, stream)])
        assert kept == list(range(kept[0], 5_000))
        assert kept[0] == store.forgotten > 0


async def test_attempts_go_with_the_lines_of_their_time(tmp_path: Path) -> None:
    async with opened(tmp_path, CAP) as store:
        for minute in range(150):
            second = SECOND + 60 * minute
            one = Written(first_id_of(second), task(), Stream.STDOUT, [LINE] * 20)
            await store.append([one], [attempt(second + 1), attempt(second + 59)])
        rows = await store._database.read("SELECT min(time_and_count) FROM stdout")
        oldest = rows[0][0] >> 32
        assert oldest > SECOND
        kept = await seconds_of_attempts(store)
        assert min(kept) in (oldest - 59, oldest - 1, oldest + 1)


@pytest.mark.parametrize(
    "second", [SECOND, -5, LAST_SECOND + 7, 2**62], ids=["now", "past", "2038+", "end"]
)
async def test_attempts_without_lines_keep_to_it_too(
    tmp_path: Path, second: int
) -> None:
    async with opened(tmp_path, CAP) as store:
        for first in range(0, 6_000, 500):
            await store.append(
                [],
                [attempt(second, (first + one) << 40) for one in range(500)],
            )
        assert (await store._forgetting.size()).used <= CAP


async def test_a_limit_below_what_an_empty_store_takes_keeps_nothing(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path, 1) as store:
        await store.append([lines(0, 10)], [attempt(SECOND)])
        assert await ids(store) == []
        assert await seconds_of_attempts(store) == []
        assert store.forgotten == 10


async def test_without_a_limit_nothing_goes(tmp_path: Path) -> None:
    async with opened(tmp_path, 0) as store:
        await store.append([lines(0, 5_000)])
        assert len(await ids(store)) == 5_000
        assert store.forgotten == 0


async def test_a_lower_limit_makes_the_file_smaller_while_lines_come(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path, 0) as store:
        await store.append([lines(0, 20_000)])
    before = disk(tmp_path)
    async with opened(tmp_path, CAP) as store:
        first = 20_000
        async with asyncio.timeout(20):
            while disk(tmp_path) > 2 * CAP:
                await store.append([lines(first, 1)])
                first += 1
        kept = await ids(store)
        assert kept == list(range(kept[0], first))
    assert before > 4_000_000


async def test_a_turn_is_short_while_the_store_comes_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path, 0) as store:
        await store.append([lines(0, 20_000)])
    monkeypatch.setattr(byte_limit, "TURN_SEC", 0.0)
    monkeypatch.setattr(byte_limit, "AT_ONCE", 10)
    store = await LogStore.open(tmp_path / "l.sql3", max_bytes=CAP)
    try:
        before = (await store._forgetting.size()).used
        for first in range(20_000, 20_200, 20):
            await store.append([lines(first, 20)])
            assert (await store._forgetting.size()).used <= before + 20 * 400
        assert 0 < store.forgotten < 1_000
    finally:
        await store.close()


async def test_a_file_of_before_uses_its_free_pages_again(tmp_path: Path) -> None:
    async with opened(tmp_path, 0) as store:
        await store.append([lines(0, 1)])
    with contextlib.closing(sqlite3.connect(tmp_path / "l.sql3")) as old:
        old.execute("PRAGMA auto_vacuum = NONE")
        old.execute("VACUUM")
    async with opened(tmp_path, CAP) as store:
        for first in range(1, 10_000, 100):
            await store.append([lines(first, 100)])
        size = await store._forgetting.size()
        assert not size.can_shrink
        assert size.file <= 1.05 * CAP


async def test_lines_are_found_by_their_ids_however_many_there_are(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path, 0) as store:
        sqls = [forgetting._FIND, forgetting._FIND_LINE]
        plans = [
            str(detail)
            for sql in sqls
            for *_, detail in await store._database.read(
                f"EXPLAIN QUERY PLAN {sql}", (10,)
            )
        ]
        for sql in [*forgetting._DELETE.values(), forgetting._COUNT]:
            rows = await store._database.read(f"EXPLAIN QUERY PLAN {sql}", (1,))
            found = [str(detail) for *_, detail in rows]
            assert any("INTEGER PRIMARY KEY (rowid<?)" in one for one in found), found
        assert not [one for one in plans if "TEMP B-TREE" in one], plans


async def test_trouble_is_told_once_and_loses_no_new_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fails(*_: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    async with opened(tmp_path, CAP) as store:
        with monkeypatch.context() as broken, caplog.at_level(logging.WARNING):
            broken.setattr(store._forgetting, "oldest", fails)
            for first in range(0, 4_000, 100):
                await store.append([lines(first, 100)])
        assert len(await ids(store)) == 4_000
        told = [one for one in caplog.messages if "cannot be deleted" in one]
        assert told == ["old log lines cannot be deleted: disk I/O error"]
        await store.append([lines(4_000, 1)])
        assert (await store._forgetting.size()).used <= CAP


async def test_what_was_forgotten_is_logged_now_and_then_and_at_the_end(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        async with opened(tmp_path, CAP) as store:
            for first in range(0, 6_000, 100):
                await store.append([lines(first, 100)])
            forgotten = store.forgotten
    told = [one for one in caplog.messages if "--log-max-bytes" in one]
    assert len(told) == 2
    assert sum(int(one.split()[2]) for one in told) == forgotten > 0


@pytest.mark.parametrize("max_bytes", [0, 1, 100_000, 2**31])
async def test_portions_are_all_lines_in_order(tmp_path: Path, max_bytes: int) -> None:
    async with opened(tmp_path, max_bytes) as store:
        written = [lines(10 * number, 10) for number in range(50)]
        portions: list[Sequence[Written]] = list(store._limit.portions(written))
        assert [one for part in portions for one in part] == written


async def test_the_greatest_ids_go_as_well(tmp_path: Path) -> None:
    async with opened(tmp_path, 1) as store:
        await store.append([Written(LAST_ID - 4, task(), Stream.STDOUT, [LINE] * 5)])
        assert store.forgotten == 5
