"""What an edit of the config means for jobs."""

from bistro_tui.engine.config.model import Config
from bistro_tui.engine.ids import JobName


def is_same_job(name: JobName, known: Config | None, config: Config) -> bool:
    """Return whether nothing that the tasks of that job depend on was edited."""
    job = config.jobs[name]
    return (
        known is not None
        and known.jobs[name] == job
        and known.settings.node_order is config.settings.node_order
        and all((on in known.jobs) == (on in config.jobs) for on in job.depends_on)
    )


def dependents(config: Config) -> dict[JobName, list[JobName]]:
    """Return by job the jobs that depend on it."""
    found: dict[JobName, list[JobName]] = {}
    for name, job in config.jobs.items():
        for dependency in dict.fromkeys(job.depends_on):
            found.setdefault(dependency, []).append(name)
    return found
