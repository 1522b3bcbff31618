"""Whoever comes to the port for workers: the scheduler goes on as before.

scripts/fuzz-remote does it for minutes, at random.
"""

import pytest

from tests.engine.remote import fuzzing
from tests.faults.seeds import chosen_seed

pytestmark = pytest.mark.slow


async def test_no_stranger_and_no_worker_can_harm_a_scheduler() -> None:
    seed = chosen_seed()
    print("seed", seed)
    slow = {fuzzing.slowly, fuzzing.half_handshakes, fuzzing.many_shards}
    attacks = [one for one in fuzzing.ATTACKS if one not in slow]
    # Other tests want both cores meanwhile; scripts/fuzz-remote looks closer.
    wrong = await fuzzing.fuzz(0.0, seed, *attacks, each_sec=0.4, slowest_sec=15.0)
    assert wrong == []
