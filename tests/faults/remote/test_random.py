"""Many faults in one life of a pool of workers: no task twice at once, none lost."""

import random

import pytest

from tests.e2e.program import Place
from tests.faults.remote.namespaces import need_namespaces
from tests.faults.remote.scenarios import (
    Size,
    cables,
    connections,
    processes,
    starts,
)
from tests.faults.seeds import SCALE

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400 * SCALE)]


def test_whoever_is_killed_stopped_and_frozen(place: Place, rng: random.Random) -> None:
    run = processes(place, rng, Size(times=SCALE))
    assert len(run.faults) >= 17 * SCALE


def test_whatever_becomes_of_connections(place: Place, rng: random.Random) -> None:
    run = connections(place, rng, Size(times=SCALE))
    assert len(run.faults) >= 14 * SCALE


def test_whatever_becomes_of_cables(place: Place, rng: random.Random) -> None:
    need_namespaces()
    run = cables(place, rng, Size(times=SCALE))
    assert len(run.faults) >= 9 * SCALE


def test_a_scheduler_starts_while_a_worker_is_away(
    place: Place, rng: random.Random
) -> None:
    run = starts(place, rng, Size(times=SCALE))
    assert len(run.faults) >= 8 * SCALE
