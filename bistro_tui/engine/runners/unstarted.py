"""Ends that are made for attempts which no process ever had."""

from bistro_tui.engine.ids import InvocationId, TaskId
from bistro_tui.engine.runners.protocol import AttemptEnded
from bistro_tui.engine.statuses.report import error_backoff, killed


def failed_to_start(
    task: TaskId, invocation: InvocationId, text: str, *, now_wall: float
) -> AttemptEnded:
    """Return the end of an attempt that can never start, for the reason ``text``."""
    status = error_backoff(f"Failed to start task {task}: {text}", now_wall=now_wall)
    return AttemptEnded(task, invocation, status, f"failed to start: {text}")


def killed_before_start(
    task: TaskId, invocation: InvocationId, *, now_wall: float
) -> AttemptEnded:
    """Return the end of an attempt that was killed on its way to a runner."""
    status = killed(now_wall=now_wall)
    return AttemptEnded(task, invocation, status, "killed before it started")
