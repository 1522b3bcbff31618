"""Everything that the core can ask its shell to do."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from bistro_tui.engine.config.backoff import BackoffDuration
from bistro_tui.engine.config.model import Job, KillSettings
from bistro_tui.engine.ids import InvocationId, NodeName, ResourceName, TaskId
from bistro_tui.engine.statuses.status import TaskStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class StartTask:
    """Run one attempt. Its resources are taken and it is marked running already."""

    task: TaskId
    invocation: InvocationId
    job: Job
    path_to_node: tuple[NodeName, ...]
    """Instance node first, the task's node last."""
    resources_by_node: Mapping[NodeName, Mapping[ResourceName, int]]
    """For the nodes of the path whose level has resources."""
    prev_status: TaskStatus | None
    next_backoff: BackoffDuration
    """What an error at the end of this attempt will cost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KillTask:
    """End that attempt by these settings; its end comes back as ``TaskEnded``."""

    task: TaskId
    invocation: InvocationId
    kill: KillSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreStatus:
    """Write this status; then feed ``StatusStored(task, serial)`` back.

    Until then nobody is shown it and nothing that depends on it starts.
    """

    task: TaskId
    serial: int
    status: TaskStatus


Action: TypeAlias = StartTask | KillTask | StoreStatus
