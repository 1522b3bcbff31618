import asyncio

from bistro_tui.engine.statuses.bits import DONE, ERROR_BACKOFF
from tests.engine.processes.builders import a_start
from tests.engine.runners.harness import Reports, benchmark_runner, dry_runner


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
    async with asyncio.timeout(1):
        for start in starts:
            await reports.wait_ended(start)
