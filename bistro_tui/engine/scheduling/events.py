"""Everything that can happen to the core."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from bistro_tui.engine.config.model import Config
from bistro_tui.engine.ids import InvocationId, JobName, TaskId
from bistro_tui.engine.nodes.tree import NodeTree
from bistro_tui.engine.statuses.status import TaskStatus


@dataclass(frozen=True, slots=True)
class ConfigLoaded:
    """A good config is in force from now on."""

    config: Config


@dataclass(frozen=True, slots=True)
class ConfigBroken:
    """The config went bad: the last good one stays for display and running tasks.

    Nothing new starts and no orphan is killed until the next ``ConfigLoaded``, unless
    the last good settings say ``"on_bad_config": "keep"``.
    """


@dataclass(frozen=True, slots=True)
class NodesLoaded:
    """A node tree is in force from now on."""

    tree: NodeTree


@dataclass(frozen=True, slots=True)
class StatusesLoaded:
    """What the store knew at start-up."""

    statuses: Mapping[TaskId, TaskStatus]


class TaskEnded(NamedTuple):
    """An attempt is over and its process tree is gone.

    ``reported`` is what the task said, before the backoff arithmetic: its
    ``backoff_sec`` is 0.
    """

    task: TaskId
    invocation: InvocationId
    reported: TaskStatus


class StatusStored(NamedTuple):
    """The status that an earlier ``StoreStatus`` action carried is on disk."""

    task: TaskId
    serial: int


@dataclass(frozen=True, slots=True)
class Forgive:
    """A person wants the failures of these jobs tried again."""

    jobs: tuple[JobName, ...]


@dataclass(frozen=True, slots=True)
class KillRequested:
    """A person wants this running task ended."""

    task: TaskId


@dataclass(frozen=True, slots=True)
class StartsPaused:
    """Nothing may start while any pause is in force; ``cause`` names this one."""

    cause: str
    text: str


@dataclass(frozen=True, slots=True)
class StartsResumed:
    """The pause of that cause is over."""

    cause: str


@dataclass(frozen=True, slots=True)
class StopRequested:
    """The scheduler is to end: no new starts, every running task is killed."""


@dataclass(frozen=True, slots=True)
class TimePassed:
    """Nothing happened but time: due backoffs and orphan timers are looked at."""


Rare: TypeAlias = (
    ConfigLoaded
    | ConfigBroken
    | NodesLoaded
    | StatusesLoaded
    | Forgive
    | KillRequested
    | StartsPaused
    | StartsResumed
    | StopRequested
    | TimePassed
)

Event: TypeAlias = TaskEnded | StatusStored | Rare
