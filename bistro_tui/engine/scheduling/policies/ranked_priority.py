"""The highest priority takes everything it can.

Source: Bistro, scheduler/RankedPrioritySchedulerPolicy.
"""

import random
from collections.abc import Sequence

from bistro_tui.engine.scheduling.policies.policy import Contender, StartOne


class RankedPriority:
    """All tasks of the job of the highest priority, then those of the next.

    Jobs of one priority come in random order. A big job can starve the rest.
    """

    def run_pass(
        self, contenders: Sequence[Contender], start_one: StartOne, rng: random.Random
    ) -> None:
        """Exhaust one job after the other."""
        shuffled = rng.sample(contenders, len(contenders))
        for contender in sorted(shuffled, key=lambda one: -one.priority):
            while start_one(contender.job):
                pass
