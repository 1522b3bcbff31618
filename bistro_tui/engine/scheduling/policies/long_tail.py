"""Jobs that are almost finished are finished first.

Source: Bistro, scheduler/LongTailSchedulerPolicy.
"""

import random
from collections.abc import Collection, Sequence

from bistro_tui.engine.scheduling.policies.policy import Contender

_FEW = 4
"""So many are looked through faster than the line is."""

_MOVED = 8
"""The line is sorted again when so many jobs may have left their place in it."""


class LongTail:
    """The job with the fewest candidates is next, so one is finished after the other.

    Among jobs with equally many, chance decides.
    """

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._line: list[Contender] = []
        """Fewest candidates first, but for those that moved since it was sorted."""
        self._moved: dict[Contender, None] = {}

    def set_jobs(self, jobs: Sequence[Contender]) -> None:
        """Line up ``jobs``."""
        self._line = self._rng.sample(jobs, len(jobs))
        self._sort()

    def _sort(self) -> None:
        self._line.sort(key=_candidates)
        self._moved.clear()

    def choose(self, waiting: Collection[Contender]) -> Contender:
        """Return the one of ``waiting`` with the fewest candidates."""
        if len(waiting) <= _FEW:
            return min(waiting, key=_candidates)
        if len(self._moved) > _MOVED:
            self._sort()
        found = [job for job in self._moved if job in waiting]
        tries = 2 * len(waiting)
        for job in self._line:
            if job in waiting and job not in self._moved:
                found.append(job)
                break
            tries -= 1
            if not tries:
                return min(waiting, key=_candidates)
        return min(found, key=_candidates)

    def started(self, job: Contender) -> None:
        """Take note that ``job`` may have come to stand further ahead."""
        self._moved[job] = None

    def changed(self, job: Contender) -> None:
        """Take note that ``job`` may have come to stand elsewhere."""
        self._moved[job] = None


def _candidates(job: Contender) -> int:
    return job.candidates
