"""The judge of pools notices each guard that is taken away from the program."""

import random
from collections.abc import Callable

import pytest

from tests.e2e.program import Place
from tests.faults.remote.cluster import Cluster
from tests.faults.remote.faults import (
    AWAY,
    WIRES,
    Fault,
    disturb,
    frozen_past_its_lease,
    of_worker,
    start_without_one,
)
from tests.faults.remote.mutants import MUTANTS
from tests.faults.remote.network import Proxied
from tests.faults.remote.programs import Worker
from tests.faults.remote.times import TAKEN_OVER, scaled
from tests.faults.seeds import SCALE

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400 * SCALE)]

AGAIN = 4
"""How often each fault may happen until it is noticed; mostly once is enough."""
VERY_LONG_LEASE = scaled(15.0, ((4.0, 6.0), (6.0, 8.0), (8.0, 10.0), (10.0, 12.0)))
"""A scheduler has started long before, also on a busy machine."""
FREEZES = (of_worker(frozen_past_its_lease),)


def freeze_who_begins_long_tasks(run: Cluster, deck: list[Fault]) -> None:
    """Let each of these happen to a worker whose tasks do not end by themselves."""
    known: set[str] = set()

    def who_begins() -> list[Worker]:
        return [one for one in run.workers if run.long_tasks(one) - known]

    for fault in deck:
        run.wait_until(who_begins, run.times.to_work)
        chosen = who_begins()
        known |= {task for one in run.workers for task in run.long_tasks(one)}
        disturb(run, [fault], chosen)


FOUND_BY: dict[str, tuple[Callable[[Cluster, list[Fault]], None], tuple[Fault, ...]]]
FOUND_BY = {
    "initial_wait": (start_without_one, AWAY),
    "consensus": (start_without_one, AWAY),
    "lease": (freeze_who_begins_long_tasks, FREEZES),
    "adoption": (start_without_one, AWAY),
    "unknown": (disturb, WIRES),
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_missing_guard_is_noticed(
    mutant: str, place: Place, rng: random.Random
) -> None:
    happen, deck = FOUND_BY[mutant]
    times = VERY_LONG_LEASE if happen is start_without_one else TAKEN_OVER
    run = Cluster(place, rng, Proxied(), times=times, mutant=mutant)
    noticed = "two copies at once|alive after their lease"
    with pytest.raises(AssertionError, match=noticed), run.judged():
        happen(run, [*deck] * AGAIN)
