"""The attempts that run, or whose end is not on disk yet."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from bistro_tui.engine.config.backoff import BackoffDuration
from bistro_tui.engine.ids import InvocationId, JobName, NodeName, TaskId
from bistro_tui.engine.scheduling.accounts import Charges
from bistro_tui.engine.scheduling.places import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One attempt at a task, as recorded at its start."""

    task: TaskId
    invocation: InvocationId
    number: int
    """1 for the first attempt that this scheduler knows of."""
    since: float
    """Wall seconds."""
    place: Place
    """The node that it runs on; replicas share it."""
    path: tuple[int, ...]
    """Indexes in the present tree, instance node first; empty if the node is gone."""
    charges: Charges
    next_backoff: BackoffDuration
    """What an error at its end costs."""
    stopping: bool = False
    """A kill was asked for."""
    ended: bool = False
    """It is over and holds nothing; only its status is not on disk yet."""


class Attempts:
    """All attempts by task, oldest first; a task never has two."""

    def __init__(self) -> None:
        self._by_task: dict[TaskId, Attempt] = {}
        self._by_job: dict[JobName, dict[NodeName, None]] = {}
        self._numbers: dict[TaskId, int] = {}
        self.starts = 0
        """Attempts that were started so far, at all tasks together."""

    def __contains__(self, task: TaskId) -> bool:
        return task in self._by_task

    def __iter__(self) -> Iterator[Attempt]:
        return iter(self._by_task.values())

    def __len__(self) -> int:
        return len(self._by_task)

    def get(self, task: TaskId) -> Attempt | None:
        """Return the attempt at ``task``, None if there is none."""
        return self._by_task.get(task)

    def nodes_of(self, job: JobName) -> tuple[NodeName, ...]:
        """Return the nodes on which ``job`` runs, oldest attempt first."""
        return tuple(self._by_job.get(job, ()))

    def count_start(self, task: TaskId) -> int:
        """Count one more start; return which attempt at ``task`` it is."""
        self.starts += 1
        number = self._numbers[task] = self._numbers.get(task, 0) + 1
        return number

    def add(self, attempt: Attempt) -> None:
        """Take note of a start."""
        self._by_task[attempt.task] = attempt
        self._by_job.setdefault(attempt.task.job, {})[attempt.task.node] = None

    def remove(self, task: TaskId) -> None:
        """Forget the attempt at ``task``, if there is one."""
        if self._by_task.pop(task, None) is None:
            return
        nodes = self._by_job[task.job]
        del nodes[task.node]
        if not nodes:
            del self._by_job[task.job]

    def update(
        self,
        task: TaskId,
        *,
        stopping: bool | None = None,
        ended: bool | None = None,
        path: tuple[int, ...] | None = None,
    ) -> None:
        """Take note of what changed about the attempt at ``task``."""
        known = self._by_task[task]
        self._by_task[task] = replace(
            known,
            stopping=known.stopping if stopping is None else stopping,
            ended=known.ended if ended is None else ended,
            path=known.path if path is None else path,
        )
