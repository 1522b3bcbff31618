"""The jobs take turns.

Source: Bistro, scheduler/RoundRobinSchedulerPolicy.
"""

import random
from collections import OrderedDict
from collections.abc import Collection, Sequence

from bistro_tui.engine.scheduling.policies.policy import Contender

_FEW = 4
"""So many are looked through faster than the ring is."""


class RoundRobin:
    """The job whose last start is longest ago is next.

    So turns are fair over time, and not only within one pass as in Bistro. Jobs that
    never started come in random order.
    """

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._ring: OrderedDict[Contender, None] = OrderedDict()
        """The next one to have a turn first."""

    def set_jobs(self, jobs: Sequence[Contender]) -> None:
        """Begin a ring of ``jobs``."""
        shuffled = self._rng.sample(jobs, len(jobs))
        shuffled.sort(key=_last_start)
        self._ring = OrderedDict.fromkeys(shuffled)

    def choose(self, waiting: Collection[Contender]) -> Contender:
        """Return the first of ``waiting`` in the ring."""
        if len(waiting) > _FEW:
            # Whom few of all wait for is found faster among those few.
            tries = 2 * len(waiting)
            for job in self._ring:
                if job in waiting:
                    return job
                tries -= 1
                if not tries:
                    break
        earliest = min(waiting, key=_last_start)
        if earliest.last_start:
            return earliest
        return next(job for job in self._ring if job in waiting)

    def started(self, job: Contender) -> None:
        """Let all others come before ``job``."""
        self._ring.move_to_end(job)

    def changed(self, job: Contender) -> None:
        """Nothing: how much a job has to do gives it no other turn."""


def _last_start(job: Contender) -> int:
    return job.last_start
