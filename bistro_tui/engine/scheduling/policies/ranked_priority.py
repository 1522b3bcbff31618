"""The highest priority takes everything it can.

Source: Bistro, scheduler/RankedPrioritySchedulerPolicy.
"""

import random
from collections.abc import Collection, Sequence

from bistro_tui.engine.scheduling.policies.policy import Contender

_FEW = 4
"""So many are looked through faster than the ranking is."""


class RankedPriority:
    """The job of the highest priority is next; a big one can starve the rest.

    Among equals chance decides, anew for each task.
    """

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._ranking: list[list[Contender]] = []
        """Jobs of one priority together, the highest first."""

    def set_jobs(self, jobs: Sequence[Contender]) -> None:
        """Rank ``jobs``."""
        by_priority: dict[float, list[Contender]] = {}
        for job in jobs:
            by_priority.setdefault(job.priority, []).append(job)
        self._ranking = [
            by_priority[rank] for rank in sorted(by_priority, reverse=True)
        ]

    def choose(self, waiting: Collection[Contender]) -> Contender:
        """Return one of the highest priority among ``waiting``."""
        if len(waiting) > _FEW:
            tries = 2 * len(waiting)
            for equals in self._ranking:
                found = self._one_of(equals, waiting)
                if found is not None:
                    return found
                tries -= len(equals)
                if tries <= 0:
                    break
        highest = max(job.priority for job in waiting)
        return self._rng.choice([job for job in waiting if job.priority == highest])

    def _one_of(
        self, equals: list[Contender], waiting: Collection[Contender]
    ) -> Contender | None:
        if len(equals) == 1:
            return equals[0] if equals[0] in waiting else None
        # A few draws find one where many wait; where few do, all are looked at.
        for _ in range(_FEW):
            drawn = equals[int(self._rng.random() * len(equals))]
            if drawn in waiting:
                return drawn
        found = [job for job in equals if job in waiting]
        return self._rng.choice(found) if found else None

    def started(self, job: Contender) -> None:
        """Nothing: a start changes no priority."""

    def changed(self, job: Contender) -> None:
        """Nothing: neither does how much a job has to do."""
