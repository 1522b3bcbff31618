"""The edits that people and programs ask for, ready for a config loader.

Each is a function from the text of a config to its new text; ControlRefused leaves all
as it is.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from bistro_tui.engine.config.edit import (
    delete_job,
    save_job,
    set_enabled,
    set_limit,
    set_priority,
)
from bistro_tui.engine.config.find_plugged import plugged_for
from bistro_tui.engine.config.formats import ConfigFormat, format_of
from bistro_tui.engine.config.load import load_content
from bistro_tui.engine.config.model import Json
from bistro_tui.engine.config.parse import JOB_PREFIX, SETTINGS_KEY, parse_config
from bistro_tui.engine.config.problems import render_problems
from bistro_tui.engine.config.text import parse_json
from bistro_tui.engine.errors import ControlRefused
from bistro_tui.engine.ids import JobName, LevelName, ResourceName

Edit: TypeAlias = Callable[[str], str]


def enabling(
    path: Path, job: JobName, enabled: bool, version: str | None = None
) -> Edit:
    """Return what enables or disables a job; ``version`` is the one that it must be."""
    return lambda text: set_enabled(
        text, job, enabled, format_of(path), version=version
    )


def saving(
    path: Path, job: JobName, value: dict[str, Json], version: str | None = None
) -> Edit:
    """Return what saves a job, unless it has errors, which are told then.

    A config whose settings have errors is no reason to refuse: what of a job can be
    judged without them is.
    """

    def save(text: str) -> str:
        changed = save_job(text, job, value, format_of(path), version=version)
        _check(path, job, changed)
        return changed

    return save


def deleting(path: Path, job: JobName, version: str | None = None) -> Edit:
    """Return what deletes a job; ``version`` is the one that it must be."""
    return lambda text: delete_job(text, job, format_of(path), version=version)


def prioritising(
    path: Path, job: JobName, priority: float, version: str | None = None
) -> Edit:
    """Return what gives a job a priority; ``version`` is the one that it must be.

    A job that has other errors may be edited all the same.
    """
    return lambda text: set_priority(
        text, job, priority, format_of(path), version=version
    )


def limiting(path: Path, level: LevelName, resource: ResourceName, limit: int) -> Edit:
    """Return what limits a resource, unless the settings have errors then."""

    def change(text: str) -> str:
        changed = set_limit(text, level, resource, limit, format_of(path))
        if changed != text:
            loaded = load_content(path, changed.encode())
            if loaded.settings_problems:
                errors = render_problems(loaded.settings_problems, loaded.text)
                raise ControlRefused(f"nothing was saved: {errors}")
        return changed

    return change


def _check(path: Path, job: JobName, text: str) -> None:
    if format_of(path) is ConfigFormat.JSON and _is_good(job, parse_json(text)):
        return
    loaded = load_content(path, text.encode())
    own = [problem for problem in loaded.problems if problem.job == job]
    if own:
        errors = render_problems(own, loaded.text)
        raise ControlRefused(f"nothing was saved: the job would be bad\n{errors}")
    if loaded.trouble:
        raise ControlRefused(f"nothing was saved: {loaded.trouble}")


def _is_good(job: JobName, config: Json) -> bool:
    """Return whether that job has no errors; it takes no time for all the others."""
    keys = (SETTINGS_KEY, JOB_PREFIX + job)
    part = {key: config[key] for key in keys if key in config}
    found = parse_config(part, plugged_for(part))
    return all(problem.job != job for problem in found.problems)
