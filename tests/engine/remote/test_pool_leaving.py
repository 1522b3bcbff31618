"""A worker that says that it ends is not waited for."""

from bistro_tui.engine.remote.pool_actions import SendSuicide, WorkersAreOthers
from bistro_tui.engine.remote.worker_state import WorkerState
from tests.engine.remote.pools import Driver, running, worker

W1 = worker()
W2 = worker("w2", rand=2, host="host2")


def leaves(driver: Driver, *, is_over: bool) -> bool:
    """Let W1 say so; return whether others hear of it."""
    actions = driver.pool.leaving("w1", W1.id, driver.now, is_over=is_over)
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
    assert [row.state for row in driver.pool.rows()] == [WorkerState.MUST_DIE]


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
    assert driver.pool.leaving("w1", W2.id, driver.now, is_over=True) == []
    assert driver.pool.leaving("w9", W1.id, driver.now, is_over=True) == []
    row = driver.pool.row("w1")
    assert row is not None
    assert row.takes_tasks
