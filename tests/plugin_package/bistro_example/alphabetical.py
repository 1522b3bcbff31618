"""A policy: of the jobs that wait, the one whose name comes first."""

import random
from collections.abc import Collection, Sequence

from bistro_tui.engine.plugins import Contender


class Alphabetical:
    """``"scheduler": "alphabetical"``."""

    def __init__(self, rng: random.Random) -> None:
        """Chance has no part in it."""

    def set_jobs(self, jobs: Sequence[Contender]) -> None:
        """Whatever jobs there are, they have names."""

    def choose(self, waiting: Collection[Contender]) -> Contender:
        return min(waiting, key=lambda job: job.name)

    def started(self, job: Contender) -> None:
        """The order stays the same whatever starts."""

    def changed(self, job: Contender) -> None:
        """And whatever there is to do."""
