"""What runs and what is recovering, followed at the cost of what comes and goes."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice

from bistro_tui.engine.ids import InvocationId, JobName
from bistro_tui.engine.scheduling.attempts import Attempt
from bistro_tui.engine.scheduling.core import Core
from bistro_tui.engine.scheduling.leftovers import Leftover

MOST_TOUCHED = 20_000
"""What is remembered to have come or gone; beyond that, all is looked at anew."""


class Living(Collection[Attempt | Leftover]):
    """All that holds resources, as of the last ``follow``."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self.running: dict[InvocationId, Attempt] = {}
        """Attempts that are not over, oldest first."""
        self._by_job: dict[JobName, dict[InvocationId, Attempt]] = {}
        self._leftovers: Mapping[Leftover, None] = {}
        self._touched: set[Attempt | Leftover] | None = None

    def __contains__(self, one: object) -> bool:
        if isinstance(one, Attempt):
            return self.running.get(one.invocation) is one
        return one in self._leftovers

    def __iter__(self) -> Iterator[Attempt | Leftover]:
        yield from self._leftovers
        yield from self.running.values()

    def __len__(self) -> int:
        return len(self._leftovers) + len(self.running)

    def follow(self) -> Sequence[Attempt] | None:
        """Return the attempts that may have begun or ended; None: all may be others."""
        leftovers = dict.fromkeys(self._core.recovering())
        known, self._leftovers = self._leftovers, leftovers
        news = self._core.state.attempts.take_news()
        if news is None:
            self._begin_anew()
            return None
        if self._touched is not None:
            self._touched.update(leftovers.keys() ^ known.keys())
            self._touched.update(news)
            if len(self._touched) > MOST_TOUCHED:
                self._touched = None
        get = self._core.attempt
        for one in news:
            if not one.ended and get(one.task) is one:
                self._add(one)
            elif self.running.pop(one.invocation, None) is not None:
                del self._by_job[one.task.job][one.invocation]
        return news

    def take_touched(self) -> Collection[Attempt | Leftover] | None:
        """Return what may have come or gone since this was asked; None: all may."""
        touched, self._touched = self._touched, set()
        return touched

    def numbers(self) -> dict[JobName, int]:
        """Return how many attempts of each job run, of those with any."""
        return {job: len(found) for job, found in self._by_job.items() if found}

    def number_of(self, job: JobName) -> int:
        """Return how many attempts of a job run."""
        return len(self._by_job.get(job, ()))

    def some_of(self, job: JobName, most: int) -> list[Attempt]:
        """Return attempts of a job: all, or as many of the oldest as of the newest."""
        found = self._by_job.get(job, {})
        if len(found) <= most:
            return list(found.values())
        oldest = islice(found.values(), most // 2)
        return [*oldest, *islice(reversed(found.values()), most // 2)]

    def _begin_anew(self) -> None:
        self.running, self._by_job, self._touched = {}, {}, None
        for attempt in self._core.running():
            if not attempt.ended:
                self._add(attempt)

    def _add(self, one: Attempt) -> None:
        self.running[one.invocation] = one
        self._by_job.setdefault(one.task.job, {})[one.invocation] = one
