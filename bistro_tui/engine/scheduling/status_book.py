"""Every status that is known, and every one that is on its way to the store."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bistro_tui.engine.ids import JobName, NodeName, TaskId
from bistro_tui.engine.moment import Now
from bistro_tui.engine.scheduling.actions import StoreStatus
from bistro_tui.engine.scheduling.min_queue import MinQueue
from bistro_tui.engine.statuses.status import TaskStatus, backoff_left


@dataclass(frozen=True, slots=True)
class _Pending:
    serial: int
    status: TaskStatus
    due: float
    """Monotonic seconds at which its backoff ends."""


class StatusBook:
    """Statuses by job and node, kept also for jobs and nodes that no config names.

    A status that was handed to the store is invisible until it is on disk.
    """

    def __init__(self) -> None:
        self._visible: dict[JobName, dict[NodeName, TaskStatus]] = {}
        self._pending: dict[TaskId, _Pending] = {}
        self._serial = 0
        self.backoffs: MinQueue[TaskId] = MinQueue()
        """Tasks in backoff by the monotonic second at which they may run again."""

    @property
    def pending(self) -> int:
        """How many statuses are on their way to the store."""
        return len(self._pending)

    def get(self, task: TaskId) -> TaskStatus | None:
        """Return the status that is on disk, None if the task never ran."""
        return self._visible.get(task.job, {}).get(task.node)

    def of_job(self, job: JobName) -> Mapping[NodeName, TaskStatus]:
        """Return what is on disk for ``job``."""
        return self._visible.get(job, {})

    def is_pending(self, task: TaskId) -> bool:
        """Return whether a status of ``task`` is on its way to the store."""
        return task in self._pending

    def is_waiting(self, task: TaskId) -> bool:
        """Return whether ``task`` is in backoff, or its forgiving is being stored."""
        return task in self.backoffs or task in self._pending

    def load(self, task: TaskId, status: TaskStatus, now: Now) -> None:
        """Take over what the store knew."""
        self._show(task, status, _due(status, now), now)

    def store(self, task: TaskId, status: TaskStatus, now: Now) -> StoreStatus:
        """Hand ``status`` to the store; it replaces one that is still on its way."""
        self._serial += 1
        self._pending[task] = _Pending(self._serial, status, _due(status, now))
        return StoreStatus(task=task, serial=self._serial, status=status)

    def stored(self, task: TaskId, serial: int, now: Now) -> bool:
        """Make a stored status visible; return False if it is not the newest one."""
        pending = self._pending.get(task)
        if pending is None or pending.serial != serial:
            return False
        del self._pending[task]
        self._show(task, pending.status, pending.due, now)
        return True

    def pop_due(self, now: Now) -> Iterable[TaskId]:
        """End the backoffs that are over; return their tasks, longest over first."""
        return self.backoffs.pop_until(now.mono)

    def _show(self, task: TaskId, status: TaskStatus, due: float, now: Now) -> None:
        self._visible.setdefault(task.job, {})[task.node] = status
        if due > now.mono:
            self.backoffs.put(task, due)
        else:
            self.backoffs.discard(task)


def _due(status: TaskStatus, now: Now) -> float:
    return now.mono + backoff_left(status, now=now.wall)
