"""What becomes of the statuses of a simulated world: by the table only (I10).

Retries used are counted from what is written alone.
"""

from collections.abc import Callable
from typing import NamedTuple

from bistro_tui.engine.ids import InvocationId, JobName, NodeName, TaskId
from bistro_tui.engine.statuses.attempts import LastAttempt
from bistro_tui.engine.statuses.bits import Bits
from bistro_tui.engine.statuses.known import KnownStatuses
from bistro_tui.engine.statuses.saved_backoff import saved_backoff
from bistro_tui.engine.statuses.status import TaskStatus
from tests.engine.remote.sim.limits import STEPS


class _Wait(NamedTuple):
    """A task of a lost worker may not start anew before ``until``."""

    invocation: InvocationId
    until: float


class StatusLaw:
    """The status store, which outlives schedulers, with a judge before it."""

    def __init__(self, broken: Callable[[str, str], Exception]) -> None:
        self._broken = broken
        self.statuses: dict[TaskId, TaskStatus] = {}
        self.last: dict[TaskId, LastAttempt] = {}
        self.commits = 0
        """Begun, as the store counts them."""
        self._numbers: dict[InvocationId, int] = {}
        """In the order in which they were dispatched."""
        self._errors_before: dict[InvocationId, int] = {}
        self._errors: dict[TaskId, int] = {}
        """In a row, as stored."""
        self._waits: dict[TaskId, _Wait] = {}
        self._unstored: set[TaskId] = set()
        """Tasks whose wait nobody but this scheduler knows."""

    async def last_attempts(self, tasks: object) -> dict[TaskId, LastAttempt]:
        return self.last

    def scheduler_is_new(self) -> None:
        for task in self._unstored:
            # It knows nothing of that, and has a wait of its own.
            del self._waits[task]
        self._unstored.clear()

    def is_dispatched(self, task: TaskId, invocation: InvocationId, now: float) -> None:
        self._numbers[invocation] = len(self._numbers)
        errors = self._errors_before[invocation] = self._errors.get(task, 0)
        if errors > len(STEPS):
            raise self._broken("I10", f"{task} starts after {errors} errors")
        wait = self._waits.pop(task, None)
        self._unstored.discard(task)
        if wait is not None and now < wait.until - 1e-6:
            raise self._broken(
                "I10",
                f"{task} is to start; it was lost, and waits until {wait.until:.3f}",
            )

    def is_waited_for(self, task: TaskId, invocation: InvocationId) -> bool:
        """Return whether nothing starts in place of that lost attempt yet."""
        wait = self._waits.get(task)
        return wait is not None and wait.invocation == invocation

    def lost(self, task: TaskId, invocation: InvocationId, until: float) -> None:
        self._waits[task] = _Wait(invocation, until)
        self._unstored.add(task)

    def ended(self, task: TaskId, invocation: InvocationId) -> None:
        """Take note that what became of a lost attempt is known after all."""
        wait = self._waits.get(task)
        if wait is not None and wait.invocation == invocation:
            del self._waits[task]
            self._unstored.discard(task)

    def known(self) -> KnownStatuses:
        """Return what a scheduler loads when it starts."""
        by_job: dict[JobName, dict[NodeName, TaskStatus]] = {}
        for (job, node), status in self.statuses.items():
            by_job.setdefault(job, {})[node] = status
        made_for = {
            task: self.last[task].invocation
            for task, status in self.statuses.items()
            if Bits.OVERWRITEABLE in status.bits
        }
        return KnownStatuses(by_job, made_for)

    def store(
        self, task: TaskId, status: TaskStatus, invocation: InvocationId | None
    ) -> None:
        known = self.statuses.get(task)
        if known is not None and known.is_done:
            raise self._broken("I10", f"{task} is done, and becomes {status}")
        if invocation is None:
            self._forgiven(task, known, status)
            if task in self.last:
                self.last[task] = self.last[task]._replace(commit=self.commits)
        else:
            self._settled(task, known, status, invocation)
            self.last[task] = LastAttempt(invocation, self.commits)
        self.statuses[task] = status
        self._unstored.discard(task)

    def _forgiven(
        self, task: TaskId, known: TaskStatus | None, status: TaskStatus
    ) -> None:
        failed_or_error = Bits.FAILED | Bits.ERROR
        if (
            known is None
            or status.is_failed
            or known.bits & ~failed_or_error != status.bits & ~failed_or_error
        ):
            raise self._broken("I10", f"{task} is forgiven: {known} becomes {status}")
        if task in self._waits and status.backoff_sec != known.backoff_sec:
            raise self._broken("I10", f"{task} is lost, and waits for {status}")
        self._errors[task] = 0

    def _settled(
        self,
        task: TaskId,
        known: TaskStatus | None,
        status: TaskStatus,
        invocation: InvocationId,
    ) -> None:
        last = self.last.get(task)
        if last is not None and known is not None:
            newer = self._numbers[invocation] - self._numbers[last.invocation]
            is_open = Bits.OVERWRITEABLE in known.bits
            if (newer < 0 and not status.is_done) or (newer <= 0 and not is_open):
                raise self._broken(
                    "I10",
                    f"{task}: {invocation} becomes {status} after {known} of"
                    f" {last.invocation}",
                )
        if Bits.OVERWRITEABLE not in status.bits:
            self.ended(task, invocation)
        before = self._errors_before[invocation]
        if not status.uses_backoff:
            self._errors[task] = 0
            return
        self._errors[task] = before + 1
        if before >= len(STEPS):
            is_right = status.is_failed
        else:
            saved = saved_backoff(status.bits, status.data)
            delay = status.backoff_sec if saved is None else saved
            is_right = not status.is_failed and delay == STEPS[before]
        if not is_right:
            raise self._broken(
                "I10", f"{task}: error {before + 1} of {STEPS} becomes {status}"
            )
