"""Each start is a draw among the jobs, weighted by priority.

Source: Bistro, scheduler/RandomizedPrioritySchedulerPolicy.
"""

import random
from bisect import bisect_right
from collections.abc import Collection, Sequence
from itertools import accumulate

from bistro_tui.engine.scheduling.policies.policy import Contender

_FEW = 4
"""Among so many a draw over just them is made at once."""

_DRAWS = 12
"""After so many draws of jobs that do not wait, a draw over just those that do."""


class RandomizedPriority:
    """A job is drawn with a probability proportional to its priority.

    A priority of 0 or less never wins while a job of a positive one waits; among
    themselves such jobs are equal. (Bistro leaves negative priorities undefined.)
    """

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._jobs: list[Contender] = []
        self._sums: list[float] = []
        """The priorities of the jobs up to each one, added up."""

    def set_jobs(self, jobs: Sequence[Contender]) -> None:
        """Take over the priorities of ``jobs``."""
        self._jobs = [job for job in jobs if job.priority > 0]
        # Relative to the highest, so that a sum of huge priorities stays finite.
        highest = max((job.priority for job in self._jobs), default=1.0)
        self._sums = list(accumulate(job.priority / highest for job in self._jobs))

    def choose(self, waiting: Collection[Contender]) -> Contender:
        """Return a job drawn from ``waiting``."""
        if len(waiting) > _FEW and self._jobs:
            # To draw until one fits is to draw among those that do.
            total, draw = self._sums[-1], self._rng.random
            last = len(self._jobs) - 1
            for _ in range(_DRAWS):
                drawn = self._jobs[min(bisect_right(self._sums, draw() * total), last)]
                if drawn in waiting:
                    return drawn
        jobs = list(waiting)
        highest = max(job.priority for job in jobs)
        if highest <= 0:
            return jobs[self._rng.randrange(len(jobs))]
        weights = [max(job.priority, 0.0) / highest for job in jobs]
        return self._rng.choices(jobs, weights)[0]

    def started(self, job: Contender) -> None:
        """Nothing: no draw knows of earlier ones."""

    def changed(self, job: Contender) -> None:
        """Nothing: how much a job has to do gives it no other odds."""
