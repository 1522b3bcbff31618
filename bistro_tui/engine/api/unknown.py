"""What is said of a job or a task that there is not."""

from bistro_tui.engine.api.handler import HandlerError
from bistro_tui.engine.desk import Desk
from bistro_tui.engine.ids import JobName, TaskId
from bistro_tui.engine.near import nearest


def check_job(desk: Desk, job: JobName) -> None:
    """Raise HandlerError, naming the nearest, unless the config has that job."""
    config = desk.core.config
    jobs = config.jobs if config is not None else {}
    if job not in jobs:
        raise HandlerError(f"there is no job {job}{_meant(nearest(job, jobs))}")


def check_task(desk: Desk, task: TaskId) -> None:
    """Raise HandlerError, naming the nearest job or node, unless there is that task."""
    if desk.core.knows(task):
        return
    try:
        check_job(desk, task.job)
    except HandlerError as error:
        raise HandlerError(f"there is no task {task}: {error}") from None
    tasks = desk.core.state.jobs[task.job]
    near = _meant(nearest(task.node, tasks.slots.names))
    level = tasks.job.level_for_tasks
    raise HandlerError(
        f"there is no task {task}: level {level} has no node {task.node}{near}"
    )


def _meant(near: str | None) -> str:
    return f"; did you mean {near}?" if near is not None else ""
