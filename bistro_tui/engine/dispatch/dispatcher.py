"""Events into the core, its actions out."""

import asyncio
import logging
from collections.abc import Callable, Sequence

from bistro_tui.engine.clock import Clock
from bistro_tui.engine.dispatch.audience import Audience
from bistro_tui.engine.dispatch.decider import Decider
from bistro_tui.engine.dispatch.finds import Finds
from bistro_tui.engine.dispatch.reports import Reports
from bistro_tui.engine.dispatch.settling import Settling
from bistro_tui.engine.dispatch.start_failures import StartFailures
from bistro_tui.engine.dispatch.start_pauses import StartPauses
from bistro_tui.engine.dispatch.turns import Turns
from bistro_tui.engine.dispatch.worker_reports import WorkerReports
from bistro_tui.engine.ended import Ended, EndedAttempts
from bistro_tui.engine.ids import InvocationId, TaskId
from bistro_tui.engine.installed import described
from bistro_tui.engine.persist import Persister
from bistro_tui.engine.runners.protocol import TaskRunner
from bistro_tui.engine.runners.unstarted import failed_to_start
from bistro_tui.engine.scheduling.actions import (
    Action,
    KillTask,
    StartTask,
    StoreStatus,
)
from bistro_tui.engine.scheduling.events import Event, StatusStored, TimePassed

log = logging.getLogger("bistro_tui")

STEPS = 250
"""Starts, and looks at full nodes, before others on the loop have their turn."""


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
        self._on_ended = on_ended
        self._runner: TaskRunner
        self._settling: Settling | None = None
        self._persister: Persister
        self.unfinished = 0
        """Attempts that run, or whose status is not on disk yet."""
        self._finds = finds = Finds()
        self._start_failures = failures = StartFailures()
        self._pauses = pauses = StartPauses(failures, self.feed)
        reports = Reports(
            clock=clock,
            ended=ended,
            audience=audience,
            failures=failures,
            pauses=pauses,
            of_workers=WorkerReports(
                core=core,
                clock=clock,
                ended=ended,
                audience=audience,
                finds=finds,
                feed=self.feed,
                count=self._count,
                settle=self._settle_unless_pending,
            ),
            feed=self.feed,
            count=self._count,
            settle=self._settle_unless_pending,
            on_change=on_change,
            on_trouble=on_trouble,
        )
        self._turns = turns = Turns(reports.act_on, finds=finds, clock=clock)
        self.report = turns.add
        """Take note of a report; all of one turn of the loop are acted on together."""
        self.report_all = turns.add_all
        """Act on reports at once, after those before them.

        Not to be called from inside ``start`` or ``kill`` of the runner.
        """
        self._timer: asyncio.TimerHandle | None = None
        self._timer_due: float | None = None

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
        self._turns.flush()

    def close(self) -> None:
        """Act on everything that was reported and feed no time any more."""
        self._turns.close()
        self._pauses.close()
        if self._timer is not None:
            self._timer.cancel()

    def _count(self, more: int) -> None:
        self.unfinished += more

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
        self.report(failed_to_start(task, action.invocation, text, now_wall=now))

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
