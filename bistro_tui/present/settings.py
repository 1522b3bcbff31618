"""What keys change in the config and can change back: which it is, how it stands.

Pure.
"""

from dataclasses import dataclass
from typing import TypeAlias

from bistro_tui.engine.view import JobName, JobRow, LevelName, ResourceName, Snapshot
from bistro_tui.present import words


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSwitch:
    """Whether a job is enabled."""

    job: JobName

    def __str__(self) -> str:
        """Return whose it is, raw."""
        return self.job


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPriority:
    """A job's priority."""

    job: JobName

    def __str__(self) -> str:
        """Return whose it is, raw."""
        return self.job


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelLimit:
    """The limit of a resource for each node of a level."""

    level: LevelName
    resource: ResourceName

    def __str__(self) -> str:
        """Return whose it is, raw."""
        return f"{self.resource} of each {self.level}"


Setting: TypeAlias = JobSwitch | JobPriority | LevelLimit
Value: TypeAlias = bool | float


def value_in(shown: Snapshot, setting: Setting) -> Value | None:
    """Return how it stands; None if what it belongs to is not there."""
    match setting:
        case JobSwitch():
            job = _job(shown, setting.job)
            return None if job is None else job.enabled
        case JobPriority():
            job = _job(shown, setting.job)
            return None if job is None else job.priority
        case LevelLimit():
            return _limit(shown, setting)


def is_mixed(shown: Snapshot, setting: Setting) -> bool:
    """Return whether it is not the same in all schedulers that are shown as one."""
    if isinstance(setting, LevelLimit):
        return False
    job = _job(shown, setting.job)
    field = "enabled" if isinstance(setting, JobSwitch) else "priority"
    return job is not None and field in job.mixed


def _job(shown: Snapshot, name: JobName) -> JobRow | None:
    return next((row for row in shown.jobs if row.name == name), None)


def _limit(shown: Snapshot, setting: LevelLimit) -> int | None:
    for node in shown.nodes:
        if node.level == setting.level:
            for usage in node.usage:
                if usage.resource == setting.resource:
                    return usage.limit
            return None
    return None


def in_words(setting: Setting, value: Value) -> str:
    """Return ``backup is enabled``, ``io of each rack is limited to 4``; raw."""
    match setting:
        case JobSwitch():
            return f"{setting} is {'enabled' if value else 'disabled'}"
        case JobPriority():
            return f"{setting} has priority {words.number(value)}"
        case LevelLimit():
            return f"{setting} is limited to {words.number(value)}"
