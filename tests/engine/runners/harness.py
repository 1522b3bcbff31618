"""A runner whose reports are kept in lists and can be waited for."""

import asyncio
import os
import random
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from bistro_tui.engine.clock import SystemClock
from bistro_tui.engine.config.model import KillMethod, KillSettings
from bistro_tui.engine.datadir import DataDir
from bistro_tui.engine.ids import InvocationId, NodeName
from bistro_tui.engine.runners.benchmark import BenchmarkRunner
from bistro_tui.engine.runners.dry_run import DryRunRunner
from bistro_tui.engine.runners.local import LocalRunner
from bistro_tui.engine.runners.protocol import (
    AttemptEnded,
    AttemptNotStarted,
    AttemptStarted,
    RunnerReport,
    TaskRunner,
)
from bistro_tui.engine.scheduling.actions import StartTask
from tests.engine.processes.builders import RecordingSink

_Report = TypeVar("_Report")

KILL = KillSettings(method=KillMethod.KILL)
TERM = KillSettings(method=KillMethod.TERM)


@dataclass
class Reports:
    """Everything a runner reported."""

    all: list[RunnerReport] = field(default_factory=list)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def __call__(self, report: RunnerReport) -> None:
        self.all.append(report)
        self._changed.set()

    def together(self, reports: Sequence[RunnerReport]) -> None:
        for report in reports:
            self(report)

    def started(self, invocation: InvocationId) -> AttemptStarted | None:
        for report in self.all:
            if isinstance(report, AttemptStarted) and report.invocation == invocation:
                return report
        return None

    def ended(self, invocation: InvocationId) -> AttemptEnded | None:
        for report in self.all:
            if isinstance(report, AttemptEnded) and report.invocation == invocation:
                return report
        return None

    async def wait_started(self, start: StartTask) -> AttemptStarted:
        return await self._wait(lambda: self.started(start.invocation))

    async def wait_heard(self, start: StartTask) -> AttemptStarted | AttemptEnded:
        one = start.invocation
        return await self._wait(lambda: self.started(one) or self.ended(one))

    async def wait_ended(self, start: StartTask) -> AttemptEnded:
        return await self._wait(lambda: self.ended(start.invocation))

    async def _wait(self, look: Callable[[], _Report | None]) -> _Report:
        async with asyncio.timeout(30):
            while (found := look()) is None:
                self._changed.clear()
                await self._changed.wait()
        return found


async def until(condition: Callable[[], object]) -> None:
    """Wait for something that nobody reports."""
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.005)


def is_alive(pid: int) -> bool:
    """Whether a process exists and is no zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return False
    return stat.rpartition(b")")[2].split()[0] != b"Z"


@dataclass
class Local:
    """A LocalRunner in a data directory of its own."""

    runner: LocalRunner
    reports: Reports
    sink: RecordingSink
    data_dir: DataDir
    config_dir: Path

    async def run(self, start: StartTask) -> AttemptEnded:
        self.runner.start(start)
        return await self.reports.wait_ended(start)

    def undone(self, start: StartTask) -> str | None:
        """Return why it waits again, None if it does not."""
        for one in self.reports.all:
            if isinstance(one, AttemptNotStarted) and one[:2] == start[:2]:
                return one.text
        return None

    def settle(self) -> None:
        """Say that everything that has ended is stored."""
        self.runner.settled(
            [
                one.invocation
                for one in self.reports.all
                if isinstance(one, AttemptEnded)
            ]
        )


@asynccontextmanager
async def local_runner(
    path: Path,
    *,
    worker_command: str | None = None,
    environment: Mapping[str, str] | None = None,
) -> AsyncIterator[Local]:
    config_dir = path / "config"
    config_dir.mkdir(exist_ok=True)
    data_dir = DataDir(path / "data", host="thishost", now=0.0)
    reports, sink = Reports(), RecordingSink()
    runner = LocalRunner(
        data_dir=data_dir,
        config_dir=config_dir,
        worker_command=worker_command,
        environment=os.environ if environment is None else environment,
        instance=NodeName("root"),
        host="thishost",
        sink=sink,
        report=reports,
        report_all=reports.together,
        clock=SystemClock(),
    )
    local = Local(runner, reports, sink, data_dir, config_dir)
    try:
        yield local
    finally:
        await runner.close()
        local.settle()
        left = [path.name for path in data_dir.run.glob("warden.*")]
        data_dir.close()
    # A status file that is left would have kept it.
    assert not data_dir.status_files.exists()
    assert left == []


def dry_runner(reports: Reports) -> TaskRunner:
    return DryRunRunner(report=reports, clock=SystemClock())


def benchmark_runner(
    reports: Reports, *, duration_ms: int = 20, failure_rate: float = 0.0
) -> BenchmarkRunner:
    return BenchmarkRunner(
        report=reports,
        clock=SystemClock(),
        rng=random.Random(7),
        duration_ms=duration_ms,
        failure_rate=failure_rate,
    )
