"""What a plug-in's runner cannot do to the engine."""

import asyncio
import math
import threading
from collections.abc import Mapping
from typing import Any

import pytest

from bistro_tui.engine.clock import SystemClock
from bistro_tui.engine.config.model import KillSettings
from bistro_tui.engine.foreign import TaskExited
from bistro_tui.engine.ids import InvocationId
from bistro_tui.engine.installed import Group, Part
from bistro_tui.engine.runners.guarded import GuardedReports, GuardedRunner
from bistro_tui.engine.runners.protocol import AttemptEnded, RunnerReport
from bistro_tui.engine.scheduling.actions import StartTask
from bistro_tui.engine.statuses.bits import DONE, ERROR_BACKOFF, Bits
from bistro_tui.engine.statuses.status import TaskStatus
from tests.engine.processes.builders import a_start
from tests.engine.runners.harness import KILL, Reports

PART = Part(
    group=Group.RUNNERS, name="cloud", reference="acme:Cloud", distribution="acme 1.0"
)


class Stormy:
    """A runner that raises wherever it is touched."""

    name = "stormy"
    error: type[BaseException] = ConnectionError

    def start(self, start: StartTask) -> None:
        raise self.error("no cloud today")

    def kill(self, invocation: InvocationId, how: KillSettings) -> None:
        raise self.error("no kill today")

    async def close(self) -> None:
        raise self.error("no end today")


class Calm(Stormy):
    """A runner that reports where it should not: from inside start."""

    def __init__(self, report: GuardedReports, reported: TaskStatus) -> None:
        self._report, self._reported = report, reported

    def start(self, start: StartTask) -> None:
        self._report(ended(start, self._reported))

    async def close(self) -> None:
        self.start(a_start())


def ended(start: StartTask, reported: TaskStatus) -> AttemptEnded:
    return AttemptEnded(start.task, start.invocation, reported, "over")


def done(data: Mapping[str, Any] | None = None, *, bits: Bits = DONE) -> TaskStatus:
    return TaskStatus(bits=bits, time=1.0, data=data or {})


def at(time: Any, backoff_sec: Any = 0) -> TaskStatus:
    return TaskStatus(bits=DONE, time=time, backoff_sec=backoff_sec)


def guarded_reports(reports: Reports) -> GuardedReports:
    return GuardedReports(PART, reports, SystemClock())


def guarded(runner: Stormy, reports: GuardedReports) -> GuardedRunner:
    return GuardedRunner(PART, runner, reports, SystemClock())


async def test_a_start_that_raises_is_an_attempt_that_ended_with_the_error() -> None:
    reports = Reports()
    runner = guarded(Stormy(), guarded_reports(reports))
    runner.start(start := a_start())
    assert reports.all == []
    report = await reports.wait_ended(start)
    assert report.reported.bits == ERROR_BACKOFF
    assert report.reported.data == {
        "exception": 'the runner "cloud" of acme 1.0 cannot start it:'
        " ConnectionError: no cloud today"
    }
    assert report.exit_text == "failed to start: ConnectionError: no cloud today"


async def test_a_kill_or_an_end_that_raises_is_a_line_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    runner = guarded(Stormy(), guarded_reports(Reports()))
    runner.kill(a_start().invocation, KILL)
    await runner.close()
    assert "cannot kill a task: ConnectionError: no kill today" in caplog.text
    assert "cannot be closed: ConnectionError: no end today" in caplog.text


async def test_a_runner_that_exits_harms_its_attempt_alone(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Leaving(Stormy):
        error = SystemExit

    reports = Reports()
    runner = guarded(Leaving(), guarded_reports(reports))
    runner.start(start := a_start())
    report = await reports.wait_ended(start)
    assert report.exit_text == "failed to start: SystemExit: no cloud today"
    runner.kill(start.invocation, KILL)
    await runner.close()
    assert "cannot kill a task: SystemExit: no kill today" in caplog.text
    assert "cannot be closed: SystemExit: no end today" in caplog.text


async def test_a_task_of_a_runner_that_exits_ends_alone() -> None:
    async def attempt() -> None:
        await asyncio.sleep(0)
        raise SystemExit(3)

    guarded_reports(Reports())
    with pytest.raises(TaskExited, match=r"^SystemExit: 3$"):
        await asyncio.ensure_future(attempt())


async def test_a_report_from_inside_start_comes_after_it() -> None:
    reports = Reports()
    guard = guarded_reports(reports)
    runner = guarded(Calm(guard, done()), guard)
    runner.start(start := a_start())
    assert reports.all == []
    assert (await reports.wait_ended(start)).reported.bits == DONE


async def test_a_report_from_another_thread_comes_on_the_loop() -> None:
    reports = Reports()
    threads: list[int] = []
    start = a_start()
    pass_on = reports.__call__

    def take(report: RunnerReport) -> None:
        threads.append(threading.get_ident())
        pass_on(report)

    guard = GuardedReports(PART, take, SystemClock())
    await asyncio.to_thread(guard, ended(start, done()))
    await reports.wait_ended(start)
    assert threads == [threading.get_ident()]


async def test_every_end_is_reported_before_the_end_of_the_runner() -> None:
    reports = Reports()
    guard = guarded_reports(reports)
    await guarded(Calm(guard, done()), guard).close()
    assert len(reports.all) == 1


@pytest.mark.parametrize(
    ("reported", "problem"),
    [
        (done({"a": object()}), "that cannot be stored: TypeError"),
        (done({"a": float("nan")}), "that cannot be stored: ValueError"),
        (at(math.nan), "that cannot be stored: ValueError: its time is nan"),
        (at(-math.inf), "that cannot be stored: ValueError: its time is -inf"),
        (at(1e300), "that cannot be stored: ValueError: its time is 1e+300"),
        (at(2**63), "that cannot be stored: ValueError: its time is"),
        (at("now"), "that cannot be stored: ValueError: its time is 'now'"),
        (at(1.0, math.inf), "that cannot be stored: ValueError: its backoff_sec is"),
        (at(1.0, -1), "that cannot be stored: ValueError: its backoff_sec is -1"),
        (done(bits=Bits.RUNNING), "that no task can have: "),
        (done(bits=Bits(68)), "that no task can have: "),
    ],
)
async def test_a_status_that_cannot_be_kept_becomes_an_error(
    reported: TaskStatus, problem: str
) -> None:
    reports = Reports()
    guard = guarded_reports(reports)
    guard(ended(start := a_start(), reported))
    report = await reports.wait_ended(start)
    assert report.reported.bits == ERROR_BACKOFF
    shown = str(report.reported.data["exception"])
    assert shown.startswith(
        f'the runner "cloud" of acme 1.0 reported a status {problem}'
    )


async def test_what_an_attempt_used_is_passed_on_where_it_can_be_kept() -> None:
    reports, start = Reports(), a_start()
    guard = guarded_reports(reports)
    of_old = AttemptEnded(start.task, start.invocation, done(), "over")
    wrong: Any = {"exit_text": 7, "peak_memory": "much", "cpu_seconds": math.nan}
    odd = of_old._replace(**wrong)

    for report in (of_old, of_old._replace(peak_memory=5, cpu_seconds=2), odd):
        guard(report)
    await asyncio.sleep(0)

    ends = [report for report in reports.all if isinstance(report, AttemptEnded)]
    used = [(end.exit_text, end.peak_memory, end.cpu_seconds) for end in ends]
    assert used == [("over", None, None), ("over", 5, 2.0), ("7", None, None)]


def test_a_runner_without_a_name_is_called_by_that_of_its_entry_point() -> None:
    class Nameless(Stormy):
        name = ""

    def ignore(_: object) -> None: ...

    assert GuardedRunner(PART, Nameless(), ignore, SystemClock()).name == "cloud"
