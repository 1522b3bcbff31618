"""A plug-in's runner, kept from harming the engine."""

import asyncio
import json
import logging
from collections.abc import Sequence

from bistro_tui.engine.clock import Clock
from bistro_tui.engine.config.model import KillSettings
from bistro_tui.engine.foreign import contain_exits, is_failure
from bistro_tui.engine.ids import InvocationId
from bistro_tui.engine.installed import Part, described
from bistro_tui.engine.logs.attempts import as_bytes, as_seconds
from bistro_tui.engine.runners.protocol import (
    AttemptEnded,
    ReportSink,
    RunnerReport,
    TaskRunner,
)
from bistro_tui.engine.scheduling.actions import StartTask
from bistro_tui.engine.statuses.report import error_backoff, parse_report
from bistro_tui.engine.statuses.storable import check_storable

log = logging.getLogger("bistro_tui")

RUNNER_METHODS = ("start", "kill", "close")


class GuardedReports:
    """Takes reports from any thread and at any time; passes on what can be kept.

    Made on the engine's loop. A status that no store could take becomes an error.
    """

    def __init__(self, part: Part, report: ReportSink, clock: Clock) -> None:
        self._loop = asyncio.get_running_loop()
        contain_exits()
        self._part, self._report, self._clock = part, report, clock

    def __call__(self, report: RunnerReport) -> None:
        """Pass a report on in a later turn of the loop."""
        self._loop.call_soon_threadsafe(self._pass_on, report)

    def all(self, reports: Sequence[RunnerReport]) -> None:
        """Pass reports on in a later turn of the loop."""
        for report in reports:
            self(report)

    def _pass_on(self, report: RunnerReport) -> None:
        if isinstance(report, AttemptEnded):
            status, problem = report.reported, _problem(report)
            if problem:
                text = f"the {self._part} reported a status {problem}"
                status = error_backoff(text, now_wall=self._clock.now().wall)
            report = AttemptEnded(
                task=report.task,
                invocation=report.invocation,
                reported=status,
                exit_text=str(report.exit_text),
                peak_memory=as_bytes(report.peak_memory),
                cpu_seconds=as_seconds(report.cpu_seconds),
            )
        self._report(report)


class GuardedRunner:
    """Passes calls on; an attempt whose start raises has ended with that error."""

    def __init__(
        self, part: Part, runner: TaskRunner, report: ReportSink, clock: Clock
    ) -> None:
        self.name = str(getattr(runner, "name", "") or part.name)
        self._part, self._runner = part, runner
        self._report, self._clock = report, clock

    def start(self, start: StartTask) -> None:
        """Begin the attempt, or report why that is impossible."""
        try:
            self._runner.start(start)
        except BaseException as error:
            if not is_failure(error):
                raise
            text = str(self._part.error("cannot start it", error))
            self._report(
                AttemptEnded(
                    task=start.task,
                    invocation=start.invocation,
                    reported=error_backoff(text, now_wall=self._clock.now().wall),
                    exit_text=f"failed to start: {described(error)}",
                )
            )

    def kill(self, invocation: InvocationId, how: KillSettings) -> None:
        """Begin to end that attempt."""
        try:
            self._runner.kill(invocation, how)
        except BaseException as error:
            if not is_failure(error):
                raise
            log.error("%s", self._part.error("cannot kill a task", error))

    async def close(self) -> None:
        """Let the runner end what is left."""
        try:
            await self._runner.close()
            # Its last reports are passed on in the next turn of the loop.
            await asyncio.sleep(0)
        except BaseException as error:
            if not is_failure(error):
                raise
            log.error("%s", self._part.error("cannot be closed", error))


def _problem(report: AttemptEnded) -> str:
    """Return why that status cannot be taken; empty if it can."""
    status = report.reported
    try:
        written = json.dumps({"result_bits": int(status.bits)}).encode()
        read = parse_report(written, now_wall=0.0)
        if read.bits != status.bits:
            return f"that no task can have: {read.data['exception']}"
        check_storable(status)
    except (TypeError, ValueError, AttributeError, RecursionError) as error:
        return f"that cannot be stored: {described(error)}"
    return ""
