"""The checks that a task passes by itself, from "exists" to "may start"."""

from collections.abc import Iterator, Sequence

from bistro_tui.engine.ids import NodeName, TaskId
from bistro_tui.engine.moment import Now
from bistro_tui.engine.scheduling.eligibility import node_passes
from bistro_tui.engine.scheduling.job_tasks import JobTasks
from bistro_tui.engine.scheduling.reasons import Check, Reason
from bistro_tui.engine.scheduling.state import State
from bistro_tui.engine.statuses.report import describe

SHOWN_NAMES = 3
"""More names than this in one sentence are only counted."""

SHOWN_TEXT = 200
"""A task may have left a long exception; this much of it is shown."""


class Step:
    """One check, the reason that it gives, and what would make it pass."""

    def __init__(
        self,
        reason: Reason,
        check: str,
        text: str,
        *,
        ok: bool,
        would_run_if: str = "",
        holders: tuple[TaskId, ...] = (),
    ) -> None:
        self.reason = reason
        self.check = Check(check=check, ok=ok, text=text)
        self.would_run_if = would_run_if
        self.holders = holders
        """Tasks that hold what is short."""


def running_step(state: State, task: TaskId) -> Step:
    """Return whether ``task`` runs."""
    attempt = state.attempts.get(task)
    if attempt is None:
        text = f"{task} does not run"
    elif attempt.ended:
        text = f"attempt {attempt.number} has ended; its status is being stored"
    else:
        text = f"attempt {attempt.number} runs{_unwell(state, attempt.worker)}"
        if attempt.stopping:
            text += " and is being stopped"
    return Step(Reason.RUNNING, "not_running", text, ok=attempt is None)


def _unwell(state: State, shard: NodeName) -> str:
    worker = state.workers.by_shard.get(shard)
    if worker is None or worker.facts.is_healthy:
        return ""
    return f" on worker {shard} (takes no tasks now)"


def recovering_step(state: State, task: TaskId, now: Now) -> Step:
    """Return that a copy of ``task`` from before may be alive, and which."""
    leftover = state.leftovers.get(task)
    attempts = leftover.attempts.values() if leftover is not None else ()
    found = [
        f"invocation {one.invocation}"
        + (f", pid {one.pid}" if one.pid is not None else "")
        + f", started {max(0.0, now.wall - one.since):.0f} s ago"
        for one in attempts
    ]
    return Step(
        Reason.RECOVERING,
        "recovered",
        f"a copy from before the restart is not yet proven dead: {some(found)}",
        ok=False,
        would_run_if="runs when the copy from before the restart is proven dead and"
        " its status is stored",
    )


def finished_steps(state: State, task: TaskId) -> Iterator[Step]:
    """Return whether ``task`` is done or failed for good."""
    status = state.book.get(task)
    word = describe(status) if status is not None else ""
    is_done = status is not None and status.is_done
    yield Step(
        Reason.DONE,
        "not_done",
        f"{task} is done" if is_done else f"{task} is not done",
        ok=not is_done,
    )
    is_failed = status is not None and status.is_failed
    exception = status.data.get("exception") if status is not None else None
    last = f"its last status is {word}" if word else "it never ended before"
    yield Step(
        Reason.FAILED,
        "not_failed",
        f"{last}: {exception[:SHOWN_TEXT]}" if isinstance(exception, str) else last,
        ok=not is_failed,
        would_run_if=f"runs when the failures of {task.job} are forgiven",
    )


def job_steps(tasks: JobTasks) -> Iterator[Step]:
    """Return whether the job is valid and enabled."""
    job = tasks.job
    yield Step(
        Reason.JOB_INVALID,
        "job_valid",
        "; ".join(job.errors) or f"the config of {job.name} is valid",
        ok=job.is_valid,
        would_run_if=f"runs when the errors of {job.name} in the config are fixed",
    )
    yield Step(
        Reason.JOB_DISABLED,
        "job_enabled",
        f"{job.name} is {'enabled' if job.enabled else 'disabled'}",
        ok=job.enabled,
        would_run_if=f"runs when {job.name} is enabled",
    )


def node_steps(state: State, tasks: JobTasks, slot: int) -> Iterator[Step]:
    """Return whether the node, all above it and the job's filters allow the task."""
    nodes = state.places.tree.nodes
    path = state.places.tree.path(leaves_of(state, tasks, slot)[0])
    barred = tasks.eligible.barred.get(slot)
    name, job = tasks.slots.names[slot], tasks.name
    disabled = [nodes[index].name for index in path if not nodes[index].enabled]
    is_disabled = barred is Reason.NODE_DISABLED
    yield Step(
        Reason.NODE_DISABLED,
        "node_enabled",
        f"disabled: {some(disabled)}"
        if is_disabled
        else f"{name} and all nodes above it are enabled",
        ok=not is_disabled,
        would_run_if=f"runs when {some(disabled)} is enabled",
    )
    refusing = [i for i in path if not node_passes(tasks.job, state.places, i)]
    is_avoided = bool(barred) and bool(refusing)
    levels = some([f"{nodes[i].level} ({nodes[i].name})" for i in refusing])
    yield Step(
        Reason.AVOIDED,
        "filters",
        f"the filters of {job} reject {levels}"
        if is_avoided
        else f"the filters of {job} accept {name}",
        ok=not is_avoided,
        would_run_if=f"runs when the filters of {job} accept {levels}",
    )


def backoff_step(state: State, task: TaskId, now: Now) -> Step:
    """Return whether ``task`` waits after an earlier attempt."""
    due = state.book.backoffs.key(task)
    status = state.book.get(task)
    pending = state.book.pending_for(task)
    if pending is not None:
        is_forgiven = pending.invocation is None
        what = "its forgiveness" if is_forgiven else "how an earlier attempt ended"
        text, wait = f"{what} is being stored", "runs when that is stored"
    elif due is not None and status is not None and not status.is_failed:
        left = max(due - now.mono, 0.0)
        text = (
            f"waits {status.backoff_sec} s after {describe(status)}, {left:.0f} s left"
        )
        wait = f"runs when its backoff ends, in {left:.0f} s"
    else:
        text, wait = "it waits for no backoff", ""
    return Step(Reason.BACKOFF, "backoff", text, ok=not wait, would_run_if=wait)


def dependencies_step(state: State, tasks: JobTasks, task: TaskId) -> Step:
    """Return whether all jobs of depends_on are done on the node."""
    unmet = [
        job
        for job in tasks.job.depends_on
        if not state.is_dependency_met(job, task.node)
    ]
    known = state.config.jobs if state.config is not None else {}
    unknown = [job for job in unmet if job not in known]
    verb = "is" if len(unmet) == 1 else "are"
    if not tasks.job.depends_on:
        text = f"{task.job} depends on no job"
    elif unknown:
        text = f"the config has no job {some(unknown)}"
    elif unmet:
        text = f"not done on {task.node}: {some(unmet)}"
    else:
        text = f"all it depends on is done on {task.node}"
    return Step(
        Reason.DEPENDENCY,
        "dependencies",
        text,
        ok=not unmet,
        would_run_if=f"runs when {some(unmet)} {verb} done on {task.node}",
    )


def leaves_of(state: State, tasks: JobTasks, slot: int) -> tuple[int, ...]:
    """Return the nodes of a task: the usable ones; else those that come furthest."""
    if slot not in tasks.eligible.barred:
        return tasks.usable(slot)
    nodes = tasks.slots.nodes(slot)
    return tuple(node for node in nodes if state.places.enabled[node]) or nodes


def some(names: Sequence[object]) -> str:
    """Return the first names, and how many more there are."""
    shown = ", ".join(str(name) for name in names[:SHOWN_NAMES])
    more = len(names) - SHOWN_NAMES
    return f"{shown} and {more} more" if more > 0 else shown
