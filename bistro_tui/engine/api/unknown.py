"""What is said of a job or a task that there is not."""

import asyncio
from collections.abc import Collection

from bistro_tui.engine.api.handler import HandlerError
from bistro_tui.engine.desk import Desk
from bistro_tui.engine.ids import JobName, NodeName, TaskId
from bistro_tui.engine.near import nearest


async def check_job(desk: Desk, job: JobName) -> None:
    """Raise HandlerError, naming the nearest, unless the config has that job."""
    config = desk.config
    jobs = config.jobs if config is not None else {}
    if job not in jobs:
        raise HandlerError(f"there is no job {job}{await _meant(job, jobs)}")


async def check_task(desk: Desk, task: TaskId) -> None:
    """Raise HandlerError, naming the nearest job or node, unless there is that task."""
    if desk.core.knows(task):
        return
    try:
        await check_job(desk, task.job)
    except HandlerError as error:
        raise HandlerError(f"there is no task {task}: {error}") from None
    tasks = desk.core.state.jobs.get(task.job)
    if tasks is None:
        # An earlier subquery of the same request has deleted the job.
        raise HandlerError(f"there is no task {task}")
    level = tasks.job.level_for_tasks
    near = await _meant(task.node, tasks.slots.names)
    raise HandlerError(
        f"there is no task {task}: level {level} has no node {task.node}{near}"
    )


async def check_node(desk: Desk, node: NodeName) -> None:
    """Raise HandlerError, naming the nearest, unless there is a node of that name."""
    names = desk.core.tree.names
    if node not in names:
        raise HandlerError(f"there is no node {node}{await _meant(node, names)}")


async def _meant(word: str, known: Collection[str]) -> str:
    # Among a thousand names it takes a twentieth of a second.
    near = await asyncio.to_thread(nearest, word, known)
    return f"; did you mean {near}?" if near is not None else ""
