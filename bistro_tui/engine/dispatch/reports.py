"""What a runner's reports mean to the core."""

from collections import deque
from collections.abc import Callable, Sequence

from bistro_tui.engine.clock import Clock
from bistro_tui.engine.dispatch.audience import Audience
from bistro_tui.engine.dispatch.decider import Feed
from bistro_tui.engine.dispatch.start_failures import StartFailures
from bistro_tui.engine.dispatch.start_pauses import StartPauses
from bistro_tui.engine.dispatch.worker_reports import WorkerReports
from bistro_tui.engine.ended import EndedAttempts
from bistro_tui.engine.ids import InvocationId, TaskId
from bistro_tui.engine.runners.protocol import (
    AttemptAdopted,
    AttemptEnded,
    AttemptLost,
    AttemptNotStarted,
    AttemptStarted,
    AttemptUsage,
    LateStatus,
    NewsReport,
    RunnerCapacity,
    RunnerContainment,
    RunnerReport,
    RunnerTrouble,
)
from bistro_tui.engine.runners.unstarted import killed_before_start
from bistro_tui.engine.scheduling.events import (
    StartsLimited,
    TaskEnded,
    TaskNotStarted,
)

_OF_WORKERS = (AttemptNotStarted, AttemptLost, AttemptAdopted, LateStatus)
"""Reports of attempts at tasks of which something else may just have been told."""


class Reports:
    """Tells each report to those it concerns, and the core many ends at a time."""

    def __init__(
        self,
        *,
        clock: Clock,
        ended: EndedAttempts,
        audience: Audience,
        failures: StartFailures,
        pauses: StartPauses,
        of_workers: WorkerReports,
        feed: Feed,
        count: Callable[[int], None],
        settle: Callable[[TaskId, InvocationId], None],
        on_change: Callable[[], None],
        on_trouble: Callable[[str], None],
    ) -> None:
        """``count`` hears how many more attempts are unfinished, or fewer.

        ``settle`` hears of attempts of which nothing will be stored because of a
        report.
        """
        self._clock = clock
        self._ended = ended
        self._audience = audience
        self._failures = failures
        self._pauses = pauses
        self._of_workers = of_workers
        self._feed = feed
        self._count = count
        self._settle = settle
        self._on_change = on_change
        self._on_trouble = on_trouble

    def act_on(self, reports: deque[RunnerReport], number: int) -> None:
        """Act on the first ``number`` of the reports, and take them away.

        So are those that belong together with them.
        """
        has_ended, starts_fail = self._ended.ended, self._failures.are_going_on
        now = self._clock.now().mono
        ended: list[TaskEnded] = []
        for _ in range(number):
            if not reports:
                # Some were acted on together with those before them.
                break
            report = reports.popleft()
            if ended and isinstance(report, _OF_WORKERS):
                # What is told next of their tasks came after them.
                self._feed_ended(ended)
                ended = []
            if isinstance(report, AttemptEnded):
                if has_ended(report, now):
                    task, invocation, reported, exit_text, _, _ = report
                    ended.append(TaskEnded(task, invocation, reported))
                    if starts_fail and not exit_text.startswith("failed to start"):
                        self._failures.succeeded(invocation)
                else:
                    self._settle(report.task, report.invocation)
            else:
                self._act_on_other(report, reports)
        if ended:
            self._feed_ended(ended)
        else:
            self._on_change()

    def _feed_ended(self, ended: Sequence[TaskEnded]) -> None:
        self._audience.processes_ended(ended)
        self._feed(ended)

    def _act_on_other(self, report: NewsReport, following: deque[RunnerReport]) -> None:
        match report:
            case AttemptStarted(pid=None):
                pass
            case AttemptStarted(_, invocation):
                self._audience.process_started(report)
                self._failures.succeeded(invocation)
            case AttemptNotStarted(concerns_worker_only=False):
                self._not_started(report, following)
            case AttemptUsage():
                self._audience.usage(report)
            case RunnerCapacity(limit, text):
                self._feed([StartsLimited(limit, text)])
            case RunnerContainment():
                self._audience.containment(report)
            case RunnerTrouble(text):
                self._on_trouble(text)
            case _:
                self._of_workers.act_on(report, following)

    def _not_started(
        self, report: AttemptNotStarted, following: deque[RunnerReport]
    ) -> None:
        """Let the task wait, and all others with it if they would lack the same."""
        task, invocation, text, _ = report
        attempt = self._ended.find(task, invocation)
        if attempt is None:
            return
        if attempt.stopping:
            # The kill came too late for the runner; the task is not to start again.
            wall = self._clock.now().wall
            following.append(killed_before_start(task, invocation, now_wall=wall))
            return
        self._count(-1)
        undone = TaskNotStarted(task, invocation, text)
        self._audience.processes_ended([undone])
        pause = self._pauses.failed(task, text)
        self._feed([undone] if pause is None else [undone, pause])
