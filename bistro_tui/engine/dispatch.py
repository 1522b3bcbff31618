"""Events into the core, its actions out: many at a time, a few milliseconds a turn."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

from bistro_tui.engine.clock import Clock
from bistro_tui.engine.config.model import KillSettings
from bistro_tui.engine.ended import Ended, EndedAttempts
from bistro_tui.engine.ids import InvocationId
from bistro_tui.engine.installed import described
from bistro_tui.engine.moment import Now
from bistro_tui.engine.persist import Persister
from bistro_tui.engine.runners.protocol import (
    AttemptEnded,
    AttemptNotStarted,
    AttemptStarted,
    AttemptUsage,
    RunnerCapacity,
    RunnerContainment,
    RunnerReport,
    RunnerTrouble,
    TaskRunner,
)
from bistro_tui.engine.scheduling.actions import (
    Action,
    KillTask,
    StartTask,
    StoreStatus,
)
from bistro_tui.engine.scheduling.events import (
    Event,
    StartsLimited,
    StartsPaused,
    StartsResumed,
    StatusStored,
    TaskEnded,
    TaskNotStarted,
    TimePassed,
)
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


class Decider(Protocol):
    """What is asked of the core."""

    def handle(self, events: Sequence[Event], now: Now, steps: int) -> list[Action]:
        """Take in what happened; return what is to be done, in order.

        After about so many ``steps`` the rest is left for the next call.
        """
        ...

    def next_due(self) -> float | None:
        """Return the monotonic second at which time alone changes something.

        It is in the past while a call has left a rest.
        """
        ...


class Audience(Protocol):
    """Who is told what became of the attempts, to show it."""

    def process_started(self, report: AttemptStarted) -> None:
        """The attempt has a process."""
        ...

    def kill_begun(
        self, invocation: InvocationId, kill: KillSettings, now: float
    ) -> None:
        """A running attempt is being ended by these settings; ``now`` is wall time."""
        ...

    def usage(self, report: AttemptUsage) -> None:
        """Running attempts use so much of the host."""
        ...

    def containment(self, report: RunnerContainment) -> None:
        """This is how the runner keeps hold of processes."""
        ...

    def processes_ended(self, ended: Sequence[TaskEnded | TaskNotStarted]) -> None:
        """These attempts have no process any more."""
        ...

    def attempts_stored(self, ended: Sequence[Ended]) -> None:
        """These attempts are over and their statuses on disk."""
        ...


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
        self._settled: Callable[[Sequence[InvocationId]], None] | None = None
        self._persister: Persister
        self.unfinished = 0
        """Attempts that run, or whose status is not on disk yet."""
        self._reports: deque[RunnerReport] = deque()
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
        self._settled = getattr(runner, "settled", None)
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
        if self._acting is None:
            self._acting = asyncio.get_running_loop().call_soon(self._act)

    def report_all(self, reports: Sequence[RunnerReport]) -> None:
        """Act on these at once, after what was reported before them.

        Not to be called from inside ``start`` or ``kill`` of the runner.
        """
        self._reports.extend(reports)
        if self._acting is None:
            self._act()

    def stored(self, batch: Sequence[StoreStatus]) -> None:
        """Show statuses that are on disk, and let the core go on with them."""
        ended = self._ended.stored(batch, self._clock.now().mono)
        self.unfinished -= len(ended)
        self._audience.attempts_stored(ended)
        self._on_ended(ended)
        self._settle(batch)
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
            self._slice = min(MOST, 2 * number)

    def _act_on(self, number: int) -> None:
        reports, has_ended = self._reports, self._ended.ended
        starts_fail = self._start_failures.are_going_on
        now = self._clock.now().mono
        ended: list[TaskEnded] = []
        for _ in range(number):
            report = reports.popleft()
            if isinstance(report, AttemptEnded):
                if has_ended(report, now):
                    task, invocation, reported, exit_text, _, _ = report
                    ended.append(TaskEnded(task, invocation, reported))
                    if starts_fail and not exit_text.startswith("failed to start"):
                        self._start_failures.succeeded(invocation)
            else:
                self._act_on_other(report)
        if ended:
            self._audience.processes_ended(ended)
            self.feed(ended)
        else:
            self._on_change()

    def _act_on_other(
        self,
        report: AttemptStarted
        | AttemptNotStarted
        | AttemptUsage
        | RunnerCapacity
        | RunnerContainment
        | RunnerTrouble,
    ) -> None:
        match report:
            case AttemptStarted(pid=None):
                pass
            case AttemptStarted(_, invocation):
                self._audience.process_started(report)
                self._start_failures.succeeded(invocation)
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

    def _not_started(self, report: AttemptNotStarted) -> None:
        """Let the task wait, and all others with it: they would lack the same."""
        task, invocation, text = report
        attempt = self._ended.find(task, invocation)
        if attempt is None:
            return
        if attempt.stopping:
            # The kill came too late for the runner; the task is not to start again.
            status = killed(now_wall=self._clock.now().wall)
            exit_text = "killed before it started"
            self.report(AttemptEnded(task, invocation, status, exit_text))
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

    def _resume(self) -> None:
        self._resuming = None
        self._start_failures.resumed()
        self.feed([StartsResumed(START_FAILURES)])

    def _settle(self, batch: Sequence[StoreStatus]) -> None:
        """Tell the runner which attempts it need not remember any more."""
        if self._settled is None:
            return
        invocations = [attempt for _, _, _, attempt in batch if attempt is not None]
        try:
            if invocations:
                self._settled(invocations)
        except Exception:
            # What is stored has to be shown all the same.
            log.exception("the runner could not forget attempts that are stored")

    def _carry_out(self, actions: Sequence[Action]) -> None:
        stores = [one for one in actions if isinstance(one, StoreStatus)]
        if stores:
            # Whatever goes wrong with the others, these are not lost.
            self._persister.store(stores)
            # Nothing is written in this turn of the loop: this comes first.
            self._ended.settled(stores)
            if len(stores) == len(actions):
                return
        start = self._runner.start
        for action in actions:
            try:
                if isinstance(action, StartTask):
                    self.unfinished += 1
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
