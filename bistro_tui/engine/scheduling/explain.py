"""Why a task is where it is: every check from "exists" to "runs", in order."""

from collections.abc import Iterator

from bistro_tui.engine.ids import TaskId
from bistro_tui.engine.moment import Now
from bistro_tui.engine.scheduling.contention import Holdings, find_shortage, place_name
from bistro_tui.engine.scheduling.gate import Closed
from bistro_tui.engine.scheduling.job_tasks import JobTasks
from bistro_tui.engine.scheduling.places import TOP
from bistro_tui.engine.scheduling.reasons import Explanation, Reason
from bistro_tui.engine.scheduling.state import State
from bistro_tui.engine.scheduling.steps import (
    Step,
    backoff_step,
    dependencies_step,
    finished_steps,
    job_steps,
    leaves_of,
    node_steps,
    recovering_step,
    running_step,
)
from bistro_tui.engine.scheduling.worker_lack import find_lack


def explain(
    state: State, task: TaskId, now: Now, holdings: Holdings | None = None
) -> Explanation:
    """Return all checks of ``task`` and its first blocker; KeyError if unknown.

    For a task that runs or is done, the chain ends with that. Several answers for one
    moment can share ``holdings``.
    """
    holdings = holdings or Holdings(state)
    found = state.find(task)
    if found is not None:
        steps = _chain(state, *found, task, now, holdings)
    elif task in state.attempts:
        steps = [running_step(state, task)]
    elif task in state.leftovers:
        steps = [recovering_step(state, task, now)]
    else:
        raise KeyError(task)
    blocker = next((step for step in steps if not step.check.ok), None)
    return Explanation(
        task=task,
        reason=blocker.reason if blocker else Reason.RUNNABLE,
        checks=tuple(step.check for step in steps),
        holders=blocker.holders if blocker else (),
        would_run_if=_would_run_if(blocker, steps) if blocker else "runs at once",
    )


def _would_run_if(blocker: Step, steps: list[Step]) -> str:
    # Room on a node helps nobody whose worker is not there; one that is merely full
    # has room again by itself.
    if blocker.reason is Reason.RESOURCE:
        for step in steps:
            if step.reason is Reason.WORKER and not step.check.ok and not step.holders:
                too = step.would_run_if.removeprefix("runs when ")
                return f"{blocker.would_run_if}, and {too}"
    return blocker.would_run_if


def _chain(
    state: State,
    tasks: JobTasks,
    slot: int,
    task: TaskId,
    now: Now,
    holdings: Holdings,
) -> list[Step]:
    steps = []
    for step in _steps(state, tasks, slot, task, now, holdings):
        steps.append(step)
        if not step.check.ok and step.reason in (Reason.RUNNING, Reason.DONE):
            break
    return steps


def _steps(
    state: State,
    tasks: JobTasks,
    slot: int,
    task: TaskId,
    now: Now,
    holdings: Holdings,
) -> Iterator[Step]:
    yield running_step(state, task)
    yield from finished_steps(state, task)
    yield from job_steps(tasks)
    yield from node_steps(state, tasks, slot)
    yield backoff_step(state, task, now)
    yield dependencies_step(state, tasks, task)
    yield from _gate(state)
    if task in state.leftovers:
        yield recovering_step(state, task, now)
    yield from _resources(state, tasks, slot, holdings)


_GATES = (
    (Reason.CONFIG_ERROR, "config", "the config file is good", "the config is good"),
    (
        Reason.SCHEDULER_DISABLED,
        "scheduler_enabled",
        "the scheduler is enabled",
        "bistro_settings.enabled is true",
    ),
    (Reason.PAUSED, "starts", "starts are not paused", "the pause is over"),
)


def _gate(state: State) -> Iterator[Step]:
    closed = state.closed() or Closed(Reason.RUNNABLE, "")
    is_full = state.gate.closed() is None
    for reason, check, fine, until in _GATES:
        ok = closed.reason is not reason
        if is_full and reason is Reason.PAUSED:
            until = "a running task ends, or more may run at once"
        yield Step(
            reason,
            check,
            fine if ok else closed.text,
            ok=ok,
            would_run_if=f"runs when {until}: {closed.text}"
            if reason is Reason.PAUSED
            else f"runs when {until}",
        )


def _resources(
    state: State, tasks: JobTasks, slot: int, holdings: Holdings
) -> Iterator[Step]:
    leaf = _roomiest_leaf(state, tasks, slot)
    for node in state.places.tree.path(leaf):
        check = f"resources of {state.places.at(node).node}"
        yield _room(state, tasks, node, Reason.RESOURCE, check, holdings)
    if state.workers.is_reported:
        yield _worker(state, tasks, leaf, holdings)
    else:
        yield _room(state, tasks, TOP, Reason.WORKER, "worker", holdings)


def _worker(state: State, tasks: JobTasks, leaf: int, holdings: Holdings) -> Step:
    node = state.host_node(tasks, leaf)
    lack = find_lack(state, tasks, node, holdings)
    if lack is not None:
        return Step(
            Reason.WORKER,
            "worker",
            lack.text,
            ok=False,
            would_run_if=f"runs when {lack.until}",
            holders=lack.holders,
        )
    room = tasks.demand.pooled
    number = room.mask(node).bit_count() if room is not None else 0
    text = "1 worker has room" if number == 1 else f"{number} workers have room"
    return Step(Reason.WORKER, "worker", text, ok=True)


def _room(
    state: State,
    tasks: JobTasks,
    node: int,
    reason: Reason,
    check: str,
    holdings: Holdings,
) -> Step:
    shortage = find_shortage(state, node, tasks.job.resources, holdings)
    name = place_name(state.places.at(node))
    if shortage is not None:
        return Step(
            reason,
            check,
            f"needs {shortage.need} {shortage.resource},"
            f" {shortage.used}/{shortage.limit} used on {name}",
            ok=False,
            would_run_if=f"runs when {shortage.would_fit_if}",
            holders=shortage.holders,
        )
    fits = [
        f"{resource} {used}/{limit}, needs {tasks.job.resources.get(resource, 0)}"
        for resource, used, limit in state.usage(node)
    ]
    text = "; ".join(fits) or f"{name} has no resources to run out of"
    return Step(reason, check, text, ok=True)


def _roomiest_leaf(state: State, tasks: JobTasks, slot: int) -> int:
    """Return the replica that comes furthest."""
    leaves = leaves_of(state, tasks, slot)
    for leaf in leaves:
        if state.full_node(tasks, leaf) in (None, TOP):
            return leaf
    return leaves[0]
