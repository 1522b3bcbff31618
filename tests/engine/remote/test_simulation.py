"""A cluster in which everything goes wrong keeps what it promises."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from bistro_tui.engine.remote.pool import Pool
from tests.engine.remote.sim.core_node import CoreNode
from tests.engine.remote.sim.disk import Disk
from tests.engine.remote.sim.machine import ClusterUnderFaults
from tests.engine.remote.sim.mutants import BUMPING, MUTANTS, GoesBySets, Mutant
from tests.engine.remote.sim.scheduler_node import SchedulerNode
from tests.engine.remote.sim.truth import Broken
from tests.engine.remote.sim.world import TIMES, Rules, World, fresh_world, random_walk
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


def test_with_the_real_core_limits_and_retries_hold_whatever_is_edited() -> None:
    first, starts = chosen_seed(), 0
    print(f"seeds from {first}: FAULT_SEED={first} replays them")
    rules = Rules(scheduler=CoreNode, tasks=7)
    for seed in range(first, first + 20 * SCALE):
        starts += random_walk(seed, rules, STEPS).truth.starts
    assert starts > 250 * SCALE


def test_an_end_told_again_takes_no_newer_ones_place() -> None:
    # It was stored and not acknowledged when its scheduler died, and the newer one's.
    weights = {"crash_scheduler": 4.0, "crash_worker": 4.0}
    random_walk(50_468, Rules(scheduler=GoesBySets, weights=weights), STEPS)


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
    rules = replace(MUTANTS[name].rules, pool=Pool, disk=Disk, trusts_blindly=False)
    if not issubclass(rules.scheduler, CoreNode):
        rules = replace(rules, scheduler=SchedulerNode)
    _try_often(replace(MUTANTS[name], rules=rules))


def test_schedulers_that_die_before_they_give_a_task_cost_the_next_no_time() -> None:
    assert TIMES.safe_initial_wait > 17.0
    died_in_vain = 0
    for seed in range(20 * SCALE):
        world = World(seed, Rules(weights={"crash_scheduler": 3.0}))
        for _ in range(5):
            world.run_for(world.rng.uniform(0.0, 2.0))
            world.crash_scheduler()
            had_workers = world.scheduler.pool.has_workers
            died_in_vain += had_workers and world.disk.served.safe_wait is None
            world.start_scheduler()
        if world.disk.served.safe_wait is None:
            # A stream that was half open is noticed by then.
            world.run_for(14.0)
            assert not world.scheduler.pool.wait_text
        for _ in range(STEPS // 2):
            world.any_fault()
            world.run_for(world.rng.choice((0.1, 1.0, 5.0)))
        world.settle()
    assert died_in_vain > 10 * SCALE


def _go_on(world: World, seconds: int) -> None:
    for _ in range(seconds):
        world.run_for(1.0)


def test_hosts_that_boot_anew_do_no_harm() -> None:
    weights = {"reboot": 3.0, "crash_scheduler": 3.0}
    for seed in range(10 * SCALE):
        for is_together in (False, True):
            rules = Rules(scheduler=CoreNode, is_together=is_together, weights=weights)
            random_walk(seed, rules, STEPS)


@pytest.mark.parametrize("is_together", [True, False])
def test_what_boots_with_its_scheduler_costs_the_next_start_no_time(
    is_together: bool,
) -> None:
    tries = short = 0
    for seed in range(20 * SCALE):
        rules = Rules(is_together=is_together, shards=("a",), keeps_order=True)
        world = fresh_world(seed, rules)
        _go_on(world, 8)
        world.crash_scheduler()
        world.reboot(world.hosts[0])
        world.start_scheduler()
        tries += world.disk.served.safe_wait is not None
        _go_on(world, 9)
        short += not world.scheduler.pool.wait_text
        world.settle()
    # Elsewhere nobody can tell a boot from a copy.
    assert tries > 10 * SCALE
    assert short == (20 * SCALE if is_together else 20 * SCALE - tries)


def test_runs_that_follow_each_other_cost_the_next_start_no_time() -> None:
    for seed in range(20 * SCALE):
        world = fresh_world(seed, Rules(keeps_order=True))
        world.crash_scheduler()
        for _ in range(world.rng.choice((1, 2))):
            for worker in world.workers:
                if world.rng.random() < 0.7:
                    worker.crash()
            _go_on(world, 4)
        world.start_scheduler()
        world.run_for(world.rng.uniform(0.0, 2.0))
        # A stop within the wait changes nothing of that.
        world.crash_scheduler()
        world.start_scheduler()
        _go_on(world, 12)
        assert not world.scheduler.pool.wait_text, world.scheduler.pool.awaited
        world.settle()


def test_two_workers_that_want_one_shard_do_no_harm() -> None:
    for seed in range(10 * SCALE):
        random_walk(seed, Rules(shards=("a", "a", "b")), STEPS)


def test_a_worker_that_bumps_another_one_does_no_harm() -> None:
    # With the real core: that tasks wait has to outlive the scheduler.
    rules = Rules(scheduler=CoreNode, times=BUMPING, shards=("a", "a", "b"))
    for seed in range(10 * SCALE):
        random_walk(seed, rules, STEPS)


def test_schedulers_that_follow_each_other_may_have_other_times() -> None:
    rules = Rules(
        scheduler=CoreNode,
        weights={"crash_scheduler": 3.0},
        later=tuple(
            replace(
                TIMES,
                suicide_task_kill_wait_ms=wait_ms,
                lose_unhealthy_worker_after=lose,
            )
            for wait_ms in (500, 2_000, 9_000)
            for lose in (6.0, 8.0, 20.0)
        ),
    )
    for seed in range(10 * SCALE):
        random_walk(seed, rules, STEPS)
