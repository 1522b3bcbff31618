"""The program is killed in every way, at random moments; its work is done once."""

import random

import pytest

from tests.e2e.program import Place
from tests.faults import crashes
from tests.faults.crashes import Crashes, told
from tests.faults.seeds import SCALE

pytestmark = [pytest.mark.slow, pytest.mark.timeout(150 * SCALE)]


def test_a_killed_scheduler_goes_on_where_it_was(
    place: Place, rng: random.Random
) -> None:
    run = Crashes(place, rng)
    run.run([crashes.kill_scheduler] * 8 * SCALE)
    found = told(run.log)
    assert found["Traceback"] == 0, run.tail()
    assert found["starts"] >= 3, "it was done before it was killed"


def test_every_other_kill_and_stop_does_no_harm_either(
    place: Place, rng: random.Random
) -> None:
    run = Crashes(place, rng)
    faults = crashes.ALL * SCALE
    rng.shuffle(faults)
    run.run(faults)
    assert told(run.log)["Traceback"] == 0, run.tail()
