"""What every TaskRunner promises, whatever it runs."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from bistro_tui.engine.ids import InvocationId
from bistro_tui.engine.runners.protocol import (
    AttemptEnded,
    AttemptStarted,
    TaskRunner,
)
from bistro_tui.engine.scheduling.actions import StartTask
from bistro_tui.engine.statuses.bits import INCOMPLETE_BACKOFF, MAIN_BITS
from tests.engine.processes.builders import a_start
from tests.engine.runners.harness import (
    KILL,
    TERM,
    Reports,
    benchmark_runner,
    dry_runner,
    local_runner,
)

SLEEP = ("sh", "-c", "exec sleep 60")
Opened = tuple[TaskRunner, Reports]


@asynccontextmanager
async def _local(path: Path) -> AsyncIterator[Opened]:
    async with local_runner(path) as local:
        yield local.runner, local.reports


@asynccontextmanager
async def _dry(_path: Path) -> AsyncIterator[Opened]:
    reports = Reports()
    runner = dry_runner(reports)
    yield runner, reports
    await runner.close()


@asynccontextmanager
async def _benchmark(_path: Path) -> AsyncIterator[Opened]:
    reports = Reports()
    runner = benchmark_runner(reports)
    yield runner, reports
    await runner.close()


every_runner = pytest.mark.parametrize(
    "opened", [_local, _dry, _benchmark], ids=["local", "dry_run", "benchmark"]
)
Opener = Callable[[Path], AbstractAsyncContextManager[Opened]]


def quick() -> StartTask:
    return a_start("sh", "-c", "echo done > {status_file}")


@every_runner
async def test_an_attempt_is_reported_started_then_ended(
    opened: Opener, tmp_path: Path
) -> None:
    async with opened(tmp_path) as (runner, reports):
        start = quick()
        runner.start(start)
        ended = await reports.wait_ended(start)
        # A runner without processes may leave out the first.
        kinds = [type(one) for one in reports.all if hasattr(one, "invocation")]
        assert kinds in ([AttemptStarted, AttemptEnded], [AttemptEnded])
        assert ended.task == start.task
        assert (ended.reported.bits & MAIN_BITS).bit_count() == 1
        assert ended.reported.backoff_sec == 0


@every_runner
async def test_nothing_is_reported_from_inside_a_call(
    opened: Opener, tmp_path: Path
) -> None:
    async with opened(tmp_path) as (runner, reports):
        start = quick()
        before = list(reports.all)
        runner.start(start)
        assert reports.all == before
        runner.kill(start.invocation, KILL)
        assert reports.all == before
        await reports.wait_ended(start)


@every_runner
async def test_a_kill_before_the_start_ends_the_attempt_without_a_failure(
    opened: Opener, tmp_path: Path
) -> None:
    async with opened(tmp_path) as (runner, reports):
        start = quick()
        runner.start(start)
        runner.kill(start.invocation, TERM)
        ended = await reports.wait_ended(start)
        assert ended.reported.bits == INCOMPLETE_BACKOFF


@every_runner
async def test_killing_what_is_over_or_unknown_is_harmless(
    opened: Opener, tmp_path: Path
) -> None:
    async with opened(tmp_path) as (runner, reports):
        start = quick()
        runner.start(start)
        await reports.wait_ended(start)
        runner.kill(start.invocation, KILL)
        runner.kill(InvocationId(1, 1), KILL)
        later = quick()
        runner.start(later)
        await reports.wait_ended(later)
        ends = [one for one in reports.all if isinstance(one, AttemptEnded)]
        assert [end.invocation for end in ends] == [start.invocation, later.invocation]


@every_runner
async def test_each_of_many_attempts_ends_once(opened: Opener, tmp_path: Path) -> None:
    async with opened(tmp_path) as (runner, reports):
        starts = [quick() for _ in range(30)]
        for start in starts:
            runner.start(start)
        for start in starts:
            await reports.wait_ended(start)
        ended = [one for one in reports.all if isinstance(one, AttemptEnded)]
        assert len(ended) == 30


@every_runner
async def test_close_ends_and_reports_whatever_is_left(
    opened: Opener, tmp_path: Path
) -> None:
    async with opened(tmp_path) as (runner, reports):
        starts = [a_start(*SLEEP) for _ in range(3)]
        for start in starts:
            runner.start(start)
        await reports.wait_heard(starts[0])
        runner.start(waiting := a_start(*SLEEP))
        await runner.close()
        assert all(reports.ended(one.invocation) for one in [*starts, waiting])


@every_runner
async def test_a_name_is_there_to_be_shown(opened: Opener, tmp_path: Path) -> None:
    async with opened(tmp_path) as (runner, _):
        assert runner.name == "local"
