"""Why a task is not running: one fixed set of words, used everywhere."""

import enum
from dataclasses import dataclass

from bistro_tui.engine.ids import TaskId


class Reason(enum.StrEnum):
    """What is true of a task; the first that applies, in this order."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    JOB_INVALID = "job_invalid"
    JOB_DISABLED = "job_disabled"
    NODE_DISABLED = "node_disabled"
    AVOIDED = "avoided"
    BACKOFF = "backoff"
    DEPENDENCY = "dependency"
    CONFIG_ERROR = "config_error"
    SCHEDULER_DISABLED = "scheduler_disabled"
    PAUSED = "paused"
    RECOVERING = "recovering"
    RESOURCE = "resource"
    WORKER = "worker"
    RUNNABLE = "runnable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One link of the chain from "exists" to "runs"."""

    check: str
    """A short stable word: ``job_enabled``, ``backoff``, ``resources of db7`` …."""
    ok: bool
    text: str
    """One sentence for a person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why a task is where it is."""

    task: TaskId
    reason: Reason
    checks: tuple[Check, ...]
    holders: tuple[TaskId, ...]
    """Running or recovering tasks that hold what this one waits for."""
    would_run_if: str
    """What would let it run, in one sentence; empty when it runs or is done."""
