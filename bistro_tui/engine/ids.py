"""Identities of jobs, nodes, tasks and attempts, as types rather than bare strings."""

import re
from typing import NamedTuple, NewType

JobName = NewType("JobName", str)
NodeName = NewType("NodeName", str)
LevelName = NewType("LevelName", str)
ResourceName = NewType("ResourceName", str)

INSTANCE_LEVEL = LevelName("instance")
WORKER_LEVEL = LevelName("worker")

BEFORE_STARTS = "the initial wait is not over"
"""Why a worker that is well gets no tasks yet."""
HAS_LEFT = "it has left"
"""Why a worker gets none that was asked to end, and has, with nothing left to tell."""

_INVOCATION = re.compile(r"(-?[0-9]{1,19})-([0-9a-f]{16})", re.ASCII)


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

    @classmethod
    def from_text(cls, text: str) -> "InvocationId | None":
        """Return the attempt of which ``text`` is the text, None if it is of none."""
        found = _INVOCATION.fullmatch(text)
        return cls(int(found[1]), int(found[2], 16)) if found is not None else None
