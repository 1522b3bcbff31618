"""How far the work is, and whether it can get further by itself."""

from collections.abc import Mapping
from dataclasses import dataclass

from bistro_tui.engine.ids import JobName, TaskId
from bistro_tui.engine.scheduling.job_tasks import RUNNABLE, JobTasks
from bistro_tui.engine.scheduling.reasons import Reason
from bistro_tui.engine.scheduling.state import State


@dataclass(frozen=True, slots=True, kw_only=True)
class JobProgress:
    """The owed tasks of one job by how they ended."""

    done: int
    failed: int
    blocked: int
    """Neither done nor failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """The owed tasks: enabled valid jobs × nodes that are enabled and not avoided."""

    done: int
    failed: int
    blocked: int
    """Neither done nor failed."""
    can_progress: bool
    """An owed task runs, waits for backoff, or can start now or when others end; or
    what a run before left is not settled."""
    jobs: Mapping[JobName, JobProgress]
    """Every job of the config; all zeros for one that owes nothing."""

    @property
    def is_all_done(self) -> bool:
        """Whether every owed task is done."""
        return self.failed == 0 and self.blocked == 0


def progress(state: State) -> Progress:
    """Return how far the owed tasks are."""
    jobs = {name: _job_progress(tasks) for name, tasks in state.jobs.items()}
    return Progress(
        done=sum(job.done for job in jobs.values()),
        failed=sum(job.failed for job in jobs.values()),
        blocked=sum(job.blocked for job in jobs.values()),
        can_progress=_can_progress(state),
        jobs=jobs,
    )


def _job_progress(tasks: JobTasks) -> JobProgress:
    done, failed = tasks.owed(Reason.DONE), tasks.owed(Reason.FAILED)
    return JobProgress(done=done, failed=failed, blocked=tasks.all_owed - done - failed)


def _can_progress(state: State) -> bool:
    owing = state.jobs.values()
    if state.leftovers:
        return True
    if any(tasks.owed(Reason.RUNNING) for tasks in owing):
        return True
    if state.book.pending:
        # A failure that is being forgiven looks failed until that is on disk.
        return True
    if state.gate.stop_requests:
        return False
    closed = state.gate.closed()
    if closed is not None and closed.reason is not Reason.PAUSED:
        return False
    if not state.gate.is_loaded:
        return True
    return any(
        tasks.owed(Reason.BACKOFF)
        or (tasks.owed(Reason.RUNNABLE) and any_ever_fits(state, tasks))
        for tasks in owing
    ) or _waits_for_stray(state)


def any_ever_fits(state: State, tasks: JobTasks) -> bool:
    """Return whether a candidate of that job fits where nothing else runs."""
    room = tasks.demand.pooled
    if not ever_fits(tasks) or room is None or not room.is_by_node:
        return ever_fits(tasks)
    known: dict[int, bool] = {}
    slot = tasks.standing.find(RUNNABLE)
    while slot >= 0:
        for leaf in tasks.usable(slot):
            node = state.host_node(tasks, leaf)
            if node not in known:
                known[node] = room.ever_fits_at(node)
            if known[node]:
                return True
        slot = tasks.standing.find(RUNNABLE, slot + 1)
    return False


def ever_fits(tasks: JobTasks) -> bool:
    """Return whether a task of that job fits where nothing else runs.

    On one of its nodes at least, if these say on which host it runs.
    """
    rooms = (*tasks.demand.rooms, tasks.demand.worker_room)
    return all(room is None or room.ever_fits for room in rooms)


def _waits_for_stray(state: State) -> bool:
    """Return whether an owed task waits for one that runs without being owed."""
    return any(
        tasks.job.can_run
        and tasks.reason(slot) is Reason.DEPENDENCY
        and _only_waits_for(state, tasks, attempt.task)
        and ever_fits(tasks)
        for attempt in state.attempts
        for tasks, slot in state.dependents(attempt.task)
    )


def _only_waits_for(state: State, tasks: JobTasks, task: TaskId) -> bool:
    return all(
        state.is_dependency_met(job, task.node)
        or TaskId(job, task.node) in state.attempts
        for job in tasks.job.depends_on
    )
