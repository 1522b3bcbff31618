"""The jobs take turns.

Source: Bistro, scheduler/RoundRobinSchedulerPolicy.
"""

import random
from collections import deque
from collections.abc import Sequence

from bistro_tui.engine.scheduling.policies.policy import Contender, StartOne


class RoundRobin:
    """One task a turn; a job with nothing left to start leaves the ring.

    The job whose last start is longest ago is first, so turns are fair over time and
    not only within one pass, as in Bistro. Jobs that never started come in random
    order.
    """

    def run_pass(
        self, contenders: Sequence[Contender], start_one: StartOne, rng: random.Random
    ) -> None:
        """Go round until the ring is empty."""
        shuffled = rng.sample(contenders, len(contenders))
        ring = deque(sorted(shuffled, key=lambda contender: contender.last_start))
        while ring:
            contender = ring.popleft()
            if start_one(contender.job):
                ring.append(contender)
