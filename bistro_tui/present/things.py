"""What a person points at: the items that keys act on, whatever list shows them."""

from dataclasses import dataclass
from typing import TypeAlias

from bistro_tui.engine.view import (
    JobName,
    LevelName,
    NodeName,
    ResourceName,
    TaskId,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobThing:
    """A job."""

    name: JobName

    def __str__(self) -> str:
        """Return its name, raw."""
        return self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeThing:
    """A node, and all below it."""

    name: NodeName

    def __str__(self) -> str:
        """Return its name, raw."""
        return self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceThing:
    """One resource of one node."""

    node: NodeName
    level: LevelName
    resource: ResourceName

    def __str__(self) -> str:
        """Return what people call it, raw."""
        return f"{self.resource} on {self.node}"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerThing:
    """A worker, and what runs on it."""

    shard: NodeName

    def __str__(self) -> str:
        """Return its name, raw."""
        return self.shard


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskThing:
    """A task, running or not."""

    task: TaskId
    invocation: str | None = None
    """Of the attempt that was in sight: what is ended is that one and no later one."""

    def __str__(self) -> str:
        """Return its name, raw."""
        return str(self.task)


Thing: TypeAlias = JobThing | NodeThing | ResourceThing | TaskThing | WorkerThing
