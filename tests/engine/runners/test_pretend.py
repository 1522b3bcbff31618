"""Tasks that are only pretended: how long they take, how many a turn of the loop."""

import asyncio

import pytest

from bistro_tui.engine.runners import pretend
from bistro_tui.engine.runners.protocol import AttemptEnded
from bistro_tui.engine.statuses.bits import DONE, ERROR_BACKOFF, INCOMPLETE_BACKOFF
from tests.engine.processes.builders import a_start
from tests.engine.runners.harness import (
    KILL,
    Reports,
    benchmark_runner,
    dry_runner,
    until,
)


async def test_a_dry_run_is_done_at_once_without_a_command() -> None:
    reports = Reports()
    runner = dry_runner(reports)
    runner.start(start := a_start())
    ended = await reports.wait_ended(start)
    assert ended.reported.bits == DONE


async def test_a_benchmark_task_takes_up_to_twice_its_duration() -> None:
    runner = benchmark_runner(Reports(), duration_ms=100)
    seconds = [runner.seconds() for _ in range(1000)]
    assert 0 <= min(seconds) < 0.01
    assert 0.19 < max(seconds) <= 0.2


async def test_a_benchmark_task_fails_as_often_as_asked() -> None:
    runner = benchmark_runner(Reports(), failure_rate=0.25)
    found = [runner.outcome(5.0) for _ in range(1000)]
    failed = [one for one in found if one.bits == ERROR_BACKOFF]
    assert 200 < len(failed) < 300
    assert failed[0].data == {"exception": "testing"}
    assert {one.bits for one in found} == {DONE, ERROR_BACKOFF}


async def test_a_duration_of_nothing_is_done_at_once() -> None:
    reports = Reports()
    runner = benchmark_runner(reports, duration_ms=0)
    starts = [a_start() for _ in range(10)]
    for start in starts:
        runner.start(start)
    async with asyncio.timeout(25):
        ended = [await reports.wait_ended(start) for start in starts]
    assert [one.reported.bits for one in ended] == [DONE] * len(starts)
    assert runner.seconds() == 0


async def test_very_many_attempts_leave_the_loop_room_between_slices() -> None:
    reports = Reports()
    runner = dry_runner(reports)
    number = 3 * pretend.SLICE
    for _ in range(number):
        runner.start(a_start())
    heard = []
    async with asyncio.timeout(25):
        while len(reports.all) < number:
            await asyncio.sleep(0)
            heard.append(len(reports.all))

    steps = {later - sooner for sooner, later in zip([0, *heard], heard, strict=False)}
    assert max(steps) == pretend.SLICE


async def test_attempts_end_in_the_order_in_which_they_are_due(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reports = Reports()
    runner = benchmark_runner(reports, duration_ms=20)
    lengths = [0.06, 0.02, 0.04, 0.0]
    starts = [a_start(node=str(length)) for length in lengths]
    waiting = iter(lengths)
    monkeypatch.setattr(runner, "seconds", lambda: next(waiting))
    for start in starts:
        runner.start(start)
    await until(lambda: all(reports.ended(one.invocation) for one in starts))

    ended = [one.task.node for one in reports.all if isinstance(one, AttemptEnded)]
    assert ended == ["0.0", "0.02", "0.04", "0.06"]


async def test_a_kill_ends_an_attempt_long_before_it_is_due() -> None:
    reports = Reports()
    runner = benchmark_runner(reports, duration_ms=10_000_000)
    runner.start(killed := a_start())
    runner.start(other := a_start())
    await reports.wait_started(other)

    runner.kill(killed.invocation, KILL)
    runner.kill(killed.invocation, KILL)
    ended = await reports.wait_ended(killed)

    assert ended.reported.bits == INCOMPLETE_BACKOFF
    assert reports.ended(other.invocation) is None
    await runner.close()
    assert [one.task for one in reports.all if isinstance(one, AttemptEnded)] == [
        killed.task,
        other.task,
    ]


async def test_nothing_is_heard_after_the_close() -> None:
    reports = Reports()
    runner = benchmark_runner(reports, duration_ms=5)
    for _ in range(20):
        runner.start(a_start())
    await asyncio.sleep(0)
    await runner.close()
    heard = len(reports.all)
    await asyncio.sleep(0.02)

    assert len(reports.all) == heard
