"""A worker that says that it ends is not waited for."""

from bistro_tui.engine.remote.messages import Leaving
from bistro_tui.engine.remote.pool_actions import (
    SendHealthcheck,
    SendSuicide,
    WorkersAreOthers,
)
from bistro_tui.engine.remote.worker_state import WorkerState
from tests.engine.remote.pools import Driver, of_kind, running, worker

W1 = worker()
W2 = worker("w2", rand=2, host="host2")


def leaves(driver: Driver, *, is_over: bool, reason: str = "") -> bool:
    """Let W1 say so; return whether others hear of it."""
    message = Leaving(is_over, reason)
    actions = driver.pool.leaving("w1", W1.id, driver.now, message)
    assert actions in ([], [WorkersAreOthers()])
    return bool(actions)


def test_it_gets_nothing_more_once_it_begins_to_end() -> None:
    driver = Driver()
    driver.healthy(W1)
    assert leaves(driver, is_over=False)
    driver.tick(5)
    row = driver.pool.row("w1")
    assert row is not None
    assert (row.takes_tasks, row.why_not) == (False, "it is ending")
    refusal, _ = driver.pool.dispatched(running(), driver.now)
    assert refusal == "worker w1 takes no tasks: it is ending"


def test_it_gets_no_health_check_either_for_it_would_refuse_it() -> None:
    driver = Driver()
    driver.healthy(W1)
    assert of_kind(driver.tick(10), SendHealthcheck)
    leaves(driver, is_over=False)
    assert not of_kind(driver.tick(10), SendHealthcheck)
    assert not of_kind(driver.beat(W1), SendHealthcheck)


def test_one_that_has_left_is_no_member_any_more_so_another_can_become_healthy() -> (
    None
):
    driver = Driver()
    driver.healthy(W1)
    assert leaves(driver, is_over=True)
    driver.healthy(W2)
    left, there = driver.pool.rows()
    assert (left.state, left.why_not) == (WorkerState.MUST_DIE, "it has left")
    assert there.takes_tasks


def test_one_that_has_a_task_as_far_as_is_known_stays_until_it_is_lost() -> None:
    driver = Driver()
    driver.healthy(W1)
    driver.dispatch(running())
    assert leaves(driver, is_over=True)
    assert [row.running for row in driver.pool.rows()] == [1]
    driver.tick(36)
    driver.tick(101)
    (row,) = driver.pool.rows()
    assert (row.state, row.why_not) == (WorkerState.MUST_DIE, "lost")


def test_one_that_nobody_asked_to_end_says_why_it_has() -> None:
    driver = Driver()
    driver.healthy(W1)
    leaves(driver, is_over=False, reason="it was\x1b[2J\nunhealthy")
    (row,) = driver.pool.rows()
    assert row.why_not == "it is ending: it was�[2J unhealthy"
    leaves(driver, is_over=True, reason="it was unhealthy")
    (row,) = driver.pool.rows()
    assert row.state is WorkerState.MUST_DIE
    assert row.why_not == "it has ended itself: it was unhealthy"


def test_the_instance_that_left_never_comes_back() -> None:
    driver = Driver()
    driver.healthy(W1)
    leaves(driver, is_over=True)
    for _ in range(2):
        actions = driver.beat(W1)
        reason = "Current worker was already lost"
        assert actions == [SendSuicide("w1", W1.id, reason)]
        driver.tick(5)


def test_nobody_can_say_it_for_another_instance() -> None:
    driver = Driver()
    driver.healthy(W1)
    message = Leaving(is_over=True)
    assert driver.pool.leaving("w1", W2.id, driver.now, message) == []
    assert driver.pool.leaving("w9", W1.id, driver.now, message) == []
    row = driver.pool.row("w1")
    assert row is not None
    assert row.takes_tasks


def test_others_hear_that_one_that_took_no_tasks_anyway_ends_or_is_gone() -> None:
    # Else tasks would wait for it.
    driver = Driver()
    driver.healthy(W1)
    driver.tick(36)
    assert leaves(driver, is_over=False)
    (row,) = driver.pool.rows()
    assert (row.takes_tasks, row.is_leaving) == (False, True)
    assert leaves(driver, is_over=True)

    driver = Driver()
    driver.healthy(W1)
    driver.tick(36)
    assert WorkersAreOthers() in driver.tick(101)
    (row,) = driver.pool.rows()
    assert (row.state, row.is_leaving) == (WorkerState.MUST_DIE, False)
