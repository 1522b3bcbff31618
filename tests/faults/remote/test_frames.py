"""One frame of a connection is lost, whichever: nothing runs twice, nothing is lost."""

import random
import time
from functools import partial

import pytest

from tests.e2e.program import Place
from tests.engine.remote.proxy import Way
from tests.faults.remote.cluster import Cluster
from tests.faults.remote.network import Proxied, Wire
from tests.faults.seeds import SCALE

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400 * SCALE)]

FRAMES = 40
ENOUGH_SEC = 180.0 * SCALE
LONGEST = 60.0
"""Seconds until there was such a frame; when one of the handshake is lost, it is said
again after 5 s."""
WAYS = {"w1": Way.UP, "w2": Way.UP, "w3": Way.DOWN, "w4": Way.DOWN}


def test_each_frame_is_lost_once_on_each_way(place: Place, rng: random.Random) -> None:
    network = Proxied()
    run = Cluster(place, rng, network, shards=[*WAYS])
    with run.judged():
        began, left = time.monotonic(), [*range(0, FRAMES, 2)] * SCALE
        rng.shuffle(left)
        # A machine on which all takes long has another choice of them each time.
        while left and time.monotonic() < began + ENOUGH_SEC:
            first = left.pop()
            numbers = dict(zip(WAYS, (first, first + 1, first, first + 1), strict=True))
            run.note(f"frames {first} and {first + 1}")
            for shard, way in WAYS.items():
                number = numbers[shard]
                run.faults.append(f"frame {number} {way.value} is lost")
                lose = partial(Wire.lose_frame, way=way, number=number)
                network.change(shard, lose)
            run.wait_until(lambda: all(map(network.has_lost, WAYS)), LONGEST)
            missed = [shard for shard in WAYS if not network.has_lost(shard)]
            assert not missed, f"{missed}: there was no frame {numbers}"
            # Time for what waits for an answer to give up.
            run.wait(rng.uniform(0.0, 0.4))
