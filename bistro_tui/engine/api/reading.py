"""Handlers that tell of the scheduler as a whole: what is wrong, and the time."""

from collections.abc import Collection

from bistro_tui.engine.api.handler import Handler, Query
from bistro_tui.engine.config.model import Json
from bistro_tui.engine.desk import Desk
from bistro_tui.engine.ids import JobName
from bistro_tui.engine.worker_rows import errors_of

JOBS_LISTED = 100
"""Jobs with errors that have an entry each; the rest is one."""
_JOBS_TOPIC = "jobs"
_WAIT_TOPIC = "RemoteWorkerRunner initial wait"
"""Source: Bistro, runners/RemoteWorkerRunner."""


async def _errors(desk: Desk, _query: Query) -> Json:
    found: dict[str, str] = {}
    # The banner about jobs is of the config in force, which may be a newer one.
    has_broken_jobs = desk.config is not desk.core.config
    for banner in desk.board.banners():
        if banner.is_error and banner.topic == _JOBS_TOPIC:
            has_broken_jobs = True
        elif banner.is_error:
            found[banner.topic] = banner.text
    workers = desk.workers()
    if workers.initial_wait:
        found[_WAIT_TOPIC] = workers.initial_wait
    found |= errors_of(workers)
    return found | _errors_of_jobs(desk) if has_broken_jobs else found


def _errors_of_jobs(desk: Desk) -> dict[str, str]:
    config, path = desk.config, desk.world.path
    jobs = config.jobs.values() if config is not None else ()
    broken = [job for job in jobs if not job.is_valid]
    named = broken[:JOBS_LISTED]
    places = _places(desk, {job.name for job in named})
    found = {
        f"job {job.name}": "\n".join(
            places.get(job.name) or [f"{path}: {error}" for error in job.errors]
        )
        for job in named
    }
    more = len(broken) - len(named)
    if more:
        others = "1 more job has" if more == 1 else f"{more} more jobs have"
        found[_JOBS_TOPIC] = f"{path}: {others} errors and do not run"
    return found


def _places(desk: Desk, jobs: Collection[JobName]) -> dict[JobName, list[str]]:
    """Return the errors of jobs with their places in the file that was in force.

    None if another has been put in force since the request began.
    """
    found: dict[JobName, list[str]] = {}
    if desk.world.config is desk.config:
        for one in desk.world.in_force.errors:
            if one.job is not None and one.job in jobs:
                found.setdefault(one.job, []).append(one.as_line())
    return found


async def _refresh_time(desk: Desk, _query: Query) -> Json:
    # Counts are kept with each change, and whoever answers is not stuck.
    return int(desk.clock.now().wall)


READING = (
    Handler(
        name="errors",
        answer=_errors,
        about="What is wrong now, by where; what is mended is not in it any more.",
        gives={"type": "object", "additionalProperties": {"type": "string"}},
    ),
    Handler(
        name="refresh_time",
        answer=_refresh_time,
        about="When the counts were last true, in seconds since the epoch: now.",
        gives={"type": "integer"},
    ),
)
