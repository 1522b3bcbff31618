"""Jobs that no program is named for, where tasks run on this host. Pure."""

from collections.abc import Iterator
from dataclasses import replace

from bistro_tui.engine.config.model import Config
from bistro_tui.engine.config.problems import Problem

_MISSING = (
    'missing, and no --worker-command was given: add a "command" array to the job, or'
    " start with --worker-command PROGRAM"
)
NO_COMMAND = f"command: {_MISSING}"
"""The error of such a job."""


def with_commands_missing(config: Config) -> Config:
    """Return the config, with NO_COMMAND an error of each job that has no command.

    It is one where only ``command`` can name the program: tasks run on this host, and
    no ``--worker-command`` is given.
    """
    return replace(
        config,
        jobs={
            name: job if job.command else replace(job, errors=(*job.errors, NO_COMMAND))
            for name, job in config.jobs.items()
        },
    )


def missing_commands(config: Config, message: str = _MISSING) -> Iterator[Problem]:
    """Return the same as problems of the file, one a job without command."""
    for job in config.jobs.values():
        if not job.command:
            path = (f"bistro_job->{job.name}", "command")
            yield Problem(path=path, message=message, job=job.name)
