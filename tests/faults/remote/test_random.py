"""Many faults in one life of a pool of workers: no task twice at once, none lost."""

import random

import pytest

from tests.e2e.program import Place
from tests.faults.remote.namespaces import need_namespaces
from tests.faults.remote.scenarios import cables, connections, processes
from tests.faults.seeds import SCALE

pytestmark = [pytest.mark.slow, pytest.mark.timeout(200 * SCALE)]


def test_whoever_is_killed_stopped_and_frozen(place: Place, rng: random.Random) -> None:
    run = processes(place, rng, SCALE)
    assert len(run.faults) >= 17 * SCALE


def test_whatever_becomes_of_connections(place: Place, rng: random.Random) -> None:
    run = connections(place, rng, SCALE)
    assert len(run.faults) >= 14 * SCALE


def test_whatever_becomes_of_cables(place: Place, rng: random.Random) -> None:
    need_namespaces()
    run = cables(place, rng, SCALE)
    assert len(run.faults) >= 9 * SCALE
