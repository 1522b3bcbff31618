"""Everything that can happen to the core."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from bistro_tui.engine.config.backoff import BackoffDuration
from bistro_tui.engine.config.model import Config
from bistro_tui.engine.ids import (
    InvocationId,
    JobName,
    LevelName,
    NodeName,
    ResourceName,
    TaskId,
)
from bistro_tui.engine.nodes.tree import NodeTree
from bistro_tui.engine.physical.host import HostResources
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
class HostReported:
    """This is what the host of the local worker has, from now on.

    ``physical_resources`` make limits of it, now and after each change of the config.
    Nothing that runs is ended when there is less.
    """

    host: HostResources


class WorkerFacts(NamedTuple):
    """One worker as it is now."""

    shard: NodeName
    """Its name; the account of its resources is kept under it."""
    is_healthy: bool
    """Only then it is given tasks."""
    host: HostResources
    """Name and measured resources of its machine."""
    port: int = 0
    """Told from others of its host by it, in ``worker_resources_override``."""
    slots: int | None = None
    """It takes so many tasks at once, whatever they need; None: any number."""
    is_leaving: bool = False
    """It ends, and does not become healthy again."""
    held: str = ""
    """Why nothing starts there for now, as it says itself, in a few words."""


@dataclass(frozen=True, slots=True)
class WorkersReported:
    """These are all workers from now on, in an order that stays as it is.

    Before the first of these there is one, ``local``, which every job may use: its
    filters for the level ``worker`` and its host placement count only from then on.
    What runs on a worker that is gone goes on holding what it holds.
    """

    workers: tuple[WorkerFacts, ...]
    may_grow: bool = False
    """Whether others may come by themselves, or become healthy again."""


class AdoptedAttempt(NamedTuple):
    """An attempt that an earlier scheduler started, and that a worker has."""

    task: TaskId
    invocation: InvocationId
    worker: NodeName
    since: float
    """Wall second of its start."""
    needs: Mapping[LevelName, Mapping[ResourceName, int]]
    """What it takes by level."""
    path: tuple[tuple[LevelName, NodeName], ...]
    """The nodes that it takes it from, instance first."""
    next_backoff: BackoffDuration
    """What an error at its end costs."""


@dataclass(frozen=True, slots=True)
class AttemptsAdopted:
    """These run, whatever the config says of their jobs and nodes now.

    They hold what they took, also where that is more than there is. To be fed once
    statuses, config and nodes were loaded.
    """

    found: tuple[AdoptedAttempt, ...]


class Oddity(NamedTuple):
    """Something that was heard of an attempt and ignored."""

    text: str
    is_grave: bool
    """Two copies of one task may run."""


class TaskLost(NamedTuple):
    """The worker of a running attempt is gone.

    It ends as an error with its backoff, but its task waits ``safe_sec`` at least, for
    the attempt may take so long to die; what comes from it after all replaces that.
    Source: Bistro, runners/RemoteWorkerRunner (lost tasks).
    """

    task: TaskId
    invocation: InvocationId
    worker: NodeName
    safe_sec: int


class LateStatus(NamedTuple):
    """What became of an attempt that does not run on ``worker`` as far as is known.

    ``reported`` is as in ``TaskEnded``; it counts where the status that is known may be
    replaced. Source: Bistro, statuses/TaskStatusSnapshot.
    """

    task: TaskId
    invocation: InvocationId
    reported: TaskStatus
    next_backoff: BackoffDuration
    worker: NodeName


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


class TaskNotStarted(NamedTuple):
    """An attempt could not be started for want of something that comes back.

    It is undone: nothing of it is stored, no retry is used, and the task waits as
    before. Only its job's turn is over.
    """

    task: TaskId
    invocation: InvocationId
    text: str
    """What was missing."""


class AttemptLeft(NamedTuple):
    """What became of an attempt of an earlier scheduler process, which is dead.

    To be fed once statuses, config and nodes were loaded, for an attempt that is
    recovering or while a pause is in force: its task must not have started meanwhile.
    ``reported`` is as in ``TaskEnded``.
    """

    task: TaskId
    invocation: InvocationId
    reported: TaskStatus


class RecoveringAttempt(NamedTuple):
    """An attempt of an earlier scheduler process that is not proven dead."""

    task: TaskId
    invocation: InvocationId
    since: float
    """Wall second of its start."""
    pid: int | None = None
    """Its main process, where that is known."""


@dataclass(frozen=True, slots=True)
class AttemptsRecovering:
    """These attempts of an earlier scheduler process may still be alive.

    Their tasks do not start, and what they take is not given away, until an
    ``AttemptLeft`` or ``AttemptGone`` of each. To be fed once statuses, config and
    nodes were loaded, while a pause is in force. Of a task whose job is not in the
    config or not valid, or whose node is not in the tree, nobody knows what it takes:
    then the pause has to last until it is gone.
    """

    found: tuple[RecoveringAttempt, ...]


class AttemptGone(NamedTuple):
    """A recovering attempt is proven dead, and there is no status of it to store."""

    task: TaskId
    invocation: InvocationId


class StatusStored(NamedTuple):
    """The status that an earlier ``StoreStatus`` action carried is on disk."""

    task: TaskId
    serial: int


@dataclass(frozen=True, slots=True)
class Forgive:
    """A person wants the failures of these jobs tried again."""

    jobs: tuple[JobName, ...]


@dataclass(frozen=True, slots=True)
class ForgiveTasks:
    """A person wants the failures of these tasks tried again, if they have some."""

    tasks: tuple[TaskId, ...]


@dataclass(frozen=True, slots=True)
class KillRequested:
    """A person wants this running task ended.

    ``at_once``: with SIGKILL, whatever its job says and whatever was begun before.
    """

    task: TaskId
    at_once: bool = False


RECOVERY = "recovery"
"""The cause of a pause in which it is not known of which tasks the run before left
something."""


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
class StartsLimited:
    """At most ``limit`` tasks run at once from now on, whatever the resources allow.

    None: as many as the resources allow. What runs beyond the limit goes on.
    """

    limit: int | None
    text: str
    """Why, for people who ask what a task waits for."""


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
    | HostReported
    | WorkersReported
    | AttemptsAdopted
    | TaskLost
    | LateStatus
    | StatusesLoaded
    | TaskNotStarted
    | AttemptLeft
    | AttemptsRecovering
    | AttemptGone
    | Forgive
    | ForgiveTasks
    | KillRequested
    | StartsPaused
    | StartsResumed
    | StartsLimited
    | StopRequested
    | TimePassed
)

Event: TypeAlias = TaskEnded | StatusStored | Rare
