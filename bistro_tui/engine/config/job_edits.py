"""The edits of one job that people and programs ask for, ready for a config loader.

Each is a function from the text of a config to its new text; ControlRefused leaves all
as it is.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from bistro_tui.engine.config.edit import delete_job, save_job, set_enabled
from bistro_tui.engine.config.formats import format_of
from bistro_tui.engine.config.load import load_content
from bistro_tui.engine.config.model import Json
from bistro_tui.engine.config.problems import render_problems
from bistro_tui.engine.errors import ControlRefused
from bistro_tui.engine.ids import JobName

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
    """Return what saves a job, unless it would have errors, which are told then."""

    def save(text: str) -> str:
        changed = save_job(text, job, value, format_of(path), version=version)
        _check(path, job, changed)
        return changed

    return save


def deleting(path: Path, job: JobName, version: str | None = None) -> Edit:
    """Return what deletes a job; ``version`` is the one that it must be."""
    return lambda text: delete_job(text, job, format_of(path), version=version)


def _check(path: Path, job: JobName, text: str) -> None:
    loaded = load_content(path, text.encode())
    own = [problem for problem in loaded.problems if problem.job == job]
    if own:
        errors = render_problems(own, loaded.text)
        raise ControlRefused(f"nothing was saved: the job would be bad\n{errors}")
    if loaded.config is None:
        errors = loaded.trouble or render_problems(
            loaded.settings_problems, loaded.text
        )
        raise ControlRefused(f"nothing was saved: repair the config first\n{errors}")
