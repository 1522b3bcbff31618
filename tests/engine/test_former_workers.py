"""A scheduler without workers after one that had some."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bistro_tui.engine.clock import SystemClock
from bistro_tui.engine.former_workers import CAUSE, await_former_workers
from bistro_tui.engine.options import EngineOptions
from bistro_tui.engine.remote.identity import InstanceId
from bistro_tui.engine.remote.initial_wait import OVERRIDDEN
from bistro_tui.engine.remote.times import PoolTimes
from bistro_tui.engine.runners.workers_served import WorkersServed
from bistro_tui.engine.scheduling.events import Event, StartsPaused, StartsResumed
from tests.engine.nodes.builders import ManualClock

SHORT = PoolTimes(startup_wait_for_workers=0.01)
SAFE = PoolTimes(
    heartbeat_grace_period=0.01,
    healthcheck_period=0.01,
    healthcheck_grace_period=0.01,
    lose_unhealthy_worker_after=0.01,
    worker_check_interval=0.01,
    suicide_backoff_safety_margin_sec=0.01,
    suicide_task_kill_wait_ms=1,
)
"""Its safe wait is hardly more than a second."""


async def waited(
    run: Path,
    options: EngineOptions,
    *,
    exit_wait_before: Callable[[], float] = lambda: 0.0,
) -> list[Event]:
    """Return what was fed until the wait was over, if there is one."""
    fed: list[Event] = []
    over = asyncio.Event()
    ends: list[Callable[[], None]] = []

    def feed(events: object) -> None:
        assert isinstance(events, list)
        fed.extend(events)
        if any(isinstance(one, StartsResumed) for one in fed):
            over.set()

    await_former_workers(
        WorkersServed(run, token=run / "worker.token"),
        options,
        clock=SystemClock(),
        exit_wait_before=exit_wait_before,
        feed=feed,
        at_end=ends.append,
    )
    if ends:
        async with asyncio.timeout(25):
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
    assert "is 0.01 s, less than the 696 s for which remote workers" in paused.text
    assert "may be started a second time" in paused.text
    assert resumed == StartsResumed(CAUSE)
    assert await waited(tmp_path, options) == fed, "that was for one start"


async def test_who_waits_for_none_hears_what_that_risks(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    times = replace(SAFE, startup_wait_for_workers=0.0)
    options = EngineOptions(
        config_path=tmp_path / "x", runner="local", pool_times=times
    )
    WorkersServed(tmp_path).note(600)
    assert await waited(tmp_path, options) == []
    (told,) = [record.getMessage() for record in caplog.records]
    assert told.startswith("nothing is waited for: --CAUTION-startup-wait-for-workers")
    assert "is 0 s, less than the 600 s" in told
    assert "may be started a second time" in told


async def test_they_are_waited_for_once_if_nobody_cuts_it_short(tmp_path: Path) -> None:
    options = EngineOptions(config_path=tmp_path / "x", runner="local", pool_times=SAFE)
    WorkersServed(tmp_path).note(SAFE.safe_initial_wait)
    paused, resumed = await waited(tmp_path, options)
    assert isinstance(paused, StartsPaused)
    assert resumed == StartsResumed(CAUSE)
    assert await waited(tmp_path, options) == []
    assert not WorkersServed(tmp_path).ever


async def test_they_are_waited_for_where_the_note_of_them_was_removed(
    tmp_path: Path,
) -> None:
    options = EngineOptions(config_path=tmp_path / "x", runner="local", pool_times=SAFE)
    (tmp_path / "worker.token").touch()
    assert len(await waited(tmp_path, options)) == 2
    assert await waited(tmp_path, options) == []


@pytest.mark.parametrize("looks", [0, 3])
async def test_a_line_in_the_config_ends_it_whenever_it_comes(
    tmp_path: Path, looks: int, caplog: pytest.LogCaptureFixture
) -> None:
    times = replace(SAFE, lose_unhealthy_worker_after=500.0)
    options = EngineOptions(
        config_path=tmp_path / "x", runner="local", pool_times=times
    )
    WorkersServed(tmp_path).note(600)
    answers = [0.0] * looks + [time.time() + 1_000]
    fed = await waited(
        tmp_path,
        options,
        exit_wait_before=lambda: answers.pop(0) if answers[1:] else answers[0],
    )
    assert fed[1:] == [StartsResumed(CAUSE)]
    assert OVERRIDDEN in caplog.text
    assert WorkersServed(tmp_path).ever, "what that start did not wait for may be there"


async def test_a_line_of_the_past_ends_nothing(tmp_path: Path) -> None:
    clock, fed, asked = ManualClock(), list[Event](), asyncio.Event()
    ends: list[Callable[[], None]] = []

    def exit_wait_before() -> float:
        asked.set()
        return clock.now().wall

    WorkersServed(tmp_path).note(9_000)
    await_former_workers(
        WorkersServed(tmp_path),
        EngineOptions(config_path=tmp_path / "x", runner="local", pool_times=SAFE),
        clock=clock,
        exit_wait_before=exit_wait_before,
        feed=fed.extend,
        at_end=ends.append,
    )
    for _ in range(3):
        asked.clear()
        await asked.wait()
    assert [type(one) for one in fed] == [StartsPaused]
    (end,) = ends
    end()


async def test_the_longest_wait_that_workers_were_told_of_counts(
    tmp_path: Path,
) -> None:
    WorkersServed(tmp_path).note(9_000)
    fed: list[Event] = []
    ends: list[Callable[[], None]] = []
    await_former_workers(
        WorkersServed(tmp_path),
        EngineOptions(config_path=tmp_path / "x", runner="local"),
        clock=SystemClock(),
        exit_wait_before=lambda: 0.0,
        feed=fed.extend,
        at_end=ends.append,
    )
    (paused,) = fed
    assert isinstance(paused, StartsPaused)
    assert "up to 9000 s" in paused.text
    assert "0 waits for none; tasks that they do run may be started" in paused.text
    (end,) = ends
    end()


async def test_workers_that_were_left_with_nothing_are_not_waited_for(
    tmp_path: Path,
) -> None:
    WorkersServed(tmp_path).note(600)
    WorkersServed(tmp_path).rest(InstanceId(5, 5))
    options = EngineOptions(config_path=tmp_path / "x", pool_times=SHORT)
    assert await waited(tmp_path, options) == []
