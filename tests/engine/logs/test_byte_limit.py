"""The store keeps to so many bytes: the oldest lines make room for new ones."""

import asyncio
import contextlib
import logging
import math
import sqlite3
import tempfile
from collections.abc import AsyncIterator, Sequence
from itertools import cycle
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bistro_tui.engine.ids import InvocationId
from bistro_tui.engine.logs import byte_limit, forgetting
from bistro_tui.engine.logs.attempts import AttemptRecord
from bistro_tui.engine.logs.line_ids import LAST_ID, LAST_SECOND, first_id_of
from bistro_tui.engine.logs.rows import Written
from bistro_tui.engine.logs.sink import Stream
from bistro_tui.engine.logs.store import LogStore
from tests.engine.logs.builders import SECOND, ManualClock, task

CAP = 400_000
LINE = b"x" * 199 + b"\n"


@contextlib.asynccontextmanager
async def opened(path: Path, max_bytes: int) -> AsyncIterator[LogStore]:
    store = await LogStore.open(
        path / "l.sql3", clock=ManualClock(), max_bytes=max_bytes
    )
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


def attempt(
    second: int, rand: int = 2**62, *, ended: float | None = None
) -> AttemptRecord:
    ended = second if ended is None else ended
    return AttemptRecord(
        InvocationId(second, rand), task(), second, ended, 0.0, "exited", 0, "", ""
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


@pytest.mark.parametrize(
    ("max_bytes", "room", "limit"),
    [
        (2**31, 8 * 2**20, 4 * 2**20),
        (2**31, 2**40, 2**31),
        (2**31, 0, byte_limit.LEAST_BYTES),
        (2**31, 2**32 - 2, 2**31 - 1),
        (CAP, 0, CAP),
        (0, 8 * 2**20, 0),
    ],
)
def test_the_limit_is_at_most_half_of_what_there_is_room_for(
    max_bytes: int, room: int, limit: int
) -> None:
    assert byte_limit.limit_beside(max_bytes, room) == limit


def test_only_a_limit_that_the_disk_makes_smaller_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    path = tmp_path / "l.sql3"
    assert byte_limit.limit_on_its_disk(path, CAP) == CAP
    assert byte_limit.limit_on_its_disk(path, 0) == 0
    assert not caplog.records
    assert byte_limit.limit_on_its_disk(path, 2**62) < 2**62
    (record,) = caplog.records
    assert "half of what its disk has room for" in record.getMessage()


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


async def test_a_long_attempt_goes_with_the_lines_of_its_end(tmp_path: Path) -> None:
    async with opened(tmp_path, CAP) as store:
        began, ended = SECOND, SECOND + 7_200

        def lines_of(second: int) -> Written:
            return Written(first_id_of(second), task(), Stream.STDOUT, [LINE] * 100)

        for second in range(ended - 100, ended):
            await store.append([lines_of(second)])
        assert store.forgotten
        await store.append([lines_of(ended)], [attempt(began, ended=ended + 0.5)])
        second, gone_with = ended, 0
        while not gone_with:
            assert second < ended + 100, "it never goes"
            second += 1
            await store.append([lines_of(second)])
            if not await seconds_of_attempts(store):
                gone_with = second
        rows = await store._database.read("SELECT min(time_and_count) FROM stdout")
        assert rows[0][0] >> 32 > ended


_ENDS = st.one_of(
    st.floats(SECOND - 3, SECOND + 3),
    st.sampled_from([SECOND, -5.0, 0.0, 1e300, -1e300, float("inf"), float("nan")]),
)


@settings(max_examples=60, deadline=None)
@given(
    ids=st.sets(st.tuples(st.integers(-3, 3), st.integers(0, 9)), max_size=40),
    ends=st.lists(_ENDS, max_size=40),
    at_once=st.integers(0, 12),
)
def test_each_step_takes_the_oldest_lines_and_what_ended_before_those_that_stay(
    ids: set[tuple[int, int]], ends: list[float], at_once: int
) -> None:
    with tempfile.TemporaryDirectory() as path:
        asyncio.run(_forget_all(Path(path), sorted(ids), ends, at_once))


async def _forget_all(
    path: Path, ids: list[tuple[int, int]], ends: list[float], at_once: int
) -> None:
    async with opened(path, 0) as store:
        rows = [
            Written(first_id_of(SECOND + second) + number, task(), stream, (LINE,))
            for (second, number), stream in zip(ids, cycle(Stream), strict=False)
        ]
        records = [
            attempt(SECOND - 10**6, number, ended=ended)
            for number, ended in enumerate(ends)
        ]
        await store.append(rows, records)
        kept_ids, kept = [one.first_id for one in rows], set(range(len(ends)))
        while (gone := await store._forgetting.oldest(at_once)) is not None:
            assert gone <= len(Stream) * (at_once + 1)
            kept_ids = kept_ids[gone:]
            left = [await ids_in(store, stream.value) for stream in Stream]
            assert sorted(one for part in left for one in part) == kept_ids
            found = await store._database.read("SELECT rand FROM attempts")
            now = {int(str(rand)) for (rand,) in found}
            taken, kept = kept - now, now
            assert gone or taken, "it does not get on"
            assert len(taken) <= at_once + 1
            last = max((_second(ends[one]) for one in taken), default=-1)
            assert not kept_ids or last < kept_ids[0] >> 32
            assert all(_second(ends[one]) >= last for one in kept)
        assert not kept_ids
        assert not kept


def _second(ended: float) -> int:
    """Return the second of an end, among those that ids can tell."""
    if math.isnan(ended):
        return 0
    return int(min(max(ended, 0), LAST_SECOND))


async def ids_in(store: LogStore, table: str) -> list[int]:
    rows = await store._database.read(f"SELECT time_and_count FROM {table}")
    return [int(str(found)) for (found,) in rows]


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
    store = await LogStore.open(tmp_path / "l.sql3", clock=ManualClock(), max_bytes=CAP)
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
        for sql in (forgetting._DELETE_ATTEMPTS, forgetting._FIND_ATTEMPTS):
            rows = await store._database.read(f"EXPLAIN QUERY PLAN {sql}", (1, 1))
            found = [str(detail) for *_, detail in rows]
            assert any("attempts_ended_idx" in one for one in found), found
            assert not [one for one in found if "TEMP B-TREE" in one], found


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
