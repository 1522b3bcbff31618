"""A cluster in which everything goes wrong keeps what it promises."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from bistro_tui.engine.remote.pool import Pool
from tests.engine.remote.sim.machine import ClusterUnderFaults
from tests.engine.remote.sim.mutants import MUTANTS, Mutant
from tests.engine.remote.sim.truth import Broken
from tests.engine.remote.sim.world import Rules, fresh_world, random_walk
from tests.faults.seeds import SCALE, chosen_seed

STEPS = 100


def test_whatever_goes_wrong_nothing_runs_twice_and_nothing_is_lost() -> None:
    run_state_machine_as_test(
        ClusterUnderFaults,
        settings=settings(
            max_examples=25 * SCALE,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_a_long_walk_through_faults_breaks_nothing() -> None:
    first, starts = chosen_seed(), 0
    print(f"seeds from {first}: FAULT_SEED={first} replays them")
    for seed in range(first, first + 40 * SCALE):
        starts += random_walk(seed, None, STEPS).truth.starts
    assert starts > 500 * SCALE


def _try_often(mutant: Mutant) -> None:
    for seed in range(mutant.seed, mutant.seed + 60):
        if mutant.story is None:
            random_walk(seed, mutant.rules, STEPS)
        else:
            mutant.story(fresh_world(seed, mutant.rules))


@pytest.mark.parametrize("name", MUTANTS)
def test_a_guard_that_is_missing_is_found(name: str) -> None:
    mutant = MUTANTS[name]
    with pytest.raises(Broken):
        _try_often(mutant)


@pytest.mark.parametrize("name", [name for name, one in MUTANTS.items() if one.story])
def test_the_story_that_finds_a_missing_guard_does_no_harm_with_it(name: str) -> None:
    rules = replace(MUTANTS[name].rules, pool=Pool)
    _try_often(replace(MUTANTS[name], rules=rules))


def test_two_workers_that_want_one_shard_do_no_harm() -> None:
    for seed in range(10 * SCALE):
        random_walk(seed, Rules(shards=("a", "a", "b")), STEPS)
