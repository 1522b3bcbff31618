"""What a policy is given, and what it does with it."""

import random
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol, TypeAlias

from bistro_tui.engine.ids import JobName


class Contender(NamedTuple):
    """One job with at least one candidate node when the pass begins."""

    job: JobName
    priority: float
    candidates: int
    """Its candidate nodes when the pass begins, full ones included."""
    last_start: int
    """Serial of the job's newest start over all passes; 0 before the first."""


StartOne: TypeAlias = Callable[[JobName], bool]
"""Tries a job's candidates, those from the end of the node order first, until one
starts. False: none did, and none will in this pass."""


class Policy(Protocol):
    """Chooses which job is next. It keeps nothing from one pass to the next."""

    def run_pass(
        self, contenders: Sequence[Contender], start_one: StartOne, rng: random.Random
    ) -> None:
        """Call ``start_one`` for each contender until it answers False."""
        ...
