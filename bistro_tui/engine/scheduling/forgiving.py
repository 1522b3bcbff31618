"""Letting failed and backing-off tasks run again at once, because a person says so."""

from collections.abc import Iterable, Iterator

from bistro_tui.engine.ids import JobName, TaskId
from bistro_tui.engine.moment import Now
from bistro_tui.engine.scheduling.actions import StoreStatus
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


def _forgive(
    state: State, task: TaskId, status: TaskStatus, now: Now
) -> Iterator[StoreStatus]:
    book = state.book
    forgiven = forgive(status)
    if forgiven is status or task in state.attempts or book.is_pending(task):
        return
    # A lost task keeps its delay, and that goes on as it was.
    due = book.backoffs.key(task) if forgiven.backoff_sec else None
    yield book.store(task, forgiven, now, due=now.mono if due is None else due)
    # What starts meanwhile would start with the status of before.
    state.rejudge(task)
