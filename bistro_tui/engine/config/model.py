"""The config as values: settings and jobs, complete and inherited, ready to use.

Source: Bistro, config/Config.h, config/Job.h; names and units are its config keys.
"""

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from bistro_tui.engine.config.backoff import Backoff
from bistro_tui.engine.config.filters import LevelFilter
from bistro_tui.engine.config.labels import LabelFormat
from bistro_tui.engine.ids import (
    INSTANCE_LEVEL,
    WORKER_LEVEL,
    JobName,
    LevelName,
    NodeName,
    ResourceName,
)

if TYPE_CHECKING:
    from bistro_tui.engine.cron.item import CronItem

Json: TypeAlias = Any
"""A parsed JSON value: None, bool, int, float, str, list or dict of these."""


class NodeOrder(enum.StrEnum):
    """In which order the nodes of a level become candidates."""

    ORIGINAL = "original"
    LEXICOGRAPHIC = "lexicographic"
    RANDOM = "random"


class PolicyName(enum.StrEnum):
    """How the next job is chosen: the built-in ways; plug-ins add theirs."""

    ROUNDROBIN = "roundrobin"
    RANKED_PRIORITY = "ranked_priority"
    RANDOMIZED_PRIORITY = "randomized_priority"
    LONG_TAIL = "long_tail"


class KillMethod(enum.StrEnum):
    """Which signals end a task."""

    TERM = "term"
    KILL = "kill"
    TERM_WAIT_KILL = "term_wait_kill"


class StatusFrom(enum.StrEnum):
    """Where a task's status comes from when its status file is empty."""

    FILE = "file"
    EXIT_CODE = "exit_code"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceSpec:
    """One resource of a level."""

    limit: int
    """What each node of the level has."""
    default: int
    """What a job takes when it says nothing."""
    weight: int = 0
    """0: ignored when choosing the busiest worker."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KillSettings:
    """How a task is ended."""

    method: KillMethod = KillMethod.TERM_WAIT_KILL
    kill_wait_ms: int = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Cgroups:
    """Bistro's cgroup settings; read and shown, without effect here."""

    root: str = ""
    slice: str = ""
    subsystems: tuple[str, ...] = ()
    kill_without_freezer: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSubprocess:
    """Bistro's subprocess settings; only the line quota has an effect here."""

    poll_ms: int = 10
    max_log_lines_per_poll_interval: int = 0
    """0: reading pauses only while the log store is behind."""
    parent_death_signal: int = 9
    process_group_leader: bool = False
    use_canary_pipe: bool = True
    cgroups: Cgroups = field(default_factory=Cgroups)


@dataclass(frozen=True, slots=True, kw_only=True)
class PhysicalResource:
    """How something a worker measures becomes a worker-level resource."""

    logical_resource: ResourceName
    multiply_logical_by: float = 1.0
    enforcement: str = "none"
    physical_reserve_amount: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Enforcement:
    """What the kernel holds each task of a job to, where tasks have cgroups of ours."""

    memory_max: int = 0
    """Bytes; 0: no limit."""
    cpu_weight: int = 0
    """1 to 10000, 100 for each core, as ``cpu.weight`` of cgroup v2; 0: the default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EmptyPrefs:
    """The source ``empty``: no nodes, on purpose."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ManualNode:
    """What one key of the ``manual`` source says."""

    children: tuple[NodeName, ...] = ()
    enabled: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ManualPrefs:
    """The source ``manual``: the tree is written in the config."""

    nodes: Mapping[NodeName, ManualNode]
    """In the order of the file; a child without an entry has no children."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RangeLabelPrefs:
    """The source ``range_label``: numbered children for each parent."""

    parent_level: LevelName
    start: int
    end: int
    """Inclusive; below ``start`` there are no nodes."""
    format: str = "{parent}__{i}"
    """Only ``{parent}``, ``{i}``, ``{start}``, ``{end}`` and doubled braces."""
    enabled: bool = True

    @property
    def count(self) -> int:
        """How many children each parent gets."""
        return max(0, self.end - self.start + 1)

    def labeller(self) -> Callable[[NodeName], list[NodeName]]:
        """Return what gives the names of a parent's children, ascending."""
        fixed = {"start": str(self.start), "end": str(self.end)}
        labels = LabelFormat(self.format, moving="i", fixed=fixed)
        numbers = [str(i) for i in range(self.start, self.end + 1)]
        return lambda parent: labels.of(parent, numbers)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptPrefs:
    """The source ``script``: a program prints the children of each parent."""

    parent_level: LevelName
    script: str
    """With a ``/``: taken from the config file's directory; else from PATH."""
    timeout_sec: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleItem:
    """One entry of ``schedule``: when, and how long its nodes live."""

    cron: "CronItem"
    lifetime: int
    """Whole seconds from the event on; below 0 there are no nodes."""
    enabled_lifetime: int
    """Whole seconds from the event until the node is disabled; 0: from the start."""
    tags: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class AddTimePrefs:
    """The source ``add_time``: a child of each parent for each recent event."""

    parent_level: LevelName
    format: str = "{parent}:{time}"
    """Only ``{parent}``, ``{time}`` (seconds since the epoch) and doubled braces."""
    schedule: tuple[ScheduleItem, ...] = ()

    def labels(self) -> LabelFormat:
        """Return what names a parent's children by the times of their events."""
        return LabelFormat(self.format, moving="time", fixed={})


@dataclass(frozen=True, slots=True, kw_only=True)
class PluggedPrefs:
    """A source that a plug-in has: its prefs as written, and as the plug-in read them.

    They are the same when they are written the same.
    """

    raw: str
    """JSON with sorted keys."""
    value: Any = field(compare=False)


NodeSourcePrefs: TypeAlias = (
    EmptyPrefs
    | ManualPrefs
    | RangeLabelPrefs
    | ScriptPrefs
    | AddTimePrefs
    | PluggedPrefs
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSourceSpec:
    """One entry of ``nodes.node_sources``, its prefs checked."""

    source: str
    prefs: NodeSourcePrefs


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The ``bistro_settings`` object, defaults filled in."""

    enabled: bool = False
    working_wait: float = 0.5
    idle_wait: float = 5.0
    scheduler: str = PolicyName.ROUNDROBIN.value
    """The policy's name: one of PolicyName, or an installed plug-in's."""
    remote_worker_selector: str = "roundrobin"
    backoff: Backoff = field(default_factory=Backoff)
    levels: tuple[LevelName, ...] = (INSTANCE_LEVEL, WORKER_LEVEL)
    """All levels from the top: instance, the configured ones, worker."""
    level_for_tasks: LevelName = INSTANCE_LEVEL
    node_order: NodeOrder = NodeOrder.RANDOM
    node_sources: tuple[NodeSourceSpec, ...] = ()
    resources: Mapping[LevelName, Mapping[ResourceName, ResourceSpec]] = field(
        default_factory=dict
    )
    worker_resources_override: Mapping[str, Mapping[ResourceName, int]] = field(
        default_factory=dict
    )
    physical_resources: Mapping[str, PhysicalResource] = field(default_factory=dict)
    kill_orphan_tasks_after_sec: float | None = None
    """None: never; 0: at once."""
    exit_initial_wait_before_timestamp: int = 0
    task_subprocess: TaskSubprocess = field(default_factory=TaskSubprocess)
    kill_subprocess: KillSettings = field(default_factory=KillSettings)
    on_bad_config: str = "pause"
    """``pause`` or ``keep``: what happens while a later config is bad."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One ``bistro_job->NAME`` object, inherited values made concrete."""

    name: JobName
    enabled: bool = True
    owner: str = ""
    level_for_tasks: LevelName
    priority: float = 1.0
    resources: Mapping[ResourceName, int] = field(default_factory=dict)
    """What one task takes: every known resource, the job's amount or the default."""
    config: Mapping[str, Json] = field(default_factory=dict)
    filters: Mapping[LevelName, LevelFilter] = field(default_factory=dict)
    level_for_host_placement: LevelName | None = None
    host_placement: str = ""
    backoff: Backoff = field(default_factory=Backoff)
    depends_on: tuple[JobName, ...] = ()
    create_time: int = 0
    modify_time: int = 0
    kill_orphan_tasks_after_sec: float | None = None
    """None: never; 0: at once."""
    task_subprocess: TaskSubprocess = field(default_factory=TaskSubprocess)
    kill_subprocess: KillSettings = field(default_factory=KillSettings)
    command: tuple[str, ...] = ()
    version_id: int = -1
    status_from: StatusFrom = StatusFrom.FILE
    timeout_sec: float | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    enforcement: Enforcement = field(default_factory=Enforcement)
    """By ``physical_resources`` and what one task takes."""
    errors: tuple[str, ...] = ()
    """What is wrong with this job, ``path: message`` each; empty means valid."""
    written: str = field(default="", compare=False, repr=False)
    """The job's object in the file as JSON; empty if there is none that is usable."""

    @property
    def is_valid(self) -> bool:
        """Whether the job may run as far as its own config goes."""
        return not self.errors

    @property
    def can_run(self) -> bool:
        """Whether the job is enabled and valid."""
        return self.enabled and self.is_valid


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """A whole usable config file."""

    settings: Settings
    jobs: Mapping[JobName, Job]
    """In the order of the file; jobs with errors included."""
