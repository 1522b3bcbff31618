"""The scheduling core: events in, actions out.

Source: Bistro, Bistro.cpp and scheduler/Scheduler, driven by events instead of passes.
"""

import math
import random
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import TypeGuard, assert_never

from bistro_tui.engine.config.model import Config
from bistro_tui.engine.ids import InvocationId, TaskId
from bistro_tui.engine.moment import Now
from bistro_tui.engine.scheduling import events as ev
from bistro_tui.engine.scheduling import recovering, remote_news
from bistro_tui.engine.scheduling.actions import Action, KillTask
from bistro_tui.engine.scheduling.bit_counts import BitCounts
from bistro_tui.engine.scheduling.forgiving import forgive_jobs, forgive_tasks
from bistro_tui.engine.scheduling.killing import kill_settings
from bistro_tui.engine.scheduling.looking import Looking
from bistro_tui.engine.scheduling.orphans import OrphanTimers
from bistro_tui.engine.scheduling.placement import Placement
from bistro_tui.engine.scheduling.policies.policy import Policy
from bistro_tui.engine.scheduling.policies.registry import PolicyFactory, built_in
from bistro_tui.engine.scheduling.state import State
from bistro_tui.engine.scheduling.task_pages import TaskPages
from bistro_tui.engine.statuses.status import Complaint, TaskStatus, settle


class Core(Looking):
    """Decides what starts and what is killed. Only ``handle`` changes it.

    The queries are cheap and answer for the moment of the last ``handle``. Nothing
    starts before config, nodes and statuses were all loaded once.
    """

    def __init__(
        self,
        rng: random.Random,
        policies: Callable[[str], PolicyFactory] = built_in,
    ) -> None:
        """Begin with nothing; ``policies`` finds what a config names as scheduler."""
        self.state = State(rng)
        self._policies = policies
        self._policy: Policy
        self._placement: Placement
        self._policy_name = ""
        self._orphans = OrphanTimers()
        self._actions: list[Action] = []
        self.bit_counts = BitCounts(self.state)
        """Nodes by status bits, of the jobs that somebody asks for."""
        self.task_pages = TaskPages(self.state)
        """All tasks, a few at a time."""

    def handle(
        self, events: Iterable[ev.Event], now: Now, steps: int = sys.maxsize
    ) -> list[Action]:
        """Take in what happened until ``now``; return what is to be done, in order.

        Whatever may start has a ``StartTask`` in the answer of this very call, but for
        what would take more than about so many ``steps``, each a start or a look at a
        full node. Then ``next_due`` is in the past, until calls have done the rest.
        """
        for event in events:
            # The two that come with every task, first.
            if isinstance(event, ev.TaskEnded):
                self._task_ended(event, now)
            elif isinstance(event, ev.StatusStored):
                self._status_stored(event, now)
            else:
                self._apply(event, now)
        state = self.state
        if state.book.backoffs:
            for task in state.book.pop_due(now):
                state.rejudge(task)
        if self._orphans:
            self._kill_due_orphans(now)
        if state.gained and state.closed() is None:
            self._placement.run(now, self._actions, steps)
        self.bit_counts.forget_unasked(now.mono)
        actions, self._actions = self._actions, []
        return actions

    def next_due(self) -> float | None:
        """Return the monotonic second at which time alone changes something."""
        if self.state.gained and self.state.closed() is None:
            return -math.inf
        backoff = self.state.book.backoffs.top()
        due = [backoff[0]] if backoff is not None else []
        orphan = self._orphans.next_due()
        if orphan is not None and self._heeds_orphans(self.state.config):
            due.append(orphan)
        return min(due, default=None)

    # What happened.

    def _apply(self, event: ev.Rare, now: Now) -> None:
        match event:
            case ev.ConfigLoaded(config):
                self._config_loaded(config, now)
            case ev.NodesLoaded(tree):
                if self.state.set_tree(tree):
                    self._tell_policy()
                self._look_for_orphans(now)
            case ev.HostReported(host):
                self.state.set_host(host)
            case ev.StatusesLoaded(statuses):
                self._load_statuses(statuses, now)
            case (
                ev.ConfigBroken()
                | ev.StartsPaused()
                | ev.StartsResumed()
                | ev.StartsLimited()
            ):
                self.state.gate.take_in(event)
                self.state.workers.limit_local(self.state.gate.limit)
            case ev.TaskNotStarted(task, invocation, _):
                self._not_started(task, invocation)
            case ev.AttemptsRecovering() | ev.AttemptGone() | ev.AttemptLeft():
                self._actions += recovering.take_in(self.state, event, now)
            case (
                ev.WorkersReported()
                | ev.AttemptsAdopted()
                | ev.TaskLost()
                | ev.LateStatus()
            ):
                self._hear_of_workers(event, now)
            case _:
                self._obey(event, now)

    def _hear_of_workers(
        self, event: ev.WorkersReported | remote_news.RemoteNews, now: Now
    ) -> None:
        if isinstance(event, ev.WorkersReported):
            if self.state.set_workers(event):
                self._tell_policy()
            return
        self._actions += remote_news.take_in(self.state, event, now)
        if isinstance(event, ev.AttemptsAdopted):
            self._look_for_orphans(now)
            if self.state.gate.stop_requests:
                self._kill_adopted(event.found)
            return
        attempt = self.state.attempts.get(event.task)
        if attempt is None or attempt.ended:
            self._orphans.forget(event.task)

    def _config_loaded(self, config: Config, now: Now) -> None:
        self.state.gate.config_broken = False
        is_other = self.state.set_config(config)
        name = config.settings.scheduler
        if name != self._policy_name:
            self._policy = self._policies(name)(self.state.rng)
            self._placement = Placement(self.state, self._policy)
            self.state.on_changed = self._policy.changed
            self._policy_name = name
            is_other = True
        if is_other:
            self._tell_policy()
        self._look_for_orphans(now)

    def _tell_policy(self) -> None:
        if self.state.config is not None:
            self._policy.set_jobs(tuple(self.state.jobs.values()))

    def _obey(
        self,
        event: ev.Forgive
        | ev.ForgiveTasks
        | ev.KillRequested
        | ev.StopRequested
        | ev.TimePassed,
        now: Now,
    ) -> None:
        match event:
            case ev.Forgive(jobs):
                self._actions += forgive_jobs(self.state, jobs, now)
            case ev.ForgiveTasks(tasks):
                self._actions += forgive_tasks(self.state, tasks, now)
            case ev.KillRequested(task, at_once):
                self._kill(task, at_once=at_once)
            case ev.StopRequested():
                self._stop()
            case ev.TimePassed():
                pass
            case _:
                assert_never(event)

    def _load_statuses(self, statuses: Mapping[TaskId, TaskStatus], now: Now) -> None:
        self.state.gate.has_statuses = True
        self.state.book.load(statuses, now, busy=self.state.attempts)
        self.state.rejudge_all()
        self._tell_policy()

    def _task_ended(self, event: ev.TaskEnded, now: Now) -> None:
        state, task = self.state, event.task
        attempt = state.attempts.get(task)
        # A report may come twice, or for an attempt that was given up before.
        if attempt is None or attempt.invocation != event.invocation or attempt.ended:
            return
        status = event.reported
        if status.uses_backoff or status.backoff_sec or type(status.data) is Complaint:
            previous, delay = state.book.get(task), attempt.next_backoff
            status = settle(status, previous=previous, next_backoff=delay)
        if self._orphans:
            self._orphans.forget(task)
        self._actions.append(remote_news.end(state, attempt, status, now))

    def _not_started(self, task: TaskId, invocation: InvocationId) -> None:
        state = self.state
        attempt = state.attempts.get(task)
        if attempt is None or attempt.invocation != invocation or attempt.ended:
            return
        self._orphans.forget(task)
        state.give_back(attempt)
        state.attempts.undo(attempt)
        state.rejudge(task)

    def _status_stored(self, event: ev.StatusStored, now: Now) -> None:
        state, task = self.state, event.task
        status = state.book.stored(task, event.serial, now)
        if status is not None:
            attempt = state.attempts.get(task)
            if attempt is not None and attempt.ended:
                state.attempts.remove(task)
                state.finish(attempt, is_done=status.is_done)
            else:
                state.rejudge(task)
            state.rejudge_dependents(task)

    # Killing.

    def _kill(self, task: TaskId, *, at_once: bool = False) -> None:
        attempt, config = self.state.attempts.get(task), self.state.config
        if attempt is None or attempt.ended or config is None:
            return
        stops = self.state.gate.stop_requests
        kill = kill_settings(task, config, stops=stops, at_once=at_once)
        attempt.stopping = True
        self._actions.append(
            KillTask(task=task, invocation=attempt.invocation, kill=kill)
        )

    def _stop(self) -> None:
        self.state.gate.stop_requests += 1
        for attempt in self.state.attempts:
            self._kill(attempt.task)

    def _kill_adopted(self, found: Iterable[ev.AdoptedAttempt]) -> None:
        for one in found:
            attempt = self.state.attempts.get(one.task)
            if (
                attempt is not None
                and attempt.invocation == one.invocation
                and not attempt.stopping
            ):
                self._kill(one.task)

    def _look_for_orphans(self, now: Now) -> None:
        state = self.state
        if not self._heeds_orphans(state.config):
            return
        running = [attempt.task for attempt in state.attempts if not attempt.ended]
        self._orphans.look(running, state.config, state.places, now)

    def _kill_due_orphans(self, now: Now) -> None:
        config = self.state.config
        if not self._heeds_orphans(config):
            return
        for task in self._orphans.pop_due(config, now):
            self._kill(task)

    def _heeds_orphans(self, config: Config | None) -> TypeGuard[Config]:
        """Return whether orphans are looked for: a stop has killed them already."""
        gate = self.state.gate
        return config is not None and not gate.is_frozen and not gate.stop_requests

    # What is left to tell.

    def take_oddities(self) -> tuple[ev.Oddity, ...]:
        """Return what was heard of attempts and ignored since this was asked.

        Each is a line for the log: two copies of a task may have run.
        """
        oddities, self.state.oddities = self.state.oddities, []
        return tuple(oddities)
