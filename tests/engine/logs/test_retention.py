"""Old lines are forgotten, and only old ones."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bistro_tui.engine.ids import InvocationId
from bistro_tui.engine.logs import forgetting
from bistro_tui.engine.logs.attempts import AttemptRecord
from bistro_tui.engine.logs.line_ids import LAST_SECOND, first_id_of
from bistro_tui.engine.logs.retention import forget_old_lines
from bistro_tui.engine.logs.rows import Written
from bistro_tui.engine.logs.sink import Stream
from bistro_tui.engine.logs.store import LogStore
from tests.engine.logs.builders import ManualClock, task


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[LogStore]:
    opened = await LogStore.open(tmp_path / "l.sql3", clock=ManualClock())
    try:
        yield opened
    finally:
        await opened.close()


def lines_at(*seconds: int, stream: Stream = Stream.STDOUT) -> list[Written]:
    return [
        Written(first_id_of(second), task(), stream, (b"x\n",)) for second in seconds
    ]


def attempt(started: int, ended: int, rand: int = 2**62) -> AttemptRecord:
    invocation, seconds = InvocationId(started, rand), float(ended - started)
    return AttemptRecord(
        invocation, task(), started, ended, seconds, "exited with status 0", 0, "", ""
    )


async def kept(store: LogStore, table: str = "stdout") -> list[int]:
    column = "start_time << 32" if table == "attempts" else "time_and_count"
    rows = await store._database.read(f"SELECT {column} FROM {table}")
    return sorted(found >> 32 for (found,) in rows)


async def until_kept(store: LogStore, seconds: list[int]) -> None:
    async with asyncio.timeout(25):
        while await kept(store) != seconds:
            await asyncio.sleep(0.001)


@pytest.mark.parametrize("at_once", [1, 2, 3, 10_000])
async def test_lines_older_than_the_retention_go_in_every_table(
    store: LogStore, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(forgetting, "AT_ONCE", at_once)
    for stream in Stream:
        await store.append(lines_at(*range(100, 110), stream=stream))
    await store.append(lines_at(10, stream=Stream.STDERR))

    assert await store.forget_before(105) == 5 * len(Stream) + 1

    for stream in Stream:
        assert await kept(store, stream.value) == list(range(105, 110))


@pytest.mark.parametrize("at_once", [1, 2, 10_000])
async def test_attempts_go_when_they_have_ended_so_long_ago(
    store: LogStore, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(forgetting, "AT_ONCE", at_once)
    ends = {100: 110, 101: 104, 102: 103, 103: 106, 104: 105}
    await store.append([], [attempt(*one) for one in ends.items()])

    await store.forget_before(105)

    assert await kept(store, "attempts") == [100, 103, 104]


async def test_a_retention_of_never_deletes_nothing_and_ends(store: LogStore) -> None:
    await store.append(lines_at(1))
    await forget_old_lines(
        store, elapsed=lambda: 0.0, wall=lambda: 10**9, older_than_sec=0, every_sec=0
    )
    assert await kept(store) == [1]


async def test_pruning_goes_by_the_age_of_lines(store: LogStore) -> None:
    await store.append(lines_at(100, 139, 140, 141))
    pruning = asyncio.ensure_future(
        forget_old_lines(
            store,
            elapsed=lambda: 0.0,
            wall=lambda: 150.5,
            older_than_sec=10,
            every_sec=3600,
        )
    )
    await until_kept(store, [140, 141])
    pruning.cancel()


async def test_a_clock_that_is_set_while_it_runs_makes_no_line_old(
    store: LogStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    elapsed, seconds, walls = [7.0], list[int](), [150.5, 150.5, 4e9, 3e9, 100.5, 100.5]
    looked = asyncio.Event()

    async def look(second: int) -> int:
        seconds.append(second)
        elapsed[0] += 3600
        if not walls[1:]:
            looked.set()
        return 0

    def wall() -> float:
        return walls.pop(0) if walls[1:] else walls[0]

    monkeypatch.setattr(store, "forget_before", look)
    pruning = asyncio.ensure_future(
        forget_old_lines(
            store,
            elapsed=lambda: elapsed[0],
            wall=wall,
            older_than_sec=10,
            every_sec=0.001,
        )
    )
    await asyncio.wait_for(looked.wait(), 10)
    pruning.cancel()
    assert seconds[:4] == [140, 3740, 7340, 90]


async def test_beyond_2038_no_age_is_told_by_ids_and_none_are_forgotten(
    store: LogStore, caplog: pytest.LogCaptureFixture
) -> None:
    await store.append(lines_at(100, LAST_SECOND))
    walls = [LAST_SECOND + 86400.0] * 4
    with caplog.at_level(logging.WARNING), contextlib.suppress(IndexError):
        await forget_old_lines(
            store,
            elapsed=lambda: 0.0,
            wall=walls.pop,
            older_than_sec=60,
            every_sec=0.001,
        )
    assert len(caplog.messages) == 1
    assert "2038" in caplog.text
    assert await kept(store) == [100, LAST_SECOND]


async def test_a_retention_longer_than_there_has_been_time_forgets_nothing(
    store: LogStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.append(lines_at(0, 100), [attempt(0, 0)])
    forgotten = asyncio.get_running_loop().create_future()
    forget_before = store.forget_before

    async def look(second: int) -> int:
        forgotten.set_result(await forget_before(second))
        return 0

    monkeypatch.setattr(store, "forget_before", look)
    pruning = asyncio.ensure_future(
        forget_old_lines(
            store,
            elapsed=lambda: 0.0,
            wall=lambda: 1e9,
            older_than_sec=10**30,
            every_sec=10**12,
        )
    )
    assert await asyncio.wait_for(forgotten, 10) == 0
    pruning.cancel()
    assert await kept(store) == [0, 100]
    assert await kept(store, "attempts") == [0]
