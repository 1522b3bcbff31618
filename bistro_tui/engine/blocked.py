"""What keeps the tasks of a job from running when nothing else runs, in words."""

from collections.abc import Iterator, Mapping

from bistro_tui.engine.config.amounts import with_article
from bistro_tui.engine.config.model import Config, Job
from bistro_tui.engine.ids import WORKER_LEVEL, JobName
from bistro_tui.engine.physical.limits import worker_limits
from bistro_tui.engine.scheduling.core import Core
from bistro_tui.engine.scheduling.places import LOCAL_WORKER
from bistro_tui.engine.scheduling.reasons import Reason

_OVER = (Reason.DONE, Reason.FAILED, Reason.RUNNABLE)


def all_blockers(core: Core) -> Mapping[JobName, str]:
    """Return ``blockers`` of each job that has blocked tasks."""
    config = core.config
    if config is None:
        return {}
    return {
        name: blockers(core, config, config.jobs[name])
        for name, job in core.progress().jobs.items()
        if job.blocked
    }


def waits_for_workers(core: Core) -> Mapping[JobName, str]:
    """Return for whom tasks wait that no worker takes now, by their jobs.

    Where nothing may start, they wait for that.
    """
    config = core.config
    if config is None or not core.has_workers:
        return {}
    return {
        name: text
        for name, job in core.progress().jobs.items()
        if job.blocked and (text := _awaited(core, name))
    }


def _awaited(core: Core, name: JobName) -> str:
    found = core.why_job(name)
    if found.closed:
        waiting = found.counts.get(Reason.PAUSED, 0)
        return f"{waiting} paused: {found.closed}" if waiting else ""
    return "; ".join(
        f"{one.tasks} wait until {one.would_run_if.removeprefix('one runs when ')}"
        for one in found.blockers
        if one.reason is Reason.WORKER
    )


def blockers(core: Core, config: Config, job: Job) -> str:
    """Return the reasons why tasks of ``job`` are left, with numbers; "" for none."""
    texts = []
    for reason, count in core.outlook(job.name).items():
        if reason not in _OVER:
            why = why_blocked(core, config, job, reason)
            texts.append(
                f"{count} {reason.value}: {why}" if why else f"{count} {reason.value}"
            )
    return "; ".join(texts)


def why_blocked(core: Core, config: Config, job: Job, reason: Reason) -> str:
    """Return what keeps the tasks of ``job`` with that reason; "" if that says it."""
    match reason:
        case Reason.DEPENDENCY:
            return _named(core, job, reason)
        case Reason.WORKER if core.has_workers:
            return _named(core, job, reason)
        case Reason.RESOURCE | Reason.WORKER:
            return ", ".join(_too_much(core, config, job))
        case Reason.JOB_INVALID:
            return job.errors[0] if job.errors else ""
        case Reason.AVOIDED:
            return ", ".join(f"filter of {level}" for level in job.filters)
        case Reason.SCHEDULER_DISABLED:
            return "bistro_settings.enabled is false"
        case _:
            return ""


def _named(core: Core, job: Job, reason: Reason) -> str:
    """Return what tasks of the job wait for, and how many for each."""
    return ", ".join(
        f"{blocker.name} ({blocker.tasks})"
        for blocker in core.why_job(job.name).blockers
        if blocker.reason is reason
    )


def _too_much(core: Core, config: Config, job: Job) -> Iterator[str]:
    """Return what the job needs more of than a node ever has."""
    settings = config.settings
    above = settings.levels[: settings.levels.index(job.level_for_tasks) + 1]
    limits = {
        level: {name: spec.limit for name, spec in settings.resources[level].items()}
        for level in above
        if level in settings.resources
    }
    limits[WORKER_LEVEL] = worker_limits(settings, core.host, LOCAL_WORKER.node)
    for level, resources in limits.items():
        for name, limit in resources.items():
            need = job.resources.get(name, 0)
            if need > limit:
                yield f"needs {need} {name}, {with_article(level)} has {limit}"
