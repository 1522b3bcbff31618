"""The scheduling core: events in, actions out.

Source: Bistro, Bistro.cpp and scheduler/Scheduler, driven by events instead of passes.
"""

import math
import random
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import assert_never

from bistro_tui.engine.config.model import Config
from bistro_tui.engine.ids import InvocationId, JobName, ResourceName, TaskId
from bistro_tui.engine.moment import Now
from bistro_tui.engine.nodes.tree import NodeTree
from bistro_tui.engine.physical.host import HostResources
from bistro_tui.engine.scheduling import events as ev
from bistro_tui.engine.scheduling.actions import Action, KillTask
from bistro_tui.engine.scheduling.attempts import Attempt
from bistro_tui.engine.scheduling.bit_counts import BitCounts
from bistro_tui.engine.scheduling.contention import Holdings
from bistro_tui.engine.scheduling.explain import explain
from bistro_tui.engine.scheduling.forgiving import forgive_jobs, forgive_tasks
from bistro_tui.engine.scheduling.gate import Closed
from bistro_tui.engine.scheduling.job_summary import JobSummary, summarize
from bistro_tui.engine.scheduling.killing import kill_settings
from bistro_tui.engine.scheduling.leftovers import Leftover
from bistro_tui.engine.scheduling.orphans import OrphanTimers
from bistro_tui.engine.scheduling.placement import Placement
from bistro_tui.engine.scheduling.places import TOP
from bistro_tui.engine.scheduling.policies.policy import Policy
from bistro_tui.engine.scheduling.policies.registry import PolicyFactory, built_in
from bistro_tui.engine.scheduling.progress import Progress, progress
from bistro_tui.engine.scheduling.reasons import Explanation, Reason
from bistro_tui.engine.scheduling.recovering import take_in
from bistro_tui.engine.scheduling.standings import (
    counts_of,
    open_tasks,
    outlook_of,
    reason_of,
    tasks_of,
)
from bistro_tui.engine.scheduling.state import State
from bistro_tui.engine.scheduling.task_pages import TaskPages
from bistro_tui.engine.statuses.status import TaskStatus, settle


class Core:
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
        if orphan is not None and not self.state.gate.is_frozen:
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
            case ev.TaskNotStarted(task, invocation, _):
                self._not_started(task, invocation)
            case ev.AttemptsRecovering() | ev.AttemptGone() | ev.AttemptLeft():
                self._actions += take_in(self.state, event, now)
            case _:
                self._obey(event, now)

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
        if status.uses_backoff or status.backoff_sec:
            previous, delay = state.book.get(task), attempt.next_backoff
            status = settle(status, previous=previous, next_backoff=delay)
        state.attempts.end(attempt, is_last=status.is_done)
        if self._orphans:
            self._orphans.forget(task)
        store = state.book.store(task, status, now, attempt.invocation)
        self._actions.append(store)
        state.give_back(attempt)

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
            attempt = state.attempts.remove(task)
            if attempt is not None:
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

    def _look_for_orphans(self, now: Now) -> None:
        state = self.state
        if state.gate.is_frozen or state.config is None:
            return
        running = [attempt.task for attempt in state.attempts if not attempt.ended]
        self._orphans.look(running, state.config, state.places, now)

    def _kill_due_orphans(self, now: Now) -> None:
        state = self.state
        if state.gate.is_frozen or state.config is None:
            return
        for task in self._orphans.pop_due(state.config, now):
            self._kill(task)

    # Looking; none of these changes anything.

    @property
    def config(self) -> Config | None:
        """The last good config, None before the first."""
        return self.state.config

    @property
    def host(self) -> HostResources:
        """What this host has, as far as that was measured."""
        return self.state.host

    @property
    def tree(self) -> NodeTree:
        """The present nodes; without any before the first."""
        return self.state.places.tree

    @property
    def starts(self) -> int:
        """Attempts started so far."""
        return self.state.attempts.starts

    @property
    def unstored(self) -> int:
        """How many statuses are on their way to the store."""
        return self.state.book.pending

    @property
    def closed(self) -> Closed | None:
        """Why nothing at all may start, None if tasks may.

        That as many run as may at once is no such reason.
        """
        return self.state.gate.closed()

    @property
    def is_stopping(self) -> bool:
        """Whether the scheduler was asked to end."""
        return self.state.gate.stop_requests > 0

    def attempt(self, task: TaskId) -> Attempt | None:
        """Return the attempt at ``task`` that runs, None if none does."""
        return self.state.attempts.get(task)

    def running(self) -> tuple[Attempt, ...]:
        """Return the running attempts, oldest first.

        An attempt counts until the status that it ended with is on disk.
        """
        return tuple(self.state.attempts)

    def recovering(self) -> tuple[Leftover, ...]:
        """Return the tasks with a copy of before that is not yet proven dead."""
        return tuple(self.state.leftovers)

    def is_recovering(self, task: TaskId) -> bool:
        """Return whether a copy of ``task`` from before is not yet proven dead."""
        return task in self.state.leftovers

    def can_keep_room(self, task: TaskId) -> bool:
        """Return whether it is known what a copy of ``task`` from before takes."""
        found = self.state.find(task)
        return found is not None and found[0].job.is_valid

    def nodes_of(self, attempt: Attempt | Leftover) -> tuple[int, ...]:
        """Return the present nodes that ``attempt`` takes room on, instance first.

        Its own node may be another by now, or gone.
        """
        return self.state.nodes_of(attempt)

    def knows(self, task: TaskId) -> bool:
        """Return whether ``task`` is one of the config's, runs, or is recovering."""
        state = self.state
        is_old = task in state.attempts or task in state.leftovers
        return is_old or state.find(task) is not None

    def status(self, task: TaskId) -> TaskStatus | None:
        """Return the status that is on disk, None if the task never ran."""
        return self.state.book.get(task)

    def reason(self, task: TaskId) -> Reason:
        """Return the first reason that applies; KeyError for an unknown task."""
        return reason_of(self.state, task)

    def counts(self, job: JobName) -> dict[Reason, int]:
        """Return the tasks of ``job`` by reason, zeros left out; {} if unknown."""
        return counts_of(self.state, job)

    def outlook(self, job: JobName) -> dict[Reason, int]:
        """Return the counts as if nothing ran and nothing were paused; {} if unknown.

        A bad config and a disabled scheduler still count.
        """
        return outlook_of(self.state, job)

    def tasks_of(self, job: JobName) -> list[tuple[TaskId, Reason]]:
        """Return every task of ``job``, in fetch order of the nodes; [] if unknown."""
        return tasks_of(self.state, job)

    def open_tasks(self, job: JobName, limit: int) -> list[TaskId]:
        """Return up to ``limit`` tasks of ``job`` not done, blocked ones first."""
        return open_tasks(self.state, job, limit)

    def explain(self, task: TaskId, now: Now) -> Explanation:
        """Return all about why ``task`` is where it is; KeyError for an unknown one."""
        return explain(self.state, task, now)

    def explain_open(
        self, job: JobName, limit: int, now: Now
    ) -> tuple[Explanation, ...]:
        """Return all about up to ``limit`` tasks not done, blocked ones first."""
        holdings = Holdings(self.state)
        return tuple(
            explain(self.state, task, now, holdings)
            for task in open_tasks(self.state, job, limit)
        )

    def why_job(self, job: JobName) -> JobSummary:
        """Return the reasons of a job's tasks with what blocks them by name."""
        return summarize(self.state, job)

    def usage(self, index: int) -> tuple[tuple[ResourceName, int, int], ...]:
        """Return (resource, used, limit) of a node of the tree; replicas share it."""
        return self.state.usage(index)

    def worker_usage(self) -> tuple[tuple[ResourceName, int, int], ...]:
        """Return (resource, used, limit) of the local worker."""
        return self.state.usage(TOP)

    def progress(self) -> Progress:
        """Return how far the owed tasks are, and whether any can get further."""
        return progress(self.state)
