"""Letting failed and backing-off tasks run again at once, because a person says so.

A task of which the run before may have left an attempt keeps its wait until that is
settled: the store takes what was stored since for the status of a later attempt, and
how that one ended would be lost. Of a failed task nothing is left that counts, for such
a one is not started.
"""

from collections.abc import Iterable, Iterator
from itertools import chain

from bistro_tui.engine.ids import JobName, TaskId
from bistro_tui.engine.moment import Now
from bistro_tui.engine.scheduling.actions import StoreStatus
from bistro_tui.engine.scheduling.events import RECOVERY
from bistro_tui.engine.scheduling.state import State
from bistro_tui.engine.statuses.status import TaskStatus, forgive


def forgive_jobs(
    state: State, jobs: Iterable[JobName], now: Now
) -> Iterator[StoreStatus]:
    """Forgive all tasks of these jobs; yield what is to be stored."""
    for job in jobs:
        for node, status in tuple(state.book.of_job(job).items()):
            yield from _forgive(state, TaskId(job, node), status, now)


def forgive_tasks(
    state: State, tasks: Iterable[TaskId], now: Now
) -> Iterator[StoreStatus]:
    """Forgive these tasks, as far as they have failures; yield what is to be stored."""
    for task in tasks:
        status = state.book.get(task)
        if status is not None:
            yield from _forgive(state, task, status, now)


def unsettled(
    state: State, jobs: Iterable[JobName] = (), tasks: Iterable[TaskId] = ()
) -> TaskId | None:
    """Return the first task whose wait is not forgiven for what may be left of it."""
    if not state.leftovers and RECOVERY not in state.gate.pauses:
        return None
    of_jobs = (TaskId(job, node) for job in jobs for node in state.book.of_job(job))
    for task in chain(of_jobs, tasks):
        status = state.book.get(task)
        if status is None or forgive(status) is status:
            continue
        if _is_unsettled(state, task, status):
            return task
    return None


def _is_unsettled(state: State, task: TaskId, status: TaskStatus) -> bool:
    if status.is_failed:
        return False
    return task in state.leftovers or RECOVERY in state.gate.pauses


def _forgive(
    state: State, task: TaskId, status: TaskStatus, now: Now
) -> Iterator[StoreStatus]:
    book = state.book
    forgiven = forgive(status)
    if forgiven is status or task in state.attempts or book.is_pending(task):
        return
    if _is_unsettled(state, task, status):
        return
    # A lost task keeps its delay, and that goes on as it was.
    due = book.backoffs.key(task) if forgiven.backoff_sec else None
    yield book.store(task, forgiven, now, due=now.mono if due is None else due)
    # What starts meanwhile would start with the status of before.
    state.rejudge(task)
