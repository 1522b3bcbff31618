"""Identities of jobs, nodes, tasks and attempts, as types rather than bare strings."""

from typing import NamedTuple, NewType

JobName = NewType("JobName", str)
NodeName = NewType("NodeName", str)
LevelName = NewType("LevelName", str)
ResourceName = NewType("ResourceName", str)

INSTANCE_LEVEL = LevelName("instance")
WORKER_LEVEL = LevelName("worker")


class TaskId(NamedTuple):
    """One job on one node: the unit that runs, backs off and is done."""

    job: JobName
    node: NodeName

    def __str__(self) -> str:
        """Return ``job@node``, the form used in logs, tables and errors."""
        return f"{self.job}@{self.node}"


class InvocationId(NamedTuple):
    """One attempt at a task; never reused, also over restarts (with high odds)."""

    start_time: int
    """Whole seconds since the epoch."""
    rand: int
    """A random 63-bit number."""

    def __str__(self) -> str:
        """Return the text that a task sees as ``BISTRO_INVOCATION``."""
        return f"{self.start_time}-{self.rand:016x}"
