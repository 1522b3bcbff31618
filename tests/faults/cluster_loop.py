"""Random walks through the faults of a simulated cluster, for as long as one likes.

A seed that breaks something is printed with what was broken, and replays it.
"""

import argparse
import sys
import time
from pathlib import Path

from tests.engine.remote.sim.core_node import CoreNode
from tests.engine.remote.sim.scheduler_node import SchedulerNode
from tests.engine.remote.sim.truth import Broken
from tests.engine.remote.sim.world import Rules, random_walk
from tests.faults.seeds import chosen_seed

SHARDS = (("a", "b", "c"), ("a", "a", "b"), ("a",), tuple("abcdef"))
"""One worker for each; two of one name want the same shard."""
SCHEDULERS = (SchedulerNode, CoreNode)
"""With a small table, and with the real core."""


def main() -> int:
    """Return 1 if something was broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seconds", type=float, nargs="?", default=60.0)
    parser.add_argument("seed", type=int, nargs="?", default=chosen_seed())
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--only", action="store_true", help="that one seed")
    parser.add_argument("--traces", type=Path, help="a directory for what happened")
    given = parser.parse_args()
    until = time.monotonic() + given.seconds
    seed, walks, starts, broken = given.seed, 0, 0, 0
    print(f"from seed {seed} on")
    while not walks or (time.monotonic() < until and not given.only):
        rules = Rules(
            shards=SHARDS[seed % len(SHARDS)],
            scheduler=SCHEDULERS[seed // len(SHARDS) % len(SCHEDULERS)],
        )
        try:
            starts += random_walk(seed, rules, given.steps).truth.starts
        except Broken as found:
            broken += 1
            print(f"seed {seed}: {str(found).splitlines()[-1]}")
            if given.traces is not None:
                (given.traces / f"{seed}.txt").write_text(str(found))
        seed, walks = seed + 1, walks + 1
    print(f"{walks} walks, {starts} attempts, {broken} broken")
    return int(broken > 0)


if __name__ == "__main__":
    sys.exit(main())
