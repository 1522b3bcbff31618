"""How many tasks a worker can have: those that it can tell its scheduler of. Pure.

A scheduler that starts has to hear of all that a worker runs, in one message, before it
starts anything. What would not go into it is not taken.
"""

from bistro_tui.engine.ids import TaskId
from bistro_tui.engine.remote.bounds import MOST_TASKS
from bistro_tui.engine.remote.frames import TASKS_BYTES, told_bytes
from bistro_tui.engine.remote.messages import RunningTask


class WorkerRoom:
    """Counts the tasks that a worker has not got rid of, and their bytes."""

    def __init__(self) -> None:
        self._sizes: dict[TaskId, int] = {}
        self._bytes = 0
        self.is_full = False
        """Whether one was refused since the last one left."""

    def enter(self, task: RunningTask) -> str | None:
        """Count it from now on, or return why there is no room for it."""
        taken, size = len(self._sizes), told_bytes(task)
        if taken < MOST_TASKS and self._bytes + size <= TASKS_BYTES:
            self._sizes[task.task] = size
            self._bytes += size
            return None
        self.is_full = True
        if taken >= MOST_TASKS:
            return f"This worker has {taken} tasks, not running one more"
        return (
            f"This worker has {taken} tasks with names and resources of {self._bytes}"
            f" bytes, not running one more with {size}: a scheduler can be told of"
            f" {TASKS_BYTES}"
        )

    def leave(self, task: TaskId) -> None:
        """Count it no more, if it was counted."""
        size = self._sizes.pop(task, None)
        if size is not None:
            self._bytes -= size
            self.is_full = False
