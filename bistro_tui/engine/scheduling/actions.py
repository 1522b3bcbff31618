"""Everything that the core can ask its shell to do."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from bistro_tui.engine.config.backoff import BackoffDuration
from bistro_tui.engine.config.model import Job, KillSettings
from bistro_tui.engine.ids import (
    WORKER_LEVEL,
    InvocationId,
    LevelName,
    NodeName,
    ResourceName,
    TaskId,
)
from bistro_tui.engine.nodes.tree import NodeTree
from bistro_tui.engine.scheduling.places import LOCAL_WORKER
from bistro_tui.engine.statuses.status import TaskStatus


class StartTask(NamedTuple):
    """Run one attempt. Its resources are taken and it is marked running already."""

    task: TaskId
    invocation: InvocationId
    job: Job
    prev_status: TaskStatus | None
    next_backoff: BackoffDuration
    """What an error at the end of this attempt will cost."""
    tree: NodeTree
    leaf: int
    """The index of the task's node in ``tree``."""
    needs: Mapping[LevelName, Mapping[ResourceName, int]]
    """What it takes, by the levels that have resources."""
    worker: NodeName = LOCAL_WORKER.node
    """The shard of the worker that is to run it."""

    @property
    def path_to_node(self) -> tuple[NodeName, ...]:
        """The names from the instance node to the task's node."""
        names = self.tree.names
        return tuple(names[index] for index in self.tree.path(self.leaf))

    @property
    def resources_by_node(self) -> dict[NodeName, Mapping[ResourceName, int]]:
        """What it takes, by the nodes of the path whose level has resources."""
        path = [self.tree.node(index) for index in self.tree.path(self.leaf)]
        by_node = {
            node.name: self.needs[node.level]
            for node in path
            if node.level in self.needs
        }
        if WORKER_LEVEL in self.needs:
            # A node may be called like the worker; their resources differ in any case.
            worker = self.worker
            by_node[worker] = {**by_node.get(worker, {}), **self.needs[WORKER_LEVEL]}
        return by_node


@dataclass(frozen=True, slots=True, kw_only=True)
class KillTask:
    """End that attempt by these settings; its end comes back as ``TaskEnded``."""

    task: TaskId
    invocation: InvocationId
    kill: KillSettings


class StoreStatus(NamedTuple):
    """Write this status; then feed ``StatusStored(task, serial)`` back.

    Until then nobody is shown it and nothing that depends on it starts.
    """

    task: TaskId
    serial: int
    status: TaskStatus
    invocation: InvocationId | None = None
    """The attempt that ended with it; None where none did, as for a forgiven one."""


Action: TypeAlias = StartTask | KillTask | StoreStatus
