"""The tasks of which a copy from before this process may still be alive."""

from collections.abc import Callable, Collection, Iterator, Mapping

from bistro_tui.engine.ids import InvocationId, JobName, LevelName, NodeName, TaskId
from bistro_tui.engine.scheduling.accounts import Amounts, Held
from bistro_tui.engine.scheduling.events import RecoveringAttempt
from bistro_tui.engine.scheduling.places import Place


class Leftover:
    """All recovering attempts at one task: at most one of them is alive."""

    held: Held = ()
    """What it holds in which account."""

    def __init__(
        self,
        task: TaskId,
        slot: int,
        places: tuple[Place, ...],
        needs: Mapping[LevelName, Amounts],
    ) -> None:
        self.task = task
        self.attempts: dict[InvocationId, RecoveringAttempt] = {}
        self.slot = slot
        """Its slot among the present tasks of its job, -1 for a stray."""
        self.places = places
        """Its path by name. Of replicas, which have one name, nobody knows on which it
        runs, so these are the paths of all."""
        self.needs = needs
        """What it takes by level, as far as the config of this process tells."""


class Leftovers:
    """All of them by task."""

    def __init__(self) -> None:
        self._by_job: dict[JobName, dict[NodeName, Leftover]] = {}

    def __contains__(self, task: TaskId) -> bool:
        of_job = self._by_job.get(task.job)
        return of_job is not None and task.node in of_job

    def __iter__(self) -> Iterator[Leftover]:
        return (one for of_job in self._by_job.values() for one in of_job.values())

    def __bool__(self) -> bool:
        """Return whether there are any."""
        return bool(self._by_job)

    @property
    def jobs(self) -> Collection[JobName]:
        """The jobs with leftovers."""
        return self._by_job.keys()

    def get(self, task: TaskId) -> Leftover | None:
        """Return the leftover of ``task``, None if there is none."""
        return self._by_job.get(task.job, {}).get(task.node)

    def add(self, leftover: Leftover) -> None:
        """Take note of one at a task that has none."""
        job, node = leftover.task
        self._by_job.setdefault(job, {})[node] = leftover

    def remove(self, task: TaskId) -> None:
        """Forget the one of ``task``."""
        of_job = self._by_job[task.job]
        del of_job[task.node]
        if not of_job:
            del self._by_job[task.job]

    def find_slots(self, find: Callable[[TaskId], int | None]) -> None:
        """Look every slot up anew; those without one are strays."""
        for leftover in self:
            slot = find(leftover.task)
            leftover.slot = slot if slot is not None else -1

    def strays_of(self, job: JobName) -> tuple[NodeName, ...]:
        """Return where there are some of ``job`` although there is no such task now."""
        of_job = self._by_job.get(job)
        if of_job is None:
            return ()
        return tuple(node for node, one in of_job.items() if one.slot < 0)
