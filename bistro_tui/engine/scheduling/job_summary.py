"""Why the tasks of one job are where they are, with what blocks them by name."""

from collections.abc import Mapping
from dataclasses import dataclass

from bistro_tui.engine.ids import WORKER_LEVEL, JobName
from bistro_tui.engine.scheduling.contention import Holdings, Shortage, find_shortage
from bistro_tui.engine.scheduling.job_tasks import RUNNABLE, JobTasks
from bistro_tui.engine.scheduling.places import TOP
from bistro_tui.engine.scheduling.reasons import Reason
from bistro_tui.engine.scheduling.standings import counts_of
from bistro_tui.engine.scheduling.state import State
from bistro_tui.engine.scheduling.worker_lack import find_lack


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocker:
    """One thing that tasks of a job wait for."""

    reason: Reason
    """RESOURCE, WORKER or DEPENDENCY."""
    name: str
    """``concurrency on host1``, or the job that is waited for."""
    tasks: int
    """How many tasks have this as their first blocker."""
    would_run_if: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSummary:
    """The tasks of a job by reason, and what the waiting ones wait for."""

    job: JobName
    counts: Mapping[Reason, int]
    """Zeros left out."""
    errors: tuple[str, ...]
    """What makes the job invalid."""
    closed: str
    """Why nothing at all may start; empty if tasks may."""
    blockers: tuple[Blocker, ...]
    """Those that most tasks wait for first."""


def summarize(state: State, job: JobName) -> JobSummary:
    """Return the summary of ``job``; looks at each of its waiting tasks."""
    tasks = state.jobs.get(job)
    closed = state.closed()
    blockers: list[Blocker] = []
    if tasks is not None:
        blockers = _dependency_blockers(state, tasks)
        if closed is None:
            blockers.extend(_resource_blockers(state, tasks))
    return JobSummary(
        job=job,
        counts=counts_of(state, job),
        errors=tasks.job.errors if tasks is not None else (),
        closed=closed.text if closed is not None else "",
        blockers=tuple(sorted(blockers, key=lambda one: (-one.tasks, one.name))),
    )


def _dependency_blockers(state: State, tasks: JobTasks) -> list[Blocker]:
    counts: dict[JobName, int] = {}
    for node, standing in tasks.standings():
        if standing is Reason.DEPENDENCY:
            unmet = next(
                job
                for job in tasks.job.depends_on
                if not state.is_dependency_met(job, node)
            )
            counts[unmet] = counts.get(unmet, 0) + 1
    return [
        Blocker(
            reason=Reason.DEPENDENCY,
            name=job,
            tasks=count,
            would_run_if=f"each runs when {job} is done on its node",
        )
        for job, count in counts.items()
    ]


def _resource_blockers(state: State, tasks: JobTasks) -> list[Blocker]:
    counts: dict[int, int] = {}
    for_worker: dict[int, int] = {}
    is_pooled = state.workers.is_reported
    for slot, standing in enumerate(tasks.standing):
        if standing == RUNNABLE:
            full = _full_node(state, tasks, slot)
            if full == TOP and is_pooled:
                node = _host_node(state, tasks, slot)
                for_worker[node] = for_worker.get(node, 0) + 1
            elif full is not None:
                counts[full] = counts.get(full, 0) + 1
    holdings = Holdings(state)
    shortages = [
        (find_shortage(state, node, tasks.job.resources, holdings), count)
        for node, count in counts.items()
    ]
    found = [_blocker(shortage, count) for shortage, count in shortages if shortage]
    for node, count in for_worker.items():
        lack = find_lack(state, tasks, node)
        if lack is not None:
            found.append(
                Blocker(
                    reason=Reason.WORKER,
                    name=lack.name,
                    tasks=count,
                    would_run_if=f"one runs when {lack.until}",
                )
            )
    return found


def _host_node(state: State, tasks: JobTasks, slot: int) -> int:
    """Return whose name is the host that a candidate needs which lacks a worker."""
    leaves = tasks.usable(slot)
    leaf = next(one for one in leaves if state.full_node(tasks, one) == TOP)
    return state.host_node(tasks, leaf)


def _blocker(shortage: Shortage, count: int) -> Blocker:
    is_worker = shortage.place.level == WORKER_LEVEL
    return Blocker(
        reason=Reason.WORKER if is_worker else Reason.RESOURCE,
        name=shortage.name,
        tasks=count,
        would_run_if=f"one runs when {shortage.would_fit_if}",
    )


def _full_node(state: State, tasks: JobTasks, slot: int) -> int | None:
    """Return the node that keeps a candidate waiting; of replicas, the worker's.

    Replicas stand for the first of them: they share the account.
    """
    first = None
    for leaf in tasks.usable(slot):
        full = state.full_node(tasks, leaf)
        if full is None or full == TOP:
            return full
        first = state.places.account(full) if first is None else first
    return first
