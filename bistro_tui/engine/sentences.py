"""What is told of a change that was asked for: the same wherever it was asked."""

from collections.abc import Iterable, Sequence
from pathlib import PurePath

from bistro_tui.engine.ids import JobName, LevelName, ResourceName, TaskId

_NAMED = 3
"""Tasks that are named in one sentence."""


def job_switched(job: JobName, enabled: bool, config: PurePath) -> str:
    """Tell of a job that was enabled or disabled in that file."""
    return f"{job} {_word(enabled)} in {config.name}"


def job_is_already(job: JobName, enabled: bool) -> str:
    """Tell of a job that was so before."""
    return f"{job} is {_word(enabled)} already"


def task_is_stopping(task: TaskId) -> str:
    """Tell of a task that is being ended."""
    return f"stopping {task}; it will be tried again unless its job is disabled"


def task_is_killed(task: TaskId) -> str:
    """Tell of a task that is being killed without waiting."""
    return f"killing {task} at once; it will be tried again unless its job is disabled"


def other_attempt_runs(task: TaskId, number: int) -> str:
    """Tell of an attempt that was to be ended and is over, while a later one runs."""
    return f"{task} is at attempt {number} by now: that one goes on"


def task_does_not_run(task: TaskId) -> str:
    """Tell of a task that was to be ended and does not run."""
    return f"{task} is not running"


def jobs_forgiven(jobs: Iterable[JobName]) -> str:
    """Tell of jobs whose failures were forgiven, those that had none among them."""
    return f"failures of {', '.join(jobs)} are forgiven"


def tasks_forgiven(number: int) -> str:
    """Tell of so many tasks whose failures were forgiven."""
    return "1 task may run again" if number == 1 else f"{number} tasks may run again"


def some_tasks(tasks: Sequence[TaskId]) -> str:
    """Return the first of some tasks, and how many more there are."""
    more = len(tasks) - _NAMED
    shown = ", ".join(map(str, tasks[:_NAMED]))
    return f"{shown} and {more} more" if more > 0 else shown


def no_priority() -> str:
    """Tell of a priority that no job can have."""
    return "priority must be a number"


def no_failures() -> str:
    """Tell of tasks that were to be forgiven and have nothing to forgive."""
    return "none of these tasks failed or waits for its backoff"


def not_settled(task: TaskId) -> str:
    """Tell of a task that was to be forgiven before it was known how it ended."""
    return f"how {task} ended in the run before is not known yet"


def nothing_to_forgive(jobs: Iterable[JobName]) -> str:
    """Tell of jobs without failures."""
    return f"{', '.join(jobs)}: no failures to forgive"


def job_has_priority(
    job: JobName, priority: float, config: PurePath, *, is_new: bool
) -> str:
    """Tell of a job that was given that priority in that file, or had it."""
    where = f"in {config.name}" if is_new else "already"
    return f"{job} has priority {priority:.15g} {where}"


def resource_is_limited(
    level: LevelName,
    resource: ResourceName,
    limit: int,
    config: PurePath,
    *,
    is_new: bool,
) -> str:
    """Tell of a resource that was given that limit in that file, or had it."""
    where = f"in {config.name}" if is_new else "already"
    return f"{resource} of {level} is limited to {limit} {where}"


def no_job(job: JobName) -> str:
    """Tell of a job that is not in the config."""
    return f"there is no job {job}"


def no_place() -> str:
    """Tell of a text that does not say where to go on among attempts."""
    return "before must be the next of an earlier answer"


def no_invocation(text: str) -> str:
    """Tell of a text that names no attempt."""
    return f"{text!r} is no invocation"


def text_or_regex() -> str:
    """Tell who asks for lines with a text and a match as well."""
    return "give text or regex, not both"


def pattern_too_long(what: str, most: int) -> str:
    """Tell of a text or a regex that would take too long to look for."""
    return f"{what} is too long: at most {most} characters"


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
