"""What is told of a change that was asked for: the same wherever it was asked."""

from collections.abc import Iterable
from pathlib import PurePath

from bistro_tui.engine.ids import JobName, TaskId


def job_switched(job: JobName, enabled: bool, config: PurePath) -> str:
    """Tell of a job that was enabled or disabled in that file."""
    return f"{job} {_word(enabled)} in {config.name}"


def job_is_already(job: JobName, enabled: bool) -> str:
    """Tell of a job that was so before."""
    return f"{job} is {_word(enabled)} already"


def task_is_stopping(task: TaskId) -> str:
    """Tell of a task that is being ended."""
    return f"stopping {task}; it will be tried again unless its job is disabled"


def task_does_not_run(task: TaskId) -> str:
    """Tell of a task that was to be ended and does not run."""
    return f"{task} is not running"


def jobs_forgiven(jobs: Iterable[JobName]) -> str:
    """Tell of jobs whose failures were forgiven, those that had none among them."""
    return f"failures of {', '.join(jobs)} are forgiven"


def nothing_to_forgive(jobs: Iterable[JobName]) -> str:
    """Tell of jobs without failures."""
    return f"{', '.join(jobs)}: no failures to forgive"


def no_job(job: JobName) -> str:
    """Tell of a job that is not in the config."""
    return f"there is no job {job}"


# What the interface of Bistro tells of the same; clients know it by these words.


def unknown_job(job: str) -> str:
    """Tell of a job that is not in the config, asked to end a task of it."""
    return f"Unknown job {job}"


def unknown_running_task(job: str, node: str) -> str:
    """Tell of a task that was to be ended and does not run."""
    return f"Unknown running task {job}, {node}"


def invalid_job_id(job: str) -> str:
    """Tell of a job that is not in the config, asked to forgive its failures."""
    return f"Invalid job id: {job}"


def _word(enabled: bool) -> str:
    return "enabled" if enabled else "disabled"
