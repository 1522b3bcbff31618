"""What an attempt of an earlier scheduler process costs, once its end is known."""

from dataclasses import replace

from bistro_tui.engine.config.model import Config, Settings
from bistro_tui.engine.ids import TaskId
from bistro_tui.engine.statuses.status import TaskStatus, next_backoff, settle


def settle_left(
    task: TaskId,
    reported: TaskStatus,
    *,
    previous: TaskStatus | None,
    config: Config | None,
) -> TaskStatus:
    """Return the status to store when it is found that ``task`` ended so.

    ``previous`` is the status before that attempt. What an error costs was known to
    the process that is gone, and is computed again from the job's list. A job that is
    gone or invalid may come back with another list: until then an error takes the next
    step of the settings' list, or of what the invalid job has, again and again the last
    one where that list has ended. Only a list that is certainly the job's fails a task,
    or one without any step.
    """
    settings = config.settings if config is not None else Settings()
    job = config.jobs.get(task.job) if config is not None else None
    backoff = job.backoff if job is not None else settings.backoff
    if job is None or not job.is_valid:
        backoff = replace(backoff, repeat=True)
    cost = next_backoff(previous, backoff)
    return settle(reported, previous=previous, next_backoff=cost)
