"""Events into the core, its actions out: many at a time, a few milliseconds a turn."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol, TypeGuard

from bistro_tui.engine.audience import Audience
from bistro_tui.engine.clock import Clock
from bistro_tui.engine.ended import Attempt, Ended, EndedAttempts
from bistro_tui.engine.finds import Finds
from bistro_tui.engine.ids import InvocationId, TaskId
from bistro_tui.engine.installed import described
from bistro_tui.engine.moment import Now
from bistro_tui.engine.persist import Persister
from bistro_tui.engine.runners.protocol import (
    AttemptAdopted,
    AttemptEnded,
    AttemptLost,
    AttemptNotStarted,
    AttemptStarted,
    AttemptUsage,
    LateStatus,
    RunnerCapacity,
    RunnerContainment,
    RunnerReport,
    RunnerTrouble,
    TaskRunner,
    WorkersAwaited,
    WorkersChanged,
)
from bistro_tui.engine.scheduling import events
from bistro_tui.engine.scheduling.actions import (
    Action,
    KillTask,
    StartTask,
    StoreStatus,
)
from bistro_tui.engine.scheduling.events import (
    AdoptedAttempt,
    AttemptsAdopted,
    Event,
    Oddity,
    StartsLimited,
    StartsPaused,
    StartsResumed,
    StatusStored,
    TaskEnded,
    TaskLost,
    TaskNotStarted,
    TimePassed,
    WorkersReported,
)
from bistro_tui.engine.settling import Settling
from bistro_tui.engine.start_failures import (
    LONGEST_FOR_SPACE_SEC,
    LONGEST_SEC,
    StartFailures,
)
from bistro_tui.engine.statuses.report import error_backoff, killed

log = logging.getLogger("bistro_tui")

TURN_SEC = 0.0025
"""How long reports are acted on in one turn of the loop; others want it too."""

FEWEST, MOST = 50, 1_000
"""Reports that are acted on together, whatever time that takes."""

STEPS = 250
"""Starts, and looks at full nodes, before others on the loop have their turn."""

START_FAILURES = "start failures"
"""The cause of the pauses after starts that failed."""

INITIAL_WAIT = "initial wait"
"""The cause of the pause until all remote workers of before are back, or gone."""


class Decider(Protocol):
    """What is asked of the core."""

    def handle(self, events: Sequence[Event], now: Now, steps: int) -> list[Action]:
        """Take in what happened; return what is to be done, in order.

        After about so many ``steps`` the rest is left for the next call.
        """
        ...

    def take_oddities(self) -> Sequence[Oddity]:
        """Return what was heard of attempts and ignored since this was asked."""
        ...

    def next_due(self) -> float | None:
        """Return the monotonic second at which time alone changes something.

        It is in the past while a call has left a rest.
        """
        ...


_OF_WORKERS = (AttemptNotStarted, AttemptLost, AttemptAdopted, LateStatus)
"""Reports of attempts at tasks of which something else may just have been told."""


def _concerns_a_worker(report: RunnerReport) -> TypeGuard[AttemptNotStarted]:
    return isinstance(report, AttemptNotStarted) and report.concerns_worker_only


def _ignore(ended: Sequence[Ended]) -> None:
    """Do nothing: nobody counts them."""


class Dispatcher:
    """The only one who feeds the core. Everything happens on the engine's loop."""

    def __init__(
        self,
        *,
        core: Decider,
        clock: Clock,
        ended: EndedAttempts,
        audience: Audience,
        on_change: Callable[[], None],
        on_trouble: Callable[[str], None],
        on_ended: Callable[[Sequence[Ended]], None] = _ignore,
    ) -> None:
        """``on_change`` hears that there may be something new to show.

        ``on_trouble`` hears what the runner has to tell people, ``on_ended`` of the
        attempts that are over and their statuses on disk.
        """
        self._core = core
        self._clock = clock
        self._ended = ended
        self._audience = audience
        self._on_change = on_change
        self._on_trouble = on_trouble
        self._on_ended = on_ended
        self._runner: TaskRunner
        self._settling: Settling | None = None
        self._persister: Persister
        self.unfinished = 0
        """Attempts that run, or whose status is not on disk yet."""
        self._reports: deque[RunnerReport] = deque()
        self._finds = Finds()
        self._slice = FEWEST
        self._acting: asyncio.Handle | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_due: float | None = None
        self._start_failures = StartFailures()
        self._resuming: asyncio.TimerHandle | None = None

    def connect(self, runner: TaskRunner, persister: Persister) -> None:
        """Say who carries out the actions; to be called before the first event."""
        self._runner = runner
        # A runner need not have it: it may leave nothing behind for a later process.
        settled = getattr(runner, "settled", None)
        self._settling = Settling(settled) if settled is not None else None
        self._persister = persister

    def feed(self, events: Sequence[Event]) -> None:
        """Let the core take in these events, and carry out what it decides.

        If that is much, the rest is decided in the next turns of the loop.
        """
        now = self._clock.now()
        self._carry_out(self._core.handle(events, now, STEPS))
        self._arm_timer()
        self._on_change()

    def report(self, report: RunnerReport) -> None:
        """Take note of a report; all of one turn of the loop are acted on together."""
        self._reports.append(report)
        if isinstance(report, AttemptAdopted):
            self._finds.expect((report,))
        if self._acting is None:
            self._acting = asyncio.get_running_loop().call_soon(self._act)

    def report_all(self, reports: Sequence[RunnerReport]) -> None:
        """Act on these at once, after what was reported before them.

        Not to be called from inside ``start`` or ``kill`` of the runner.
        """
        self._reports.extend(reports)
        self._finds.expect(reports)
        if self._acting is None:
            self._act()

    def stored(self, batch: Sequence[StoreStatus]) -> None:
        """Show statuses that are on disk, and let the core go on with them."""
        ended = self._ended.stored(batch, self._clock.now().mono)
        self.unfinished -= len(ended)
        self._audience.attempts_stored(ended)
        self._on_ended(ended)
        if self._settling is not None:
            self._settling.stored(batch)
        self.feed([StatusStored(task, serial) for task, serial, _, _ in batch])

    def flush(self) -> None:
        """Act on everything that was reported, now."""
        while self._reports:
            self._act_on_some()

    def close(self) -> None:
        """Act on everything that was reported and feed no time any more."""
        self.flush()
        for handle in (self._acting, self._timer, self._resuming):
            if handle is not None:
                handle.cancel()

    def _act(self) -> None:
        self._acting = None
        try:
            self._act_on_some()
        finally:
            if self._reports and self._acting is None:
                self._acting = asyncio.get_running_loop().call_soon(self._act)

    def _act_on_some(self) -> None:
        number = min(self._slice, len(self._reports))
        if number < FEWEST:
            self._act_on(number)
            return
        began = self._clock.now().mono
        self._act_on(number)
        took = self._clock.now().mono - began
        if took > TURN_SEC:
            self._slice = max(FEWEST, int(number * TURN_SEC / took))
        elif number == self._slice:
            fitting = int(number * TURN_SEC / took) if took > 0 else MOST
            self._slice = min(MOST, 2 * number, fitting)

    def _act_on(self, number: int) -> None:
        reports, has_ended = self._reports, self._ended.ended
        starts_fail = self._start_failures.are_going_on
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
                        self._start_failures.succeeded(invocation)
                else:
                    self._settle_unless_pending(report.task, report.invocation)
            elif isinstance(report, AttemptAdopted):
                self._adopt(report, ())
            else:
                self._act_on_other(report)
        if ended:
            self._feed_ended(ended)
        else:
            self._on_change()

    def _feed_ended(self, ended: Sequence[TaskEnded]) -> None:
        self._audience.processes_ended(ended)
        self.feed(ended)

    def _act_on_other(
        self,
        report: AttemptStarted
        | AttemptNotStarted
        | AttemptUsage
        | RunnerCapacity
        | RunnerContainment
        | RunnerTrouble
        | WorkersChanged
        | WorkersAwaited
        | AttemptLost
        | LateStatus,
    ) -> None:
        match report:
            case AttemptStarted(pid=None):
                pass
            case AttemptStarted(_, invocation):
                self._audience.process_started(report)
                self._start_failures.succeeded(invocation)
            case AttemptNotStarted(concerns_worker_only=True):
                self._undo(report)
            case AttemptNotStarted():
                self._not_started(report)
            case AttemptUsage():
                self._audience.usage(report)
            case RunnerCapacity(limit, text):
                self.feed([StartsLimited(limit, text)])
            case RunnerContainment():
                self._audience.containment(report)
            case RunnerTrouble(text):
                self._on_trouble(text)
            case _:
                self._act_on_workers(report)

    def _act_on_workers(
        self, report: WorkersChanged | WorkersAwaited | AttemptLost | LateStatus
    ) -> None:
        match report:
            case WorkersChanged(workers):
                self.feed([WorkersReported(workers, may_grow=True)])
            case WorkersAwaited(""):
                self.feed([StartsResumed(INITIAL_WAIT)])
            case WorkersAwaited(text):
                self.feed([StartsPaused(INITIAL_WAIT, text)])
            case AttemptLost():
                self._lost(report)
            case LateStatus():
                self._late(report)

    def _undo(self, first: AttemptNotStarted) -> None:
        """Let tasks wait that no worker took, this one and all told of next.

        Where one gave way to another attempt that is told of after it, the core hears
        of both at once: in between it would start a third.
        """
        following, reports = first, self._reports
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
        events = tuple(over.values())
        self._audience.processes_ended(events)
        if reports and isinstance(after := reports[0], AttemptAdopted):
            reports.popleft()
            self._adopt(after, events)
        elif events:
            self.feed(events)

    def _undone(
        self, report: AttemptNotStarted, attempt: Attempt
    ) -> TaskEnded | TaskNotStarted:
        task, invocation, text, _ = report
        if attempt.stopping:
            # It is not to start again.
            end = self._killed(task, invocation)
            self._ended.ended(end, self._clock.now().mono)
            return TaskEnded(task, invocation, end.reported)
        self.unfinished -= 1
        log.warning("task %s was not started: %s", task, text)
        return TaskNotStarted(task, invocation, text)

    def _adopt(self, first: AttemptAdopted, before: Sequence[Event]) -> None:
        """Let the core know of attempts that run: this one, and all told of next.

        It hears of ``before`` at the same time, and that nothing was started beside
        them.
        """
        found, reports = [first.attempt], self._reports
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
        self.feed([*before, *undone, AttemptsAdopted(tuple(found))])
        self._log_oddities()
        for (task, invocation), old in known.items():
            # It passes over those that run, or whose tasks run under another name.
            new = running(task)
            if new is not None and new is not old and new.invocation == invocation:
                self.unfinished += 1
        self._on_change()

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
            self.feed([lost])
        self._settle_unless_pending(task, invocation)

    def _late(self, report: LateStatus) -> None:
        task, invocation, reported, next_backoff, _, worker = report
        late = events.LateStatus(task, invocation, reported, next_backoff, worker)
        self.feed([late])
        self._settle_unless_pending(task, invocation)
        self._log_oddities()

    def _log_oddities(self) -> None:
        for text, is_grave in self._core.take_oddities():
            log.log(logging.ERROR if is_grave else logging.WARNING, "%s", text)

    def _not_started(self, report: AttemptNotStarted) -> None:
        """Let the task wait, and all others with it if they would lack the same."""
        task, invocation, text, _ = report
        attempt = self._ended.find(task, invocation)
        if attempt is None:
            return
        if attempt.stopping:
            # The kill came too late for the runner; the task is not to start again.
            self.report(self._killed(task, invocation))
            return
        self.unfinished -= 1
        undone = TaskNotStarted(task, invocation, text)
        self._audience.processes_ended([undone])
        lacks_space = text.startswith(("ENOSPC", "EDQUOT"))
        longest = LONGEST_FOR_SPACE_SEC if lacks_space else LONGEST_SEC
        delay = self._start_failures.failed(longest)
        if delay is None:
            self.feed([undone])
            return
        wait = f"next try in {delay} s"
        log.warning("task %s could not be started: %s; %s", task, text, wait)
        paused = StartsPaused(START_FAILURES, f"could not start: {text}; {wait}")
        self._resuming = asyncio.get_running_loop().call_later(delay, self._resume)
        self.feed([undone, paused])

    def _killed(self, task: TaskId, invocation: InvocationId) -> AttemptEnded:
        status = killed(now_wall=self._clock.now().wall)
        return AttemptEnded(task, invocation, status, "killed before it started")

    def _resume(self) -> None:
        self._resuming = None
        self._start_failures.resumed()
        self.feed([StartsResumed(START_FAILURES)])

    def _settle_unless_pending(self, task: TaskId, invocation: InvocationId) -> None:
        """Have the runner forget an attempt of which nothing will be stored."""
        # A worker may say of any task that its attempt was this one.
        if self._settling is not None and not self._ended.is_reported(task, invocation):
            self._settling.unless_storing(invocation)

    def _carry_out(self, actions: Sequence[Action]) -> None:
        stores = [one for one in actions if isinstance(one, StoreStatus)]
        if stores:
            # Whatever goes wrong with the others, these are not lost.
            self._persister.store(stores)
            # Nothing is written in this turn of the loop: this comes first.
            self._ended.settled(stores)
            if self._settling is not None:
                self._settling.storing(stores)
            if len(stores) == len(actions):
                return
        start, holds_up = self._runner.start, self._finds.holds_up
        for action in actions:
            try:
                if isinstance(action, StartTask):
                    self.unfinished += 1
                    if holds_up(action):
                        continue
                    self._start_failures.tried(action.invocation)
                    start(action)
                elif isinstance(action, KillTask):
                    now = self._clock.now().wall
                    self._audience.kill_begun(action.invocation, action.kill, now)
                    self._runner.kill(action.invocation, action.kill)
            except Exception as error:  # noqa: BLE001 - one task must not harm others
                self._failed(action, error)

    def _failed(self, action: Action, error: Exception) -> None:
        """Say what went wrong; an attempt that could not be started has ended."""
        task = action.task
        if not isinstance(action, StartTask):
            log.error("task %s could not be killed", task, exc_info=error)
            return
        log.error("task %s could not be started", task, exc_info=error)
        text, now = described(error), self._clock.now().wall
        status = error_backoff(f"Failed to start task {task}: {text}", now_wall=now)
        exit_text = f"failed to start: {text}"
        self.report(AttemptEnded(task, action.invocation, status, exit_text))

    def _arm_timer(self) -> None:
        due = self._core.next_due()
        if due == self._timer_due:
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._timer_due = due
        if due is not None:
            delay = max(0.0, due - self._clock.now().mono)
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(delay, self._time_passed)

    def _time_passed(self) -> None:
        self._timer = self._timer_due = None
        self.feed([TimePassed()])
