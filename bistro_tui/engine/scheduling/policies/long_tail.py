"""Jobs that are almost finished are finished first.

Source: Bistro, scheduler/LongTailSchedulerPolicy.
"""

import random
from collections.abc import Sequence

from bistro_tui.engine.scheduling.policies.policy import Contender, StartOne


class LongTail:
    """All tasks of the job with the fewest candidates, then those of the next.

    Jobs with equally many come in random order.
    """

    def run_pass(
        self, contenders: Sequence[Contender], start_one: StartOne, rng: random.Random
    ) -> None:
        """Exhaust one job after the other."""
        shuffled = rng.sample(contenders, len(contenders))
        for contender in sorted(shuffled, key=lambda one: one.candidates):
            while start_one(contender.job):
                pass
