"""A scheduler without workers after one that had some."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from bistro_tui.engine.former_workers import CAUSE, await_former_workers
from bistro_tui.engine.options import EngineOptions
from bistro_tui.engine.remote.identity import InstanceId
from bistro_tui.engine.remote.times import PoolTimes
from bistro_tui.engine.runners.workers_served import WorkersServed
from bistro_tui.engine.scheduling.events import Event, StartsPaused, StartsResumed

SHORT = PoolTimes(startup_wait_for_workers=0.01)


async def waited(run: Path, options: EngineOptions) -> list[Event]:
    """Return what was fed until the wait was over, if there is one."""
    fed: list[Event] = []
    over = asyncio.Event()
    ends: list[Callable[[], None]] = []

    def feed(events: object) -> None:
        assert isinstance(events, list)
        fed.extend(events)
        if any(isinstance(one, StartsResumed) for one in fed):
            over.set()

    await_former_workers(run, options, feed=feed, at_end=ends.append)
    if ends:
        async with asyncio.timeout(5):
            await over.wait()
    return fed


@pytest.mark.parametrize("port", [None, 0])
async def test_it_waits_only_where_workers_may_run_and_cannot_be_asked(
    tmp_path: Path, port: int | None
) -> None:
    runner = "local" if port is None else "remote"
    options = EngineOptions(
        config_path=tmp_path / "x", runner=runner, server_port=port, pool_times=SHORT
    )
    assert await waited(tmp_path, options) == []
    WorkersServed(tmp_path).note(600)
    fed = await waited(tmp_path, options)
    if port is not None:
        assert fed == []
        return
    paused, resumed = fed
    assert isinstance(paused, StartsPaused)
    assert "up to 0.01 s" in paused.text
    assert resumed == StartsResumed(CAUSE)
    assert await waited(tmp_path, options) == [], "they are waited for once"


async def test_the_longest_wait_that_workers_were_told_of_counts(
    tmp_path: Path,
) -> None:
    WorkersServed(tmp_path).note(9_000)
    fed: list[Event] = []
    ends: list[Callable[[], None]] = []
    await_former_workers(
        tmp_path,
        EngineOptions(config_path=tmp_path / "x", runner="local"),
        feed=fed.extend,
        at_end=ends.append,
    )
    (paused,) = fed
    assert isinstance(paused, StartsPaused)
    assert "up to 9000 s" in paused.text
    (end,) = ends
    end()


async def test_workers_that_were_left_with_nothing_are_not_waited_for(
    tmp_path: Path,
) -> None:
    WorkersServed(tmp_path).note(600)
    WorkersServed(tmp_path).rest(InstanceId(5, 5))
    options = EngineOptions(config_path=tmp_path / "x", pool_times=SHORT)
    assert await waited(tmp_path, options) == []
