"""What anyone may ask the core; nothing here changes anything."""

from collections.abc import Iterable

from bistro_tui.engine.config.model import Config
from bistro_tui.engine.ids import JobName, NodeName, ResourceName, TaskId
from bistro_tui.engine.moment import Now
from bistro_tui.engine.nodes.tree import NodeTree
from bistro_tui.engine.physical.host import HostResources
from bistro_tui.engine.scheduling.attempts import Attempt
from bistro_tui.engine.scheduling.contention import Holdings
from bistro_tui.engine.scheduling.explain import explain
from bistro_tui.engine.scheduling.forgiving import unsettled
from bistro_tui.engine.scheduling.gate import Closed
from bistro_tui.engine.scheduling.job_summary import JobSummary, summarize
from bistro_tui.engine.scheduling.leftovers import Leftover
from bistro_tui.engine.scheduling.places import TOP
from bistro_tui.engine.scheduling.progress import Progress, progress
from bistro_tui.engine.scheduling.reasons import Explanation, Reason
from bistro_tui.engine.scheduling.standings import (
    counts_of,
    open_tasks,
    outlook_of,
    reason_of,
    tasks_of,
)
from bistro_tui.engine.scheduling.state import State
from bistro_tui.engine.scheduling.worker_lack import why_no_tasks
from bistro_tui.engine.statuses.status import TaskStatus


class Looking:
    """The questions. They are cheap, and answer for the last thing that happened."""

    state: State

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

    def unsettled(
        self, jobs: Iterable[JobName] = (), tasks: Iterable[TaskId] = ()
    ) -> TaskId | None:
        """Return the first task whose wait cannot be forgiven yet.

        How an attempt of the run before ended is not known.
        """
        return unsettled(self.state, jobs, tasks)

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
        """Return (resource, used, limit) of the workers, all of them together."""
        return self.state.usage(TOP)

    @property
    def has_workers(self) -> bool:
        """Whether tasks are given to workers that were reported, if there are any."""
        return self.state.workers.is_reported

    def workers_usage(
        self,
    ) -> dict[NodeName, tuple[tuple[ResourceName, int, int], ...]]:
        """Return (resource, used, limit) of each worker that was reported."""
        workers = self.state.workers
        return {worker.shard: workers.usage(worker) for worker in workers.all}

    def why_no_tasks(self, shard: NodeName) -> str:
        """Return why that worker is given no task at all; empty if it is given some."""
        return why_no_tasks(self.state, shard)

    def progress(self) -> Progress:
        """Return how far the owed tasks are, and whether any can get further."""
        return progress(self.state)
