"""One sentence on where a task stands: the first blocker's text, without the rest."""

from bistro_tui.engine.ids import TaskId
from bistro_tui.engine.moment import Now
from bistro_tui.engine.scheduling.contention import place_name
from bistro_tui.engine.scheduling.job_tasks import JobTasks
from bistro_tui.engine.scheduling.places import TOP
from bistro_tui.engine.scheduling.reasons import Reason
from bistro_tui.engine.scheduling.state import State
from bistro_tui.engine.scheduling.steps import (
    SHOWN_TEXT,
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

_JOB = (Reason.JOB_INVALID, Reason.JOB_DISABLED)
_NODE = (Reason.NODE_DISABLED, Reason.AVOIDED)
_ROOM = (Reason.RESOURCE, Reason.WORKER)


def task_line(
    state: State, tasks: JobTasks, slot: int, reason: Reason, now: Now
) -> str:
    """Return why the task of ``slot`` is where it is, given its reason.

    Costs some microseconds, whatever else there is.
    """
    task = TaskId(tasks.name, tasks.slots.names[slot])
    if reason is Reason.RUNNING:
        text = running_step(state, task).check.text
    elif reason in (Reason.DONE, Reason.FAILED):
        is_done, last = finished_steps(state, task)
        text = (is_done if reason is Reason.DONE else last).check.text
    elif reason in _JOB:
        text = _job_text(tasks, reason)
    elif reason in _NODE:
        steps = node_steps(state, tasks, slot)
        text = next(one.check.text for one in steps if one.reason is reason)
    elif reason is Reason.BACKOFF:
        text = backoff_step(state, task, now).check.text
    elif reason is Reason.DEPENDENCY:
        text = dependencies_step(state, tasks, task).check.text
    elif reason is Reason.RECOVERING:
        text = recovering_step(state, task, now).check.text
    elif reason in _ROOM:
        text = _shortage(state, tasks, slot)
    else:
        closed = state.closed()
        text = closed.text if closed is not None else "it may start"
    return text if len(text) <= SHOWN_TEXT else f"{text[:SHOWN_TEXT]}…"


def _job_text(tasks: JobTasks, reason: Reason) -> str:
    steps = job_steps(tasks)
    return next(one.check.text for one in steps if one.reason is reason)


def _shortage(state: State, tasks: JobTasks, slot: int) -> str:
    """Return what is short on the replica that comes furthest."""
    needs = tasks.job.resources
    full = None
    for leaf in leaves_of(state, tasks, slot):
        found = state.full_node(tasks, leaf)
        if found is None:
            return "it may start"
        if full is None or found == TOP:
            full = found
    assert full is not None
    if full == TOP and state.workers.is_reported:
        return _worker_lack(state, tasks, slot)
    short = state.shortage_at(full, needs)
    assert short is not None
    name = place_name(state.places.at(full))
    used, limit = next(
        (used, limit)
        for resource, used, limit in state.usage(full)
        if resource == short
    )
    return f"needs {needs.get(short, 0)} {short}, {used}/{limit} used on {name}"


def _worker_lack(state: State, tasks: JobTasks, slot: int) -> str:
    """Return why no worker takes the task, on the first replica that only lacks it."""
    leaves = leaves_of(state, tasks, slot)
    leaf = next(one for one in leaves if state.full_node(tasks, one) == TOP)
    lack = find_lack(state, tasks, state.host_node(tasks, leaf))
    return lack.text if lack is not None else "it may start"
