"""Seed and size of fault tests: FAULT_SEED replays one, FAULT_SCALE makes it longer."""

import os
import random

SCALE = int(os.environ.get("FAULT_SCALE", "1"))
"""How many times as much as in the tests is to be done; scripts/fault-loop sets it."""


def chosen_seed() -> int:
    """Return what FAULT_SEED says, else a new seed."""
    given = os.environ.get("FAULT_SEED")
    return int(given) if given else random.SystemRandom().randrange(1 << 32)
