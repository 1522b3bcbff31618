"""Old lines are forgotten, and only old ones."""

import asyncio
from pathlib import Path

import pytest

from bistro_tui.engine.clock import Now
from bistro_tui.engine.logs import store as store_module
from bistro_tui.engine.logs.line_ids import first_id_of
from bistro_tui.engine.logs.retention import forget_old_lines
from bistro_tui.engine.logs.rows import StoredLine, Written
from bistro_tui.engine.logs.sink import Stream
from bistro_tui.engine.logs.store import LogStore
from tests.engine.logs.builders import LAST_ID, all_written, task


class At:
    """A clock that stands still."""

    def __init__(self, wall: float) -> None:
        self.wall = wall

    def now(self) -> Now:
        return Now(wall=self.wall, mono=0.0)


async def seconds_kept(store: LogStore) -> list[int]:
    lines = await store.newest(None, after=0, up_to=LAST_ID, limit=1000)
    return [line.line_id >> 32 for line in lines]


@pytest.mark.parametrize("at_once", [2, 10_000])
async def test_lines_older_than_the_retention_go_in_every_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(store_module, "FORGOTTEN_AT_ONCE", at_once)
    store = await LogStore.open(tmp_path / "l.sql3")
    try:
        for stream in Stream:
            await store.append(
                [
                    Written(
                        first_id_of(second) + stream.value.count("t"),
                        task(),
                        stream,
                        (b"x",),
                    )
                    for second in range(100, 110)
                ]
            )

        assert await store.forget_before(first_id_of(105)) == 5 * len(Stream)

        assert set(await seconds_kept(store)) == set(range(105, 110))
    finally:
        await store.close()


async def test_a_retention_of_never_deletes_nothing_and_ends(tmp_path: Path) -> None:
    store = await LogStore.open(tmp_path / "l.sql3")
    try:
        await store.append([Written(first_id_of(1), task(), Stream.STDOUT, (b"x",))])

        await forget_old_lines(store, clock=At(10**9), older_than_sec=0, every_sec=0)

        assert await seconds_kept(store) == [1]
    finally:
        await store.close()


async def test_pruning_goes_by_the_age_of_lines(tmp_path: Path) -> None:
    store = await LogStore.open(tmp_path / "l.sql3")
    try:
        lines = [
            StoredLine(first_id_of(second), task(), Stream.STDOUT, b"x")
            for second in (100, 139, 140, 141)
        ]
        await store.append(all_written(lines))
        pruning = asyncio.ensure_future(
            forget_old_lines(store, clock=At(150.5), older_than_sec=10, every_sec=3600)
        )

        async with asyncio.timeout(10):
            while await seconds_kept(store) != [140, 141]:
                await asyncio.sleep(0.001)

        pruning.cancel()
    finally:
        await store.close()
