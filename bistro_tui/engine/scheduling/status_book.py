"""Every status that is known, and every one that is on its way to the store."""

from collections.abc import Collection, Container, Iterable, Mapping

from bistro_tui.engine.ids import InvocationId, JobName, NodeName, TaskId
from bistro_tui.engine.moment import Now
from bistro_tui.engine.scheduling.actions import StoreStatus
from bistro_tui.engine.scheduling.min_queue import MinQueue
from bistro_tui.engine.statuses.bits import Bits
from bistro_tui.engine.statuses.known import KnownStatuses
from bistro_tui.engine.statuses.status import TaskStatus, backoff_left

# Operators on flags make a new flag each time; this is asked with every task.
_OVERWRITEABLE = Bits.OVERWRITEABLE.value


class StatusBook:
    """Statuses by job and node, kept also for jobs and nodes that no config names.

    A status that was handed to the store is invisible until it is on disk.
    """

    def __init__(self) -> None:
        self._visible: dict[JobName, dict[NodeName, TaskStatus]] = {}
        self._pending: dict[TaskId, tuple[StoreStatus, float]] = {}
        """With the monotonic second at which its backoff ends."""
        self._made_for: dict[TaskId, InvocationId] = {}
        """The attempts of which no real status is known, where the store knows them."""
        self._serial = 0
        self.backoffs: MinQueue[TaskId] = MinQueue()
        """Tasks in backoff by the monotonic second at which they may run again."""

    @property
    def pending(self) -> int:
        """How many statuses are on their way to the store."""
        return len(self._pending)

    @property
    def pending_tasks(self) -> Collection[TaskId]:
        """The tasks with a status on its way to the store."""
        return self._pending.keys()

    def get(self, task: TaskId) -> TaskStatus | None:
        """Return the status that is on disk, None if the task never ran."""
        of_job = self._visible.get(task.job)
        return of_job.get(task.node) if of_job is not None else None

    def of_job(self, job: JobName) -> Mapping[NodeName, TaskStatus]:
        """Return what is on disk for ``job``."""
        return self._visible.get(job, {})

    def is_pending(self, task: TaskId) -> bool:
        """Return whether a status of ``task`` is on its way to the store."""
        return task in self._pending

    def is_waiting(self, task: TaskId) -> bool:
        """Return whether ``task`` is in backoff, or its forgiving is being stored."""
        return task in self.backoffs or task in self._pending

    def load(
        self, known: Mapping[TaskId, TaskStatus], now: Now, busy: Container[TaskId]
    ) -> None:
        """Take over what the store knew, but for the tasks that are ``busy``."""
        if isinstance(known, KnownStatuses) and not (self._visible or self._pending):
            self._visible = known.by_job
            self._made_for.update(known.made_for)
            self.backoffs.fill(
                {
                    TaskId(job, node): due
                    for job, of_job in known.by_job.items()
                    for node, status in of_job.items()
                    if status.backoff_sec
                    and (due := due_by_wall(status, now)) > now.mono
                }
            )
            return
        for task, status in known.items():
            if task not in busy and task not in self._pending:
                self._show(task, status, due_by_wall(status, now), now)

    def pending_for(self, task: TaskId) -> StoreStatus | None:
        """Return what is on its way to the store for ``task``, if anything is."""
        pending = self._pending.get(task)
        return pending[0] if pending is not None else None

    def attempt_of(self, task: TaskId) -> InvocationId | None:
        """Return the attempt that ended with a status made for it; None: not known."""
        pending = self._pending.get(task)
        if pending is not None and pending[0].invocation is not None:
            return pending[0].invocation
        return self._made_for.get(task)

    def store(
        self,
        task: TaskId,
        status: TaskStatus,
        now: Now,
        invocation: InvocationId | None = None,
        *,
        due: float | None = None,
    ) -> StoreStatus:
        """Hand ``status`` to the store; it replaces one that is still on its way.

        ``invocation`` names the attempt that ended with it. ``due`` is the monotonic
        second at which its backoff ends; None: the backoff begins now.
        """
        if due is None:
            # Not by its wall time: the clock may have been set since.
            due = now.mono + (status.backoff_sec if status.uses_backoff else 0)
        self._serial += 1
        action = StoreStatus(task, self._serial, status, invocation)
        self._pending[task] = (action, due)
        return action

    def stored(self, task: TaskId, serial: int, now: Now) -> TaskStatus | None:
        """Make a stored status visible and return it; None if it is not the newest."""
        pending = self._pending.get(task)
        if pending is None or pending[0].serial != serial:
            return None
        del self._pending[task]
        action, due = pending
        status = action.status
        if status.bits._value_ & _OVERWRITEABLE:
            if action.invocation is not None:
                self._made_for[task] = action.invocation
        elif self._made_for:
            self._made_for.pop(task, None)
        self._show(task, status, due, now)
        return status

    def pop_due(self, now: Now) -> Iterable[TaskId]:
        """End the backoffs that are over; return their tasks, longest over first."""
        return self.backoffs.pop_until(now.mono)

    def _show(self, task: TaskId, status: TaskStatus, due: float, now: Now) -> None:
        of_job = self._visible.get(task.job)
        if of_job is None:
            of_job = self._visible[task.job] = {}
        of_job[task.node] = status
        if due > now.mono:
            self.backoffs.put(task, due)
        elif self.backoffs:
            self.backoffs.discard(task)


def due_by_wall(status: TaskStatus, now: Now) -> float:
    """Return when the backoff of a status from a run before ends, in monotonic seconds.

    Wall time is all that is known of it, so it is never later than its own delay from
    now, and over at once where the clock has been set forward by more than that.
    """
    if not status.backoff_sec:
        return now.mono
    return now.mono + backoff_left(status, now=now.wall)
