"""What keeps the tasks of a job from running when nothing else runs, in words."""

from collections.abc import Iterator

from bistro_tui.engine.config.amounts import with_article
from bistro_tui.engine.config.model import Config, Job
from bistro_tui.engine.ids import WORKER_LEVEL
from bistro_tui.engine.scheduling.core import Core
from bistro_tui.engine.scheduling.places import LOCAL_WORKER
from bistro_tui.engine.scheduling.reasons import Reason

_OVER = (Reason.DONE, Reason.FAILED, Reason.RUNNABLE)


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
            return ", ".join(
                f"{blocker.name} ({blocker.tasks})"
                for blocker in core.why_job(job.name).blockers
                if blocker.reason is Reason.DEPENDENCY
            )
        case Reason.RESOURCE | Reason.WORKER:
            return ", ".join(_too_much(config, job))
        case Reason.JOB_INVALID:
            return job.errors[0] if job.errors else ""
        case Reason.AVOIDED:
            return ", ".join(f"filter of {level}" for level in job.filters)
        case Reason.SCHEDULER_DISABLED:
            return "bistro_settings.enabled is false"
        case _:
            return ""


def _too_much(config: Config, job: Job) -> Iterator[str]:
    """Return what the job needs more of than a node ever has."""
    settings = config.settings
    above = settings.levels[: settings.levels.index(job.level_for_tasks) + 1]
    own = settings.worker_resources_override.get(LOCAL_WORKER.node, {})
    for level in (*above, WORKER_LEVEL):
        for name, spec in settings.resources.get(level, {}).items():
            limit = own.get(name, spec.limit) if level == WORKER_LEVEL else spec.limit
            need = job.resources.get(name, 0)
            if need > limit:
                yield f"needs {need} {name}, {with_article(level)} has {limit}"
