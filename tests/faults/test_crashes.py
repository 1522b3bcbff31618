"""The program is killed in every way, at random moments; its work is done once."""

import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.e2e.program import Place
from tests.faults import crashes
from tests.faults.crashes import Crashes, told
from tests.faults.kills import Kills
from tests.faults.seeds import SCALE

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400 * SCALE)]

KILLS_A_PLACE = 75 * SCALE
FEWEST_KILLS = 50 * SCALE
"""In both, where the machine is so slow that time is up before."""


def test_nothing_is_lost_however_often_it_is_killed(
    tmp_path: Path, rng: random.Random
) -> None:
    places = []
    for name in ("only-the-scheduler", "wardens-too"):
        (tmp_path / name).mkdir()
        seed = random.Random(rng.getrandbits(64))
        strictly = name == "only-the-scheduler"
        places.append(Kills(Place(tmp_path / name), seed, strictly=strictly))
    with ThreadPoolExecutor(len(places)) as side_by_side:
        runs = [side_by_side.submit(one.run_kills, KILLS_A_PLACE) for one in places]
    for run in runs:
        run.result()
    assert sum(one.kills for one in places) >= FEWEST_KILLS
    for one in places:
        found = told(one.log)
        assert found["Traceback"] == 0, one.tail()
        assert found["adopted"] > 0, "it was never killed while a task ran"


def test_every_other_kill_and_stop_does_no_harm_either(
    place: Place, rng: random.Random
) -> None:
    run = Crashes(place, rng)
    faults = crashes.ALL * SCALE
    rng.shuffle(faults)
    run.run(faults)
    assert told(run.log)["Traceback"] == 0, run.tail()
