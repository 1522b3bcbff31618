import math
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from bistro_tui.engine.remote.clamping import clamped
from bistro_tui.engine.remote.gone import MAX_GONE, Gone
from bistro_tui.engine.remote.identity import NO_SET, NOBODY, InstanceId, WorkerSetId
from bistro_tui.engine.remote.messages import (
    PROTOCOL_VERSION,
    HeartbeatReply,
    Usable,
    Worker,
)
from bistro_tui.engine.remote.pool_actions import (
    FetchRunning,
    LostTask,
    SendHealthcheck,
    SendSuicide,
    StatusKind,
    TasksLost,
    WaitIs,
    Warn,
    WorkersAreOthers,
)
from bistro_tui.engine.remote.times import PoolTimes
from bistro_tui.engine.remote.worker_state import WorkerState
from tests.engine.remote.pools import (
    EARLIER,
    OTHER_SET,
    SCHEDULER,
    TIMES,
    Driver,
    initial_set,
    of_kind,
    running,
    shorter,
    worker,
)

W1 = worker()
W2 = worker("w2", rand=2, host="host2")
RIVAL = worker(started=50, rand=9, host="elsewhere")
SUCCESSOR = worker(started=50, rand=9)


def state(driver: Driver, shard: str = "w1") -> WorkerState:
    row = driver.pool.row(shard)
    assert row is not None
    return row.state


def lost_after(driver: Driver) -> float:
    row = driver.pool.row("w1")
    assert row is not None
    return row.lost_after


def owner(driver: Driver, shard: str = "w1") -> InstanceId:
    row = driver.pool.row(shard)
    assert row is not None
    return row.id


def reply_to(driver: Driver, one: Worker) -> HeartbeatReply:
    reply, _ = driver.pool.heartbeat(one, NO_SET, PROTOCOL_VERSION, driver.now)
    assert isinstance(reply, HeartbeatReply)
    return reply


# Versions, nonsense, replies.


@pytest.mark.parametrize("version", [0, 1, 3])
def test_another_protocol_version_is_refused_and_nothing_else_happens(
    version: int,
) -> None:
    driver = Driver()
    reply, actions = driver.pool.heartbeat(W1, NO_SET, version, 0.0)
    assert reply == (
        "Worker-scheduler protocol version mismatch: "
        f"{version} is not compatible with 2"
    )
    assert actions == []
    assert driver.pool.rows() == ()


def test_a_worker_that_cannot_be_what_it_says_is_refused() -> None:
    driver = Driver()
    wrong = msgspec.structs.replace(W1, heartbeat_period_sec=math.nan)
    text, actions = driver.refused(wrong)
    assert "period" in text
    assert actions == []
    assert driver.pool.rows() == ()


def test_a_reply_carries_the_settings_and_the_set_with_the_worker_in_it() -> None:
    driver = Driver()
    reply = reply_to(driver, W1)
    assert reply.id == reply.worker_set.scheduler == SCHEDULER
    assert (reply.max_healthcheck_gap, reply.heartbeat_grace_period) == (35, 20)
    assert (reply.lose_unhealthy_worker_after, reply.worker_check_interval) == (100, 5)
    assert reply.suicide_kill_wait_ms == 5_000
    assert reply.worker_state == 0
    assert reply.protocol_version == PROTOCOL_VERSION
    # While the initial wait lasts, somebody is in it who never comes.
    assert (reply.worker_set.version, reply.worker_set.hash.number) == (1, 2)


def test_the_age_of_the_newest_good_health_check_counts_from_when_it_was_sent() -> None:
    driver = Driver()
    actions = driver.beat(W1)
    assert reply_to(driver, W1).healthcheck_age is None
    driver.now = 3.0
    driver.check_is_good(W1, actions)
    driver.now = 7.0
    assert reply_to(driver, W1).healthcheck_age == 7.0


@pytest.mark.parametrize("value", [0.0, -1.0])
def test_a_period_that_is_not_above_0_counts_as_1(value: float) -> None:
    names = (
        "heartbeat_grace_period",
        "healthcheck_period",
        "healthcheck_grace_period",
        "lose_unhealthy_worker_after",
        "worker_check_interval",
        "suicide_backoff_safety_margin_sec",
        "unsure_if_running_check_initial_period",
    )
    changes: dict[str, Any] = dict.fromkeys(names, value)
    found = clamped(replace(PoolTimes(), **changes))
    assert [getattr(found, name) for name in names] == [1.0] * len(names)


def test_a_fraction_of_a_second_is_taken_as_it_is() -> None:
    assert clamped(shorter(healthcheck_period=0.1)).healthcheck_period == 0.1


# Who has the shard.


def test_the_first_heartbeat_asks_what_runs_and_how_it_is() -> None:
    driver = Driver()
    actions = driver.beat(W1)
    assert state(driver) is WorkerState.NEW
    assert actions == [
        SendHealthcheck("w1", W1.id, is_new=True, number=1, sent_at=0.0),
        WorkersAreOthers(),
        FetchRunning("w1", W1.id),
    ]


def test_what_runs_is_asked_until_it_is_answered() -> None:
    driver = Driver()
    driver.beat(W1)
    fetch = FetchRunning("w1", W1.id)
    assert fetch in driver.beat(W1)
    assert fetch in driver.tick(5)
    assert driver.report(W1, None) == []
    assert fetch in driver.tick(5)
    driver.report(W1)
    assert fetch not in driver.tick(5)


def test_the_same_instance_is_refreshed() -> None:
    driver = Driver()
    driver.beat(W1)
    more = msgspec.structs.replace(W1, usable=Usable(cpu_cores=4.0), slots=3)
    driver.now = 9.0
    assert WorkersAreOthers() in driver.beat(more)
    row = driver.pool.row("w1")
    assert row is not None
    assert (row.usable.cpu_cores, row.slots, row.last_heartbeat) == (4.0, 3, 9.0)
    assert WorkersAreOthers() not in driver.beat(more)


def test_a_late_heartbeat_of_an_older_instance_is_refused_and_changes_nothing() -> None:
    driver = Driver()
    driver.healthy(SUCCESSOR)
    text, actions = driver.refused(W1)
    assert text == "Worker shouldn't associate with this scheduler"
    assert of_kind(actions, SendSuicide) == []
    assert len(of_kind(actions, Warn)) == 1
    assert owner(driver) == SUCCESSOR.id


def test_a_newer_instance_with_the_same_lock_takes_over_and_its_tasks_are_lost() -> (
    None
):
    driver = Driver()
    driver.healthy(W1)
    driver.dispatch(running())
    before = driver.stored[W1.id].version
    actions = driver.beat(SUCCESSOR)
    assert of_kind(actions, SendSuicide) == []
    assert of_kind(actions, TasksLost) == [TasksLost((LostTask(running(), 66),))]
    kinds = [type(action) for action in actions]
    assert kinds.index(TasksLost) < kinds.index(FetchRunning)
    assert kinds.index(WorkersAreOthers) < kinds.index(TasksLost)
    assert state(driver) is WorkerState.NEW
    assert driver.stored[SUCCESSOR.id].version == before + 2


def test_two_instances_of_one_second_are_told_of_and_the_later_one_counts() -> None:
    driver = Driver()
    driver.beat(W1)
    actions = driver.beat(worker(started=1, rand=8))
    assert len(of_kind(actions, Warn)) == 1
    assert owner(driver) == worker(started=1, rand=8).id


@pytest.mark.parametrize("may_bump", [False, True])
def test_a_healthy_worker_keeps_its_shard_and_the_other_one_is_told_to_die(
    may_bump: bool,
) -> None:
    driver = Driver(replace(TIMES, allow_bump_unhealthy_worker=may_bump))
    driver.healthy(W1)
    text, actions = driver.refused(RIVAL)
    assert text == "Worker shouldn't associate with this scheduler"
    assert actions == [SendSuicide("w1", RIVAL.id, "The old worker is still okay")]
    assert owner(driver) == W1.id


def test_one_that_is_new_keeps_its_shard_unless_that_may_be_bumped() -> None:
    driver = Driver()
    driver.beat(W1)
    driver.refused(RIVAL)
    driver = Driver(replace(TIMES, allow_bump_unhealthy_worker=True))
    driver.beat(W1)
    reason = "Current unhealthy worker was replaced"
    assert SendSuicide("w1", W1.id, reason) in driver.beat(RIVAL)
    assert owner(driver) == RIVAL.id


def test_one_that_just_lacks_consensus_may_be_bumped_too() -> None:
    driver = Driver(replace(TIMES, allow_bump_unhealthy_worker=True))
    driver.initialised(W1)
    driver.tick()
    reason = "Current unhealthy worker was replaced"
    assert SendSuicide("w1", W1.id, reason) in driver.beat(RIVAL)


def test_one_that_is_lost_at_this_moment_is_replaced_before_any_tick() -> None:
    driver = Driver()
    driver.healthy(W1)
    driver.dispatch(running())
    driver.tick(36)
    assert state(driver) is WorkerState.UNHEALTHY
    driver.now += 100.5
    actions = driver.beat(RIVAL)
    assert SendSuicide("w1", W1.id, "Current lost worker was replaced") in actions
    assert of_kind(actions, TasksLost) == [TasksLost((LostTask(running(), 66),))]


def test_replacing_one_that_was_lost_already_is_one_version_more() -> None:
    driver = Driver()
    driver.healthy(W1)
    driver.tick(36)
    driver.tick(101)
    assert state(driver) is WorkerState.MUST_DIE
    before = driver.stored[W1.id].version + 1
    actions = driver.beat(RIVAL)
    assert SendSuicide("w1", W1.id, "Current lost worker was replaced") in actions
    assert of_kind(actions, TasksLost) == []
    assert driver.stored[RIVAL.id].version == before + 1


def test_a_lost_worker_that_is_heard_of_is_told_so_and_stays_lost() -> None:
    driver = Driver()
    driver.healthy(W1)
    driver.tick(36)
    driver.tick(101)
    for _ in range(3):
        actions = driver.beat(W1)
        assert actions == [SendSuicide("w1", W1.id, "Current worker was already lost")]
        assert reply_to(driver, W1).worker_state == 3
        assert driver.tick(5) == []


def test_one_that_was_replaced_never_gets_its_shard_back() -> None:
    driver = Driver()
    driver.healthy(W1)
    driver.tick(36)
    driver.tick(101)
    driver.beat(RIVAL)
    driver.tick(101)
    assert state(driver) is WorkerState.MUST_DIE
    text, actions = driver.refused(W1)
    assert text == "Worker shouldn't associate with this scheduler"
    assert actions == [SendSuicide("w1", W1.id, "Current lost worker was replaced")]
    assert owner(driver) == RIVAL.id


def test_two_that_may_be_bumped_do_not_take_turns() -> None:
    driver = Driver(replace(TIMES, allow_bump_unhealthy_worker=True))
    driver.beat(W1)
    driver.beat(RIVAL)
    _, actions = driver.refused(W1)
    reason = "Current unhealthy worker was replaced"
    assert actions == [SendSuicide("w1", W1.id, reason)]


def test_those_that_were_replaced_are_remembered_up_to_a_number() -> None:
    gone = Gone()
    for number in range(MAX_GONE + 2):
        gone.add(InstanceId(number, 0), f"reason {number}")
    assert gone.reason(InstanceId(1, 0)) == ""
    assert gone.reason(InstanceId(2, 0)) == "reason 2"


def test_of_those_that_were_replaced_who_still_speaks_is_remembered_longest() -> None:
    gone = Gone()
    for number in range(2 * MAX_GONE):
        gone.add(InstanceId(number, 0), f"reason {number}")
        assert gone.reason(InstanceId(0, 0)) == "reason 0"


def test_a_worker_that_is_lost_is_none_of_the_set_any_more() -> None:
    driver = Driver()
    driver.beat(W2)
    driver.tick(60)
    driver.beat(W1)
    before = reply_to(driver, W1).worker_set.hash.number
    driver.tick(41)
    assert reply_to(driver, W1).worker_set.hash.number == before - 1


def test_a_worker_set_that_is_wrong_is_told_of_and_ignored() -> None:
    driver = Driver()
    driver.beat(W1)
    (warning,) = of_kind(driver.beat(W1, OTHER_SET), Warn)
    assert "w1" in warning.text
    assert state(driver) is WorkerState.NEW


# Evaluation.


def test_a_single_worker_is_healthy_after_two_heartbeats_and_a_look() -> None:
    driver = Driver()
    driver.initialised(W1)
    driver.beat(W1)
    assert state(driver) is WorkerState.UNHEALTHY
    driver.tick()
    assert state(driver) is WorkerState.HEALTHY


def test_nobody_takes_tasks_before_the_initial_wait_is_over_and_then_it_is_told() -> (
    None
):
    # Else a scheduler whose own host need not wait would offer them again and again.
    driver = Driver(is_first_ever=False)
    driver.initialised(W1)
    for _ in range(3):
        driver.beat(W1)
        driver.tick()
    (row,) = driver.pool.rows()
    assert row.state is WorkerState.HEALTHY
    assert (row.takes_tasks, row.why_not) == (False, "the initial wait is not over")
    assert driver.pool.row("w1") == row

    driver.pool.set_exit_wait_before(timestamp_is_in_future=True)
    assert WorkersAreOthers() in driver.tick()
    (row,) = driver.pool.rows()
    assert (row.takes_tasks, row.why_not) == (True, "")


def test_it_gets_no_tasks_before_an_answer_told_it_that_it_is_healthy() -> None:
    driver = Driver()
    driver.initialised(W1)
    driver.beat(W1)
    assert WorkersAreOthers() not in driver.tick()
    row = driver.pool.row("w1")
    assert row is not None
    assert row.why_not == "it has not heard yet that it is healthy"
    assert WorkersAreOthers() in driver.beat(W1)
    driver.tick(36)
    assert state(driver) is WorkerState.UNHEALTHY
    (check,) = of_kind(driver.tick(10), SendHealthcheck)
    driver.check_ended(W1, check.number, StatusKind.DONE)
    assert WorkersAreOthers() in driver.beat(W1)


def test_or_after_a_third_heartbeat() -> None:
    driver = Driver()
    driver.initialised(W1)
    driver.beat(W1)
    driver.beat(W1)
    assert state(driver) is WorkerState.HEALTHY


def test_a_second_worker_waits_until_the_first_one_knows_of_it() -> None:
    driver = Driver()
    driver.healthy(W1)
    driver.initialised(W2)
    driver.beat(W2)
    driver.tick()
    row = driver.pool.row("w2")
    assert row is not None
    assert row.why_not == "not all workers know of it yet"
    assert row.lost_after == math.inf
    assert state(driver) is WorkerState.HEALTHY
    driver.beat(W1)
    driver.beat(W1)
    driver.tick()
    assert state(driver, "w2") is WorkerState.HEALTHY


def test_one_that_only_lacks_consensus_is_never_lost() -> None:
    driver = Driver()
    driver.initialised(W1)
    driver.initialised(W2)
    for _ in range(50):
        driver.now += 5
        checks = of_kind(driver.beat(W1) + driver.beat(W2, NO_SET), SendHealthcheck)
        for check in checks:
            driver.check_ended(
                W1 if check.shard == "w1" else W2, check.number, StatusKind.DONE
            )
        driver.tick()
        assert state(driver) is state(driver, "w2") is WorkerState.UNHEALTHY
    driver.beat(W2)
    driver.tick()
    assert state(driver) is state(driver, "w2") is WorkerState.HEALTHY


def test_who_was_healthy_once_needs_no_consensus_again() -> None:
    driver = Driver()
    driver.healthy(W1)
    driver.tick(36)
    assert state(driver) is WorkerState.UNHEALTHY
    driver.beat(W2)
    (check,) = (
        one for one in of_kind(driver.tick(10), SendHealthcheck) if one.shard == "w1"
    )
    driver.check_ended(W1, check.number, StatusKind.DONE)
    driver.beat(W1, NO_SET)
    assert state(driver) is WorkerState.HEALTHY


def test_a_heartbeat_is_fresh_up_to_its_gap_and_not_after() -> None:
    driver = Driver(shorter(healthcheck_period=1_000))
    driver.healthy(W1)
    driver.tick(30)
    assert state(driver) is WorkerState.HEALTHY
    (warning,) = of_kind(driver.tick(0.5), Warn)
    assert warning.text == "worker w1 became unhealthy: no heartbeat"
    assert state(driver) is WorkerState.UNHEALTHY


def test_a_health_check_is_fresh_up_to_its_gap_and_not_after() -> None:
    driver = Driver()
    driver.healthy(W1)
    driver.now = 35.0
    driver.beat(W1)
    assert state(driver) is WorkerState.HEALTHY
    driver.now = 35.5
    (warning,) = of_kind(driver.beat(W1), Warn)
    assert warning.text == "worker w1 became unhealthy: no good health check"


def test_a_healthy_worker_is_unhealthy_before_it_is_lost_however_late_it_is() -> None:
    driver = Driver()
    driver.healthy(W1)
    driver.dispatch(running())
    assert of_kind(driver.tick(10_000), TasksLost) == []
    assert state(driver) is WorkerState.UNHEALTHY
    assert of_kind(driver.tick(100), TasksLost) == []
    actions = driver.tick(0.5)
    assert state(driver) is WorkerState.MUST_DIE
    assert SendSuicide("w1", W1.id, "Current worker just became lost") in actions
    assert of_kind(actions, TasksLost) == [TasksLost((LostTask(running(), 66),))]


def test_a_new_worker_that_does_not_answer_is_lost() -> None:
    driver = Driver()
    driver.beat(W1)
    driver.tick(100)
    assert state(driver) is WorkerState.NEW
    driver.tick(0.5)
    assert state(driver) is WorkerState.MUST_DIE


def test_health_checks_are_sent_each_period_in_any_state() -> None:
    driver = Driver()
    (first,) = of_kind(driver.beat(W1), SendHealthcheck)
    assert first.is_new
    assert of_kind(driver.tick(9.5), SendHealthcheck) == []
    (second,) = of_kind(driver.tick(0.5), SendHealthcheck)
    assert second.is_new
    assert second.number != first.number
    driver.report(W1)
    (third,) = of_kind(driver.tick(10), SendHealthcheck)
    assert not third.is_new


def test_an_earlier_health_check_that_comes_back_late_takes_nothing_back() -> None:
    driver = Driver()
    (first,) = of_kind(driver.beat(W1), SendHealthcheck)
    (second,) = of_kind(driver.tick(10), SendHealthcheck)
    driver.check_ended(W1, second.number, StatusKind.DONE)
    driver.check_ended(W1, first.number, StatusKind.DONE)
    assert reply_to(driver, W1).healthcheck_age == 0.0


@pytest.mark.parametrize("kind", [StatusKind.OTHER, StatusKind.OVERWRITEABLE])
def test_a_health_check_that_is_not_done_does_not_count(kind: StatusKind) -> None:
    driver = Driver()
    (check,) = of_kind(driver.beat(W1), SendHealthcheck)
    assert driver.check_ended(W1, check.number, kind).text != ""
    assert reply_to(driver, W1).healthcheck_age is None


def test_a_health_check_that_was_never_sent_does_not_count() -> None:
    driver = Driver()
    driver.beat(W1)
    driver.check_ended(W1, 77, StatusKind.DONE)
    assert reply_to(driver, W1).healthcheck_age is None


# Links.


def test_a_worker_without_a_link_gets_nothing_though_its_state_stays() -> None:
    driver = Driver()
    driver.healthy(W1)
    assert driver.pool.link_lost("w1", W1.id, driver.now) == [WorkersAreOthers()]
    row = driver.pool.row("w1")
    assert row is not None
    assert (row.state, row.takes_tasks, row.why_not) == (
        WorkerState.HEALTHY,
        False,
        "not connected",
    )
    assert driver.tick(10) == []
    assert WorkersAreOthers() in driver.pool.link_up("w1", W1.id, driver.now)
    assert len(of_kind(driver.tick(), SendHealthcheck)) == 1


def test_a_worker_without_a_link_tells_when_it_counts_as_lost() -> None:
    driver = Driver()
    driver.healthy(W1)
    assert lost_after(driver) == math.inf
    driver.pool.link_lost("w1", W1.id, driver.now)
    at_first = lost_after(driver)
    driver.tick(36)
    assert state(driver) is WorkerState.UNHEALTHY
    told = lost_after(driver)
    assert at_first <= told < math.inf
    driver.tick(told - driver.now)
    assert state(driver) is WorkerState.UNHEALTHY
    driver.tick(0.5)
    assert state(driver) is WorkerState.MUST_DIE
    assert lost_after(driver) == math.inf


def test_a_heartbeat_shows_that_there_is_a_link() -> None:
    driver = Driver()
    driver.healthy(W1)
    driver.pool.link_lost("w1", W1.id, driver.now)
    assert WorkersAreOthers() in driver.beat(W1)
    row = driver.pool.row("w1")
    assert row is not None
    assert row.takes_tasks


def test_the_link_of_an_earlier_instance_is_no_matter() -> None:
    driver = Driver()
    driver.healthy(SUCCESSOR)
    assert driver.pool.link_lost("w1", W1.id, driver.now) == []
    assert driver.pool.link_lost("w9", W1.id, driver.now) == []


# The initial wait.


def test_workers_that_come_back_with_the_set_of_just_them_end_the_wait() -> None:
    told = initial_set(W1, W2)
    driver = Driver(is_first_ever=False)
    assert driver.pool.wait_text != ""
    driver.beat(W1, told)
    driver.report(W1)
    driver.tick(5)
    driver.beat(W2, told)
    assert "fetched" in of_kind(driver.tick(5), WaitIs)[0].text
    driver.report(W2)
    assert of_kind(driver.tick(5), WaitIs) == [WaitIs("")]
    assert of_kind(driver.tick(5), WaitIs) == []


def test_a_heartbeat_never_ends_the_wait() -> None:
    told = initial_set(W1)
    driver = Driver(is_first_ever=False)
    driver.beat(W1, told)
    driver.report(W1)
    driver.beat(W1)
    assert driver.pool.wait_text != ""


def test_where_no_worker_was_ever_served_the_first_one_ends_it() -> None:
    driver = Driver()
    driver.beat(W1)
    driver.report(W1)
    assert of_kind(driver.tick(), WaitIs) == [WaitIs("")]


@pytest.mark.parametrize("told", [OTHER_SET, initial_set(W2)])
def test_not_if_a_worker_had_another_scheduler(told: WorkerSetId) -> None:
    driver = Driver()
    driver.beat(W1, told)
    driver.report(W1)
    driver.tick()
    assert driver.pool.wait_text != ""
    assert told.scheduler != NOBODY


def test_a_worker_of_a_scheduler_that_left_nothing_running_is_no_reason_to_wait() -> (
    None
):
    stored = initial_set(W1, W2)
    driver = Driver(at_rest=(EARLIER, InstanceId(950, 5)))
    driver.beat(W1, stored)
    driver.report(W1)
    driver.tick()

    assert driver.pool.wait_text == ""
    assert not driver.pool.may_have_tasks


def test_a_worker_may_have_tasks_by_what_it_says() -> None:
    driver = Driver()
    driver.beat(W1)
    driver.report(W1)
    found = [driver.pool.may_have_tasks]
    driver.beat(W2, initial_set(W2))
    found.append(driver.pool.may_have_tasks)

    driver = Driver()
    driver.beat(W1)
    driver.report(W1, (running(),))
    found.append(driver.pool.may_have_tasks)
    assert found == [False, True, True]


def test_a_pool_is_at_rest_while_nobody_can_have_a_task() -> None:
    driver = Driver()
    found = [driver.pool.is_at_rest]
    driver.healthy(W1)
    found.append(driver.pool.is_at_rest)
    driver.dispatch(running())
    found.append(driver.pool.is_at_rest)
    driver.end(running(), W1)
    found.append(driver.pool.is_at_rest)
    driver.beat(W2)
    # Nobody knows what that one runs.
    found.append(driver.pool.is_at_rest)

    assert found == [False, True, False, True, False]


def test_a_pool_that_gave_tasks_up_is_not_at_rest_unless_they_are_proven_dead() -> None:
    for is_dead in (True, False):
        driver = Driver()
        driver.healthy(W1)
        driver.dispatch(running())
        if is_dead:
            driver.initialised(worker(started=2))
            # Until that is on disk, the next start would not have it wait.
            assert not driver.pool.is_at_rest
            driver.pool.lost_is_stored(running().invocation)
        else:
            driver.tick(31)
            driver.tick(101)
            assert driver.pool.running("w1") == ()
        assert driver.pool.is_at_rest is is_dead


def test_a_pool_whose_wait_was_cut_short_is_not_at_rest() -> None:
    for times in (TIMES, shorter(startup_wait_for_workers=0.0)):
        driver = Driver(times)
        driver.pool.set_exit_wait_before(timestamp_is_in_future=times is TIMES)
        driver.tick()
        assert driver.pool.wait_text == ""
        assert not driver.pool.is_at_rest


def test_a_person_can_end_the_wait() -> None:
    driver = Driver(is_first_ever=False)
    driver.pool.set_exit_wait_before(timestamp_is_in_future=True)
    actions = driver.tick()
    assert of_kind(actions, WaitIs) == [WaitIs("")]
    assert len(of_kind(actions, Warn)) == 1


def test_the_set_of_a_scheduler_that_still_waits_proves_nothing_to_the_next() -> None:
    waiting = Driver(is_first_ever=False)
    told = reply_to(waiting, W1).worker_set
    driver = Driver(is_first_ever=False)
    driver.beat(W1, told)
    driver.report(W1)
    driver.tick(5)
    assert driver.pool.wait_text != ""


def test_the_end_of_the_initial_wait_makes_a_set_of_just_the_workers() -> None:
    driver = Driver(is_first_ever=True)
    driver.beat(W1)
    driver.report(W1)
    driver.tick(5)
    assert driver.pool.wait_text == ""
    found = reply_to(driver, W1).worker_set
    assert (found.version, found.hash.number) == (2, 1)


def test_a_healthy_worker_that_says_it_is_held_gets_no_tasks_and_says_why() -> None:
    driver = Driver()
    driver.healthy(W1)
    why = "disk full:\n free \x1bspace"
    held = msgspec.structs.replace(W1, held=why, slots=0)
    assert WorkersAreOthers() in driver.beat(held)
    row = driver.pool.row("w1")
    assert row is not None
    assert (row.state, row.takes_tasks) == (WorkerState.HEALTHY, False)
    assert row.why_not == "disk full: free �space"
    refusal, _ = driver.pool.dispatched(running(), driver.now)
    assert refusal == f"worker w1 takes no tasks: {row.why_not}"
    gone = msgspec.structs.replace(held, held="data directory gone")
    assert WorkersAreOthers() in driver.beat(gone)
    assert WorkersAreOthers() in driver.beat(W1)
    row = driver.pool.row("w1")
    assert row is not None
    assert (row.takes_tasks, row.why_not) == (True, "")
