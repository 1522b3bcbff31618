"""Who is gone is told in earnest once it is on disk what was lost with it.

A scheduler that finds workers which agree on a set does not wait for others. So those
others must have left statuses that have their tasks wait, or nothing that is alive.
"""

from collections.abc import Callable
from dataclasses import replace

import pytest

from bistro_tui.engine.remote.messages import Worker
from bistro_tui.engine.remote.pool_actions import SendHealthcheck, StatusKind
from bistro_tui.engine.remote.worker_state import WorkerState
from tests.engine.remote.pools import TIMES, Driver, of_kind, running, worker

W1 = worker()
W2 = worker("w2", rand=2, host="host2")
AGAIN = worker(started=2)
"""The next one on the first's host, which is proven dead."""
BUMPS = worker(started=3, rand=3, host="host3")


def dies(driver: Driver) -> None:
    driver.beat(AGAIN)


def is_bumped(driver: Driver) -> None:
    driver.tick(36)
    driver.beat(BUMPS)


def is_lost(driver: Driver) -> None:
    while state_of(driver, "w1") is not WorkerState.MUST_DIE:
        for check in of_kind(driver.tick(5) + driver.beat(W2), SendHealthcheck):
            if check.shard == "w2":
                driver.check_ended(W2, check.number, StatusKind.DONE)


def state_of(driver: Driver, shard: str) -> WorkerState:
    row = driver.pool.row(shard)
    assert row is not None
    return row.state


def played(what: Callable[[Driver], None], *tasks: str) -> Driver:
    driver = Driver(replace(TIMES, allow_bump_unhealthy_worker=True))
    driver.healthy(W1, W2)
    for number, node in enumerate(tasks, start=1):
        driver.dispatch(running(node, attempt=number))
    what(driver)
    return driver


def can_be_agreed_on(driver: Driver, one: Worker) -> bool:
    """Return whether the set that this one is told has just those who are there."""
    driver.beat(one)
    rows = driver.pool.rows()
    there = sum(row.state is not WorkerState.MUST_DIE for row in rows)
    return driver.stored[one.id].hash.number == there


@pytest.mark.parametrize("what", [dies, is_bumped, is_lost])
def test_no_set_can_be_agreed_on_until_all_that_was_lost_is_on_disk(
    what: Callable[[Driver], None],
) -> None:
    driver = played(what, "n1", "n2")
    found = [can_be_agreed_on(driver, W2)]
    for number in (1, 2):
        driver.pool.lost_is_stored(running(attempt=number).invocation)
        found.append(can_be_agreed_on(driver, W2))
    assert found == [False, False, True]


@pytest.mark.parametrize("what", [dies, is_bumped, is_lost])
def test_one_that_had_no_task_is_gone_at_once(what: Callable[[Driver], None]) -> None:
    assert can_be_agreed_on(played(what), W2)


def test_what_is_stored_before_it_is_lost_is_of_no_use_then() -> None:
    driver = played(lambda driver: None, "n1")
    driver.pool.lost_is_stored(running().invocation)
    is_lost(driver)
    assert not can_be_agreed_on(driver, W2)


@pytest.mark.parametrize("what", [dies, is_lost])
def test_what_is_never_stored_counts_until_it_must_have_died(
    what: Callable[[Driver], None],
) -> None:
    driver = played(what, "n1")
    driver.tick(65)
    found = [can_be_agreed_on(driver, W2)]
    driver.tick(1)
    found.append(can_be_agreed_on(driver, W2))
    assert found == [False, True]


def test_others_become_healthy_while_nothing_can_be_stored() -> None:
    driver = played(is_lost, "n1")
    w3 = worker("w3", rand=7, host="host7")
    driver.initialised(w3)
    for _ in range(2):
        driver.beat(w3)
        driver.beat(W2)
    driver.tick()
    assert state_of(driver, "w3") is WorkerState.HEALTHY
    assert not can_be_agreed_on(driver, W2)


def test_each_change_is_a_version_so_all_are_told_soon() -> None:
    driver = played(lambda driver: None, "n1")
    versions = [driver.pool.set_version]
    is_lost(driver)
    versions.append(driver.pool.set_version)
    for _ in range(2):
        driver.pool.lost_is_stored(running().invocation)
        versions.append(driver.pool.set_version)
    first = versions[0]
    assert versions == [first, first + 1, first + 2, first + 2]
