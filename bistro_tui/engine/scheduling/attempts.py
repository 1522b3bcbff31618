"""The attempts that run, or whose end is not on disk yet."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from bistro_tui.engine.config.backoff import BackoffDuration
from bistro_tui.engine.ids import (
    InvocationId,
    JobName,
    LevelName,
    NodeName,
    ResourceName,
    TaskId,
)
from bistro_tui.engine.scheduling.accounts import Amounts, Held, Used
from bistro_tui.engine.scheduling.demand import Demand
from bistro_tui.engine.scheduling.places import LOCAL_WORKER, Place


class Taken(NamedTuple):
    """What an attempt took that this process did not start; its ``held`` tells where.

    In place of the demand of a job, which may need something else by now.
    """

    needs: Mapping[LevelName, Amounts]
    takes: tuple[tuple[int, Used, int], ...] = ()


class Attempt:
    """One attempt at a task: what was recorded at its start, and what became of it."""

    places: tuple[Place, ...] = ()
    """Its path by name, once the tree is another than it started in."""
    stopping = False
    """A kill was asked for."""
    ended = False
    """It is over and holds nothing; only its status is not on disk yet."""

    worker: NodeName = LOCAL_WORKER.node
    """Who runs it."""

    held: Held | None = None
    """What it holds in which account, once ``demand`` is void."""

    def __init__(
        self,
        task: TaskId,
        invocation: InvocationId,
        number: int,
        since: float,
        began: float,
        leaf: int,
        slot: int,
        demand: Demand | Taken,
        accounts: Sequence[int],
        next_backoff: BackoffDuration,
    ) -> None:
        self.task = task
        self.invocation = invocation
        self.number = number
        """1 for the first attempt that this scheduler knows of."""
        self.since = since
        """Wall second of its start, to be shown."""
        self.began = began
        """Monotonic second of its start: how long it takes is no matter of any
        clock that people set."""
        self.leaf = leaf
        """Its node's index in the present tree, -1 if that is gone."""
        self.slot = slot
        """Its slot among the present tasks of its job, -1 for a stray."""
        self.demand = demand
        """What it took at its start."""
        self.accounts = accounts
        """From which accounts, by the steps of ``demand``."""
        self.next_backoff = next_backoff
        """What an error at its end costs."""

    def amount(self, level: LevelName, resource: ResourceName) -> int:
        """Return how much of a resource of ``level`` it took at its start."""
        return self.demand.needs.get(level, {}).get(resource, 0)


MOST_NEWS = 20_000
"""What is remembered for who follows."""


class Attempts:
    """All attempts by task, oldest first; a task never has two."""

    def __init__(self) -> None:
        self._by_task: dict[TaskId, Attempt] = {}
        self._earlier: dict[TaskId, int] = {}
        self._strays: dict[JobName, dict[NodeName, None]] = {}
        self.serial = 0
        """The newest start's place among all, at all tasks together."""
        self.live = 0
        """Attempts that are not over."""
        self._news: list[Attempt] | None = None
        """Those that began or ended since somebody asked; None: nobody did."""
        self._undone = 0

    def __contains__(self, task: object) -> bool:
        return task in self._by_task

    def __iter__(self) -> Iterator[Attempt]:
        return iter(self._by_task.values())

    def __len__(self) -> int:
        return len(self._by_task)

    @property
    def starts(self) -> int:
        """Attempts that were started so far, without those that were undone."""
        return self.serial - self._undone

    def get(self, task: TaskId) -> Attempt | None:
        """Return the attempt at ``task``, None if there is none."""
        return self._by_task.get(task)

    def next_number(self, task: TaskId) -> int:
        """Return which attempt at ``task`` the next one is."""
        return self._earlier.get(task, 0) + 1 if self._earlier else 1

    def take_news(self) -> list[Attempt] | None:
        """Return those that began, ended or were undone since this was asked.

        In that order; None: all may be others, and from now on it is known.
        """
        news, self._news = self._news, []
        return news

    def _tell(self, attempt: Attempt) -> None:
        if self._news is not None:
            self._news.append(attempt)
            if len(self._news) > MOST_NEWS:
                # Nobody seems to ask any more.
                self._news = None

    def add(self, attempt: Attempt) -> None:
        """Take note of a start."""
        if self._news is not None:
            self._tell(attempt)
        self._by_task[attempt.task] = attempt
        self.serial += 1
        self.live += 1

    def adopt(self, attempt: Attempt) -> None:
        """Take note of one that runs already, and that this process did not start."""
        self.add(attempt)
        self._undone += 1
        if attempt.slot < 0:
            job, node = attempt.task
            self._strays.setdefault(job, {})[node] = None

    def undo(self, attempt: Attempt) -> None:
        """Forget a start of which nothing came."""
        self.live -= 1
        if not isinstance(attempt.demand, Taken):
            self._undone += 1
        self.remove(attempt.task)

    def end(self, attempt: Attempt, *, is_last: bool) -> None:
        """Take note of an end, ``is_last`` if the task is not tried again."""
        attempt.ended = True
        if self._news is not None:
            self._tell(attempt)
        self.live -= 1
        # Most tasks are done at once, and there may be millions of them.
        if not is_last or attempt.number > 1:
            self._earlier[attempt.task] = attempt.number

    def remove(self, task: TaskId) -> Attempt | None:
        """Forget the attempt at ``task`` and return it; None if there is none."""
        attempt = self._by_task.pop(task, None)
        if attempt is not None and not attempt.ended:
            self._tell(attempt)
        if attempt is not None and self._strays:
            self._strays.get(task.job, {}).pop(task.node, None)
        return attempt

    def by_job(self) -> dict[JobName, list[NodeName]]:
        """Return the nodes on which each job runs."""
        found: dict[JobName, list[NodeName]] = {}
        for job, node in self._by_task:
            found.setdefault(job, []).append(node)
        return found

    def find_slots(self, find: Callable[[TaskId], int | None]) -> None:
        """Look every attempt's slot up anew; those without one are strays."""
        self._strays = {}
        if self._earlier:
            # Tasks that are no more would be counted for ever.
            self._earlier = {
                task: number
                for task, number in self._earlier.items()
                if find(task) is not None
            }
        for task, attempt in self._by_task.items():
            slot = find(task)
            attempt.slot = slot if slot is not None else -1
            if slot is None:
                self._strays.setdefault(task.job, {})[task.node] = None

    @property
    def stray_jobs(self) -> tuple[JobName, ...]:
        """The jobs with strays."""
        return tuple(job for job, nodes in self._strays.items() if nodes)

    def strays_of(self, job: JobName) -> tuple[NodeName, ...]:
        """Return where ``job`` still runs although there is no such task any more."""
        return tuple(self._strays.get(job, ()))
