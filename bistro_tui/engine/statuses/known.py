"""What a store knew, by job: a million statuses without a million keys."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from bistro_tui.engine.ids import InvocationId, JobName, NodeName, TaskId
from bistro_tui.engine.statuses.status import TaskStatus

_NO_ATTEMPTS: Mapping[TaskId, InvocationId] = MappingProxyType({})


class KnownStatuses(Mapping[TaskId, TaskStatus]):
    """Statuses by task, kept by job and node; whoever takes it over owns what is in it.

    A key for each status would be most of the memory that it takes.
    """

    __slots__ = ("by_job", "made_for")

    def __init__(
        self,
        by_job: dict[JobName, dict[NodeName, TaskStatus]],
        made_for: Mapping[TaskId, InvocationId] = _NO_ATTEMPTS,
    ) -> None:
        """``made_for``: the attempts of which no real status is known, where stored."""
        self.by_job, self.made_for = by_job, made_for

    def __getitem__(self, task: TaskId) -> TaskStatus:
        job, node = task
        return self.by_job[job][node]

    def __iter__(self) -> Iterator[TaskId]:
        for job, of_job in self.by_job.items():
            for node in of_job:
                yield TaskId(job, node)

    def __len__(self) -> int:
        return sum(map(len, self.by_job.values()))

    def __repr__(self) -> str:
        """Return how many there are: all of them are too long to read."""
        return f"<{len(self)} statuses of {len(self.by_job)} jobs>"
