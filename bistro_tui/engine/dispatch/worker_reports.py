"""What reports about tasks on workers mean to the core."""

import logging
from collections import deque
from collections.abc import Callable, Sequence
from typing import TypeAlias, TypeGuard

from bistro_tui.engine.clock import Clock
from bistro_tui.engine.dispatch.audience import Audience
from bistro_tui.engine.dispatch.decider import Decider, Feed
from bistro_tui.engine.dispatch.finds import Finds
from bistro_tui.engine.dispatch.turns import MOST
from bistro_tui.engine.ended import Attempt, EndedAttempts
from bistro_tui.engine.ids import InvocationId, TaskId
from bistro_tui.engine.runners.protocol import (
    AttemptAdopted,
    AttemptLost,
    AttemptNotStarted,
    LateStatus,
    RunnerReport,
    WorkersAwaited,
    WorkersChanged,
)
from bistro_tui.engine.runners.unstarted import killed_before_start
from bistro_tui.engine.scheduling import events
from bistro_tui.engine.scheduling.events import (
    AdoptedAttempt,
    AttemptsAdopted,
    Event,
    StartsPaused,
    StartsResumed,
    TaskEnded,
    TaskLost,
    TaskNotStarted,
    WorkersReported,
)

log = logging.getLogger("bistro_tui")

INITIAL_WAIT = "initial wait"
"""The cause of the pause until all remote workers of before are back, or gone."""

WorkerReport: TypeAlias = (
    WorkersChanged
    | WorkersAwaited
    | AttemptNotStarted
    | AttemptAdopted
    | AttemptLost
    | LateStatus
)


def _concerns_a_worker(report: RunnerReport) -> TypeGuard[AttemptNotStarted]:
    return isinstance(report, AttemptNotStarted) and report.concerns_worker_only


class WorkerReports:
    """Has the core hear at once of all that belongs together: nothing runs twice."""

    def __init__(
        self,
        *,
        core: Decider,
        clock: Clock,
        ended: EndedAttempts,
        audience: Audience,
        finds: Finds,
        feed: Feed,
        count: Callable[[int], None],
        settle: Callable[[TaskId, InvocationId], None],
    ) -> None:
        """``count`` hears how many more attempts are unfinished, or fewer.

        ``settle`` hears of attempts of which nothing will be stored because of a
        report.
        """
        self._core = core
        self._clock = clock
        self._ended = ended
        self._audience = audience
        self._finds = finds
        self._feed = feed
        self._count = count
        self._settle = settle

    def act_on(self, report: WorkerReport, following: deque[RunnerReport]) -> None:
        """Act on a report, and on those of the ``following`` that belong with it."""
        match report:
            case WorkersChanged(workers):
                self._feed([WorkersReported(workers, may_grow=True)])
            case WorkersAwaited(""):
                self._feed([StartsResumed(INITIAL_WAIT)])
            case WorkersAwaited(text):
                self._feed([StartsPaused(INITIAL_WAIT, text)])
            case AttemptNotStarted():
                self._undo(report, following)
            case AttemptAdopted():
                self._adopt(report, following, ())
            case AttemptLost():
                self._lost(report)
            case LateStatus():
                self._late(report)

    def _undo(self, first: AttemptNotStarted, reports: deque[RunnerReport]) -> None:
        """Let tasks wait that no worker took, this one and all told of next.

        Where one gave way to another attempt that is told of after it, the core hears
        of both at once: in between it would start a third.
        """
        following = first
        over: dict[InvocationId, TaskEnded | TaskNotStarted] = {}
        while True:
            invocation = following.invocation
            attempt = self._ended.find(following.task, invocation)
            if attempt is not None and invocation not in over:
                over[invocation] = self._undone(following, attempt)
            if not reports or not _concerns_a_worker(after := reports[0]):
                break
            following = after
            reports.popleft()
        undone = tuple(over.values())
        self._audience.processes_ended(undone)
        if reports and isinstance(after := reports[0], AttemptAdopted):
            reports.popleft()
            self._adopt(after, reports, undone)
        elif undone:
            self._feed(undone)

    def _undone(
        self, report: AttemptNotStarted, attempt: Attempt
    ) -> TaskEnded | TaskNotStarted:
        task, invocation, text, _ = report
        if attempt.stopping:
            # It is not to start again.
            now = self._clock.now()
            end = killed_before_start(task, invocation, now_wall=now.wall)
            self._ended.ended(end, now.mono)
            return TaskEnded(task, invocation, end.reported)
        self._count(-1)
        log.warning("task %s was not started: %s", task, text)
        return TaskNotStarted(task, invocation, text)

    def _adopt(
        self,
        first: AttemptAdopted,
        reports: deque[RunnerReport],
        before: Sequence[Event],
    ) -> None:
        """Let the core know of attempts that run: this one, and all told of next.

        It hears of ``before`` at the same time, and that nothing was started beside
        them.
        """
        found = [first.attempt]
        while (
            len(found) < MOST
            and reports
            and isinstance(following := reports[0], AttemptAdopted)
        ):
            found.append(following.attempt)
            reports.popleft()
        running = self._ended.running
        undone = self._undo_held(found)
        known = {(one.task, one.invocation): running(one.task) for one in found}
        self._feed([*before, *undone, AttemptsAdopted(tuple(found))])
        self._log_oddities()
        for (task, invocation), old in known.items():
            # It passes over those that run, or whose tasks run under another name.
            new = running(task)
            if new is not None and new is not old and new.invocation == invocation:
                self._count(1)

    def _undo_held(
        self, found: Sequence[AdoptedAttempt]
    ) -> list[TaskEnded | TaskNotStarted]:
        undone: list[TaskEnded | TaskNotStarted] = []
        for one in found:
            held = self._finds.heard(one.task)
            if held is not None:
                attempt = self._ended.find(one.task, held.invocation)
                if attempt is not None:
                    undone.append(self._undone(held, attempt))
        if undone:
            self._audience.processes_ended(undone)
        return undone

    def _lost(self, report: AttemptLost) -> None:
        task, invocation, worker, safe_sec = report
        if self._ended.lost(report, self._clock.now().mono):
            lost = TaskLost(task, invocation, worker, safe_sec)
            self._audience.processes_ended([lost])
            self._feed([lost])
        self._settle(task, invocation)

    def _late(self, report: LateStatus) -> None:
        task, invocation, reported, next_backoff, _, worker = report
        late = events.LateStatus(task, invocation, reported, next_backoff, worker)
        self._feed([late])
        self._settle(task, invocation)
        self._log_oddities()

    def _log_oddities(self) -> None:
        for text, is_grave in self._core.take_oddities():
            log.log(logging.ERROR if is_grave else logging.WARNING, "%s", text)
