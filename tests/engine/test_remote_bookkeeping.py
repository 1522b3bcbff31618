"""All that keep account of remote attempts agree, whatever workers say."""

import pytest

from tests.engine.bookkeeping import walk
from tests.faults.seeds import SCALE, chosen_seed

STEPS = 60


@pytest.mark.parametrize("hostility", [0.0, 0.2, 0.6])
async def test_whatever_workers_say_accounts_agree_and_a_stop_ends(
    hostility: float,
) -> None:
    first, attempts = chosen_seed(), 0
    print(f"seeds from {first}: FAULT_SEED={first} replays them")
    for seed in range(first, first + 20 * SCALE):
        attempts += await walk(seed, hostility, STEPS)
    assert attempts > 20 * SCALE
