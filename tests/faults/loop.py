"""The fault tests again and again, longer than in CI, each round with its own seed.

    scripts/fault-loop [SECONDS [SEED [SCALE]]] [-- PYTEST_ARGUMENT ...]

begins with SEED and goes on with seeds that follow from it, until the time is over or
a round fails; `scripts/fault-loop 0 SEED` replays the round that printed SEED.
"""

import os
import random
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
SECONDS = 600.0
SCALE = 8
"""1,200 times SIGKILL, 100 times 8 starts at once, 500 daemons, 5,000 tasks with 64
descriptors, 12,000 for the count of zombies."""


def run_round(seed: int, scale: int, more: list[str]) -> bool:
    """Run every fault test once with that seed; whether all passed."""
    print(f"FAULT_SEED={seed} FAULT_SCALE={scale}", flush=True)
    names = {"FAULT_SEED": str(seed), "FAULT_SCALE": str(scale)}
    words = [sys.executable, "-m", "pytest", "tests/faults", "-x", *more]
    return subprocess.run(words, cwd=ROOT, env=os.environ | names).returncode == 0


def main(argv: list[str]) -> int:
    """Return 0 when every round has passed."""
    at = argv.index("--") if "--" in argv else len(argv)
    given, more = argv[:at], argv[at + 1 :]
    deadline = time.monotonic() + (float(given[0]) if given else SECONDS)
    seed = int(given[1]) if len(given) > 1 else random.SystemRandom().getrandbits(32)
    scale = int(given[2]) if len(given) > 2 else SCALE
    rng = random.Random(seed)
    while run_round(seed, scale, more):
        if time.monotonic() >= deadline:
            return 0
        seed = rng.getrandbits(32)
    print(f"replay: scripts/fault-loop 0 {seed} {scale}", flush=True)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
