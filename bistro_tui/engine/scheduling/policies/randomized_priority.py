"""Each start is a draw among the jobs, weighted by priority.

Source: Bistro, scheduler/RandomizedPrioritySchedulerPolicy.
"""

import random
from collections.abc import Sequence

from bistro_tui.engine.scheduling.policies.policy import Contender, StartOne


class RandomizedPriority:
    """A job is drawn with a probability proportional to its priority.

    A priority of 0 or less never wins while a job of a positive one is left; among
    themselves such jobs are equal. (Bistro leaves negative priorities undefined.)
    """

    def run_pass(
        self, contenders: Sequence[Contender], start_one: StartOne, rng: random.Random
    ) -> None:
        """Draw until no job is left."""
        left = list(contenders)
        while left:
            drawn = _draw(left, rng)
            if not start_one(left[drawn].job):
                left[drawn] = left[-1]
                left.pop()


def _draw(contenders: Sequence[Contender], rng: random.Random) -> int:
    highest = max(contender.priority for contender in contenders)
    if highest <= 0:
        return rng.randrange(len(contenders))
    # Relative to the highest, so that a sum of huge priorities stays finite.
    weights = [max(contender.priority, 0.0) / highest for contender in contenders]
    return rng.choices(range(len(contenders)), weights)[0]
