"""Workers that were lost are shown for a while, and then forgotten."""

import pytest

from bistro_tui.engine.remote import lost
from bistro_tui.engine.remote.identity import NO_SET
from bistro_tui.engine.remote.lost import KEPT_SEC, MOST_LOST
from bistro_tui.engine.remote.messages import PROTOCOL_VERSION, HeartbeatReply
from bistro_tui.engine.remote.pool_actions import (
    SendSuicide,
    Verdict,
    WorkersAreOthers,
)
from bistro_tui.engine.remote.worker_state import WorkerState
from tests.engine.remote.pools import SCHEDULER, Driver, of_kind, running, worker

W1 = worker()
W2 = worker("w2", rand=2, host="host2")
OTHER = worker(started=50, rand=9, host="elsewhere")


def with_one_lost() -> Driver:
    driver = Driver()
    driver.healthy(W1)
    driver.tick(36)
    driver.tick(101)
    assert [row.state for row in driver.pool.rows()] == [WorkerState.MUST_DIE]
    return driver


def test_a_lost_worker_is_forgotten_an_hour_after_it_was_lost() -> None:
    driver = with_one_lost()
    assert driver.tick(KEPT_SEC - 1) == []
    assert driver.pool.row("w1") is not None
    assert driver.tick(1) == [WorkersAreOthers()]
    assert driver.pool.rows() == ()


def test_one_that_was_forgotten_is_told_to_end_itself_and_never_comes_back() -> None:
    driver = with_one_lost()
    driver.tick(KEPT_SEC)
    for _ in range(3):
        reply, actions = driver.pool.heartbeat(W1, NO_SET, PROTOCOL_VERSION, driver.now)
        reason = "Current worker was already lost"
        assert actions == [SendSuicide("w1", W1.id, reason)]
        # One that never heard an answer obeys nobody who just asks it to end itself.
        assert isinstance(reply, HeartbeatReply)
        assert (reply.id, reply.worker_state) == (SCHEDULER, WorkerState.MUST_DIE)
        driver.tick(5)
    assert driver.pool.rows() == ()


def test_another_instance_has_the_shard_then_and_agrees_on_a_set_without_it() -> None:
    driver = with_one_lost()
    driver.tick(KEPT_SEC)
    driver.healthy(OTHER, W2)
    found = [(row.id, row.state) for row in driver.pool.rows()]
    healthy = WorkerState.HEALTHY
    assert found == [(OTHER.id, healthy), (W2.id, healthy)]


def test_those_that_are_not_lost_are_never_forgotten() -> None:
    driver = Driver()
    driver.healthy(W1)
    driver.tick(36)
    (row,) = driver.pool.rows()
    assert row.state is WorkerState.UNHEALTHY
    driver.tick(10 * KEPT_SEC)
    assert [one.state for one in driver.pool.rows()] == [WorkerState.MUST_DIE]


def test_one_of_which_an_end_is_not_on_disk_yet_is_not_forgotten() -> None:
    driver = Driver()
    driver.healthy(W1)
    driver.dispatch(running())
    assert driver.end(running(), W1).verdict is Verdict.ENDED
    driver.tick(36)
    driver.tick(101)
    driver.tick(KEPT_SEC)
    assert driver.pool.row("w1") is not None
    driver.pool.settled(running().task, running().invocation)
    driver.tick(5)
    assert driver.pool.row("w1") is None


def test_of_very_many_lost_ones_the_oldest_are_forgotten_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert MOST_LOST == 1_000
    monkeypatch.setattr(lost, "MOST_LOST", 2)
    driver = Driver()
    ones = [worker(f"w{n}", rand=n, host=f"h{n}") for n in range(1, 6)]
    for one in ones[::-1]:
        driver.beat(one)
        driver.tick(5)
    driver.tick(101 - 10)
    actions = driver.tick(100)
    assert [row.shard for row in driver.pool.rows()] == ["w2", "w1"]
    assert of_kind(actions, WorkersAreOthers) == [WorkersAreOthers()]
    for one in ones:
        reply, _ = driver.pool.heartbeat(one, NO_SET, PROTOCOL_VERSION, driver.now)
        assert isinstance(reply, HeartbeatReply)
        assert reply.worker_state == WorkerState.MUST_DIE
    assert [row.shard for row in driver.pool.rows()] == ["w2", "w1"]
