"""Where tasks stand, all things considered: one reason each, and counts of them."""

from bistro_tui.engine.ids import JobName, NodeName, TaskId
from bistro_tui.engine.scheduling.candidates import TOP
from bistro_tui.engine.scheduling.job_tasks import JobTasks
from bistro_tui.engine.scheduling.places import LOCAL_WORKER
from bistro_tui.engine.scheduling.reasons import Reason
from bistro_tui.engine.scheduling.state import State


def reason_of(state: State, task: TaskId) -> Reason:
    """Return the first reason that applies to ``task``; KeyError if it is unknown."""
    tasks = state.jobs.get(task.job)
    standing = tasks.standing.get(task.node) if tasks is not None else None
    if tasks is None or standing is None:
        if task in state.attempts:
            return Reason.RUNNING
        raise KeyError(task)
    return _reason(state, tasks, task.node, standing)


def counts_of(state: State, job: JobName) -> dict[Reason, int]:
    """Return how many tasks of ``job`` have each reason, zeros left out.

    After a pass, every candidate that is left lacks a resource, unless all lack the
    worker; only then must the tasks be looked at one by one.
    """
    counts: dict[Reason, int] = {}
    tasks = state.jobs.get(job)
    if tasks is not None:
        counts.update(tasks.counts)
        candidates = counts.pop(Reason.RUNNABLE, 0)
        closed = state.gate.closed()
        if closed is not None:
            _add(counts, closed.reason, candidates)
        elif state.accounts.shortage(LOCAL_WORKER, tasks.job.resources) is None:
            _add(counts, Reason.RESOURCE, candidates)
        elif candidates:
            for node, standing in tasks.standing.items():
                if standing is Reason.RUNNABLE:
                    _add(counts, shared_reason(state, tasks, node), 1)
    _add(counts, Reason.RUNNING, len(_strays(state, job)))
    return {reason: counts[reason] for reason in Reason if counts.get(reason)}


def tasks_of(state: State, job: JobName) -> list[tuple[TaskId, Reason]]:
    """Return every task of ``job`` with its reason, in fetch order of the nodes.

    Running tasks whose node is gone come last.
    """
    tasks = state.jobs.get(job)
    found = []
    if tasks is not None:
        found = [
            (TaskId(job, node), _reason(state, tasks, node, standing))
            for node, standing in tasks.standing.items()
        ]
    found.extend((TaskId(job, node), Reason.RUNNING) for node in _strays(state, job))
    return found


def shared_reason(state: State, tasks: JobTasks, node: NodeName) -> Reason:
    """Return RESOURCE, WORKER or RUNNABLE for a candidate; of its replicas the best."""
    best = Reason.RESOURCE
    for leaf in tasks.eligible.usable[node]:
        full = state.shortage_on_path(tasks, leaf)
        if full is None:
            return Reason.RUNNABLE
        if full == TOP:
            best = Reason.WORKER
    return best


def _reason(state: State, tasks: JobTasks, node: NodeName, standing: Reason) -> Reason:
    if standing is not Reason.RUNNABLE:
        return standing
    closed = state.gate.closed()
    return closed.reason if closed else shared_reason(state, tasks, node)


def _strays(state: State, job: JobName) -> list[NodeName]:
    """Return where ``job`` still runs although config and nodes have no such task."""
    tasks = state.jobs.get(job)
    running = state.attempts.nodes_of(job)
    if tasks is None:
        return list(running)
    return [node for node in running if node not in tasks.standing]


def _add(counts: dict[Reason, int], reason: Reason, number: int) -> None:
    counts[reason] = counts.get(reason, 0) + number
