"""Jobs that can never run because they need more than there ever is. Pure.

They are legal, as in Bistro (config/Config.cpp): a limit may be raised later.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from bistro_tui.engine.config.model import Job, Json, Settings
from bistro_tui.engine.config.reading import Report
from bistro_tui.engine.ids import WORKER_LEVEL, JobName, LevelName, ResourceName


class _TooMuch(NamedTuple):
    level: LevelName
    resource: ResourceName
    need: int
    limit: int

    @property
    def holder(self) -> str:
        """Return ``an instance``, ``a host``."""
        return with_article(self.level)


def with_article(level: LevelName) -> str:
    """Return ``an instance``, ``a host``."""
    return f"{'an' if level[:1].lower() in tuple('aeiou') else 'a'} {level}"


def warn_of_amounts(
    jobs: Mapping[JobName, Job],
    settings: Settings,
    raw: Mapping[str, Json],
    prefix: str,
    report: Report,
) -> None:
    """Warn of every amount that no node of its level and no worker has.

    At the job that asks for it; a default that is too much only once, at the default,
    if any job takes it. ``raw`` is the config; a job's key in it is ``prefix`` and its
    name. ``settings`` have no errors, and of jobs with errors nothing is said.
    """
    limits = _limits(settings)
    of_defaults: dict[tuple[LevelName, ResourceName], _TooMuch] = {}
    with_errors = {problem.job for problem in report.problems}
    for name, job in jobs.items():
        if name in with_errors:
            continue
        key = prefix + name
        own = _own_resources(raw.get(key))
        for found in _too_much(job, settings, limits):
            if found.resource not in own:
                of_defaults[found.level, found.resource] = found
                continue
            shown = f"needs {found.need} {found.resource}, {found.holder} has"
            with report.about(name):
                report.warn(
                    (key, "resources", found.resource),
                    f"{shown} {found.limit}, so it never runs",
                )
    for found in of_defaults.values():
        shown = f"is {found.need}, {found.holder} has {found.limit}"
        report.warn(
            ("bistro_settings", "resources", found.level, found.resource, "default"),
            f"{shown}, so a job that takes it never runs",
        )


def _limits(settings: Settings) -> Mapping[LevelName, Mapping[ResourceName, int]]:
    """Return what each node of a level has, and the best worker that there may be.

    What only a worker's host can tell is left out.
    """
    limits = {
        level: {name: spec.limit for name, spec in specs.items()}
        for level, specs in settings.resources.items()
    }
    if WORKER_LEVEL in limits:
        limits[WORKER_LEVEL] = _of_workers(settings, limits[WORKER_LEVEL])
    return limits


def _of_workers(
    settings: Settings, configured: Mapping[ResourceName, int]
) -> dict[ResourceName, int]:
    override = dict(settings.worker_resources_override)
    # Another key may be this host's name, which nobody knows here, and would count.
    possible = [override.pop("local", {}), *override.values()]
    limits = {}
    for name, limit in configured.items():
        if all(name in own for own in possible) or not _is_measured(name, settings):
            limits[name] = max(own.get(name, limit) for own in possible)
    return limits


def _is_measured(name: ResourceName, settings: Settings) -> bool:
    physical = settings.physical_resources
    if name.startswith("GPU: "):
        return True
    return any(name == one.logical_resource for one in physical.values())


def _too_much(
    job: Job,
    settings: Settings,
    limits: Mapping[LevelName, Mapping[ResourceName, int]],
) -> Iterator[_TooMuch]:
    above = settings.levels[: settings.levels.index(job.level_for_tasks) + 1]
    for level in dict.fromkeys((*above, WORKER_LEVEL)):
        for name, limit in limits.get(level, {}).items():
            need = job.resources.get(name, 0)
            if need > limit:
                yield _TooMuch(level, name, need, limit)


def _own_resources(job: Json) -> Mapping[str, Json]:
    found = job.get("resources") if isinstance(job, dict) else None
    return found if isinstance(found, dict) else {}
