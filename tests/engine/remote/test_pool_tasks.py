from dataclasses import replace
from itertools import pairwise

import msgspec
import pytest

from bistro_tui.engine.ids import JobName, NodeName, TaskId
from bistro_tui.engine.remote.identity import NO_SET
from bistro_tui.engine.remote.messages import HEALTH_CHECK, RunningTask
from bistro_tui.engine.remote.pool_actions import (
    Adopted,
    AskIfNotRunning,
    LostTask,
    NotStarted,
    PoolAction,
    RunOutcome,
    StatusKind,
    TasksLost,
    Ticket,
    Verdict,
    Warn,
    WorkersAreOthers,
)
from tests.engine.remote.pools import (
    EARLIER,
    OTHER_SET,
    TIMES,
    Driver,
    of_kind,
    running,
    shorter,
    worker,
)

W1 = worker()
W2 = worker("w2", rand=2, host="host2")
SUCCESSOR = worker(started=50, rand=9)
TASK = running()
NEXT = running(attempt=2)


@pytest.fixture
def driver() -> Driver:
    """Return a pool with a healthy worker."""
    found = Driver()
    found.healthy(W1)
    return found


def answered(
    driver: Driver, outcome: RunOutcome, task: RunningTask = TASK, text: str = ""
) -> list[PoolAction]:
    return driver.pool.run_answered(
        "w1", W1.id, task.task, task.invocation, outcome, driver.now, text
    )


def asked(driver: Driver, seconds: float = 0.0) -> list[AskIfNotRunning]:
    """Let time pass while the worker stays in contact; return the questions."""
    driver.now += seconds
    return of_kind(driver.pool.tick(driver.now), AskIfNotRunning)


def unsure(driver: Driver, *tasks: RunningTask) -> None:
    for task in tasks:
        driver.dispatch(task)
        assert answered(driver, RunOutcome.UNKNOWN, task) == []


def held(driver: Driver, shard: str = "w1") -> tuple[RunningTask, ...]:
    return driver.pool.running(shard)


# Dispatch.


def test_a_task_runs_before_it_is_sent(driver: Driver) -> None:
    assert driver.dispatch(TASK) == Ticket(W1.id, 0)
    assert held(driver) == (TASK,)
    assert answered(driver, RunOutcome.ACCEPTED) == []
    assert held(driver) == (TASK,)


@pytest.mark.parametrize("outcome", [RunOutcome.REFUSED, RunOutcome.NOT_SENT])
def test_what_was_refused_or_not_sent_runs_no_longer_and_the_worker_rests(
    driver: Driver, outcome: RunOutcome
) -> None:
    driver.dispatch(TASK)
    assert answered(driver, outcome, text="no") == [
        WorkersAreOthers(),
        NotStarted(TASK, "no"),
    ]
    assert held(driver) == ()
    row = driver.pool.row("w1")
    assert row is not None
    assert not row.takes_tasks
    assert WorkersAreOthers() in driver.beat(W1)
    driver.dispatch(NEXT)


def test_a_tick_ends_a_rest_too(driver: Driver) -> None:
    driver.dispatch(TASK)
    answered(driver, RunOutcome.REFUSED)
    assert WorkersAreOthers() in driver.tick()
    driver.dispatch(NEXT)


def test_what_may_run_stays_running(driver: Driver) -> None:
    unsure(driver, TASK)
    assert held(driver) == (TASK,)


def test_an_answer_of_another_instance_is_ignored(driver: Driver) -> None:
    driver.dispatch(TASK)
    assert (
        driver.pool.run_answered(
            "w1", SUCCESSOR.id, TASK.task, TASK.invocation, RunOutcome.REFUSED, 0.0
        )
        == []
    )
    assert held(driver) == (TASK,)


def test_an_answer_about_another_attempt_is_ignored(driver: Driver) -> None:
    driver.dispatch(NEXT)
    assert answered(driver, RunOutcome.REFUSED, TASK) == []
    assert answered(driver, RunOutcome.UNKNOWN, TASK) == []
    assert held(driver) == (NEXT,)
    assert asked(driver) == []


def test_an_unknown_outcome_that_comes_after_the_end_leaves_nothing(
    driver: Driver,
) -> None:
    driver.dispatch(TASK)
    assert driver.end(TASK, W1).verdict is Verdict.ENDED
    answered(driver, RunOutcome.UNKNOWN)
    assert asked(driver) == []
    driver.dispatch(NEXT)
    assert held(driver) == (NEXT,)


def test_a_worker_that_is_not_there_gets_no_task(driver: Driver) -> None:
    why, actions = driver.pool.dispatched(running(shard="w9"), driver.now)
    assert why == "there is no worker w9"
    assert actions == []


def test_a_worker_that_takes_none_gets_none_and_others_are_told_again(
    driver: Driver,
) -> None:
    driver.pool.link_lost("w1", W1.id, driver.now)
    why, actions = driver.pool.dispatched(TASK, driver.now)
    assert why == "worker w1 takes no tasks: not connected"
    assert actions == [WorkersAreOthers()]
    assert held(driver) == ()


def test_a_second_attempt_of_a_task_is_not_sent_and_the_first_told_of_again() -> None:
    driver = Driver()
    driver.healthy(W1, W2)
    driver.dispatch(TASK)
    for shard in ("w1", "w2"):
        second = running(shard=shard, attempt=2)
        why, actions = driver.pool.dispatched(second, driver.now)
        assert why == "worker w1 has another attempt of j@n1"
        assert actions == [Adopted((TASK,))]
        assert driver.pool.found(TASK.task) == actions
    assert held(driver) == (TASK,)
    assert held(driver, "w2") == ()
    # Others may be sent to them.
    assert driver.pool.found(running("n2").task) == []
    driver.dispatch(running("n2", shard="w1"))
    driver.dispatch(running("n3", shard="w2"))
    # When it is over, so may the next.
    driver.end(TASK, W1)
    driver.dispatch(running(shard="w2", attempt=2))


def test_nothing_is_sent_during_the_initial_wait() -> None:
    driver = Driver(is_first_ever=False)
    driver.initialised(W1)
    driver.beat(W1)
    driver.tick()
    why, _ = driver.pool.dispatched(TASK, driver.now)
    assert why == driver.pool.wait_text != ""


# Unsure.


def test_the_gaps_between_questions_double_up_to_256_periods() -> None:
    driver = Driver(shorter(heartbeat_grace_period=1e6, healthcheck_grace_period=1e6))
    driver.healthy(W1)
    unsure(driver, TASK)
    times = []
    for second in range(1_100):
        driver.now = float(second)
        if of_kind(driver.pool.tick(driver.now), AskIfNotRunning):
            times.append(second)
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert times[0] == 0
    assert gaps == [2, 4, 8, 16, 32, 64, 128, 256, 256, 256]


def test_each_question_has_the_next_number_and_all_unsure_tasks(
    driver: Driver,
) -> None:
    other = running("n2")
    unsure(driver, TASK, other)
    assert asked(driver) == [AskIfNotRunning("w1", W1.id, 1, (TASK, other))]
    assert driver.dispatch(running("n3")).sequence == 1
    assert [one.sequence for one in asked(driver, 2)] == [2]


def test_what_one_question_cannot_name_is_in_the_next(driver: Driver) -> None:
    path = (("host", "h" * 2**20),)
    tasks = [
        msgspec.structs.replace(running(f"n{number}", attempt=number), path=path)
        for number in range(10)
    ]
    unsure(driver, *tasks)
    [first] = asked(driver)
    assert first.tasks == tuple(tasks[:7])
    driver.pool.not_running_answered("w1", W1.id, first.tasks, driver.now, ok=True)
    [second] = asked(driver, 2)
    assert (second.sequence, second.tasks) == (2, tuple(tasks[7:]))


def test_a_heartbeat_asks_too(driver: Driver) -> None:
    unsure(driver, TASK)
    assert len(of_kind(driver.beat(W1), AskIfNotRunning)) == 1


def test_an_answer_ends_just_the_doubts_that_were_asked_about(driver: Driver) -> None:
    unsure(driver, TASK)
    (question,) = asked(driver)
    other = running("n2")
    unsure(driver, other)
    driver.pool.not_running_answered("w1", W1.id, question.tasks, driver.now, ok=True)
    assert [one.tasks for one in asked(driver, 2)] == [(other,)]
    assert held(driver) == (TASK, other)


def test_no_answer_is_asked_for_again(driver: Driver) -> None:
    unsure(driver, TASK)
    (question,) = asked(driver)
    driver.pool.not_running_answered("w1", W1.id, question.tasks, driver.now, ok=False)
    assert len(asked(driver, 2)) == 1


def test_an_answer_about_an_earlier_attempt_leaves_the_doubt(driver: Driver) -> None:
    unsure(driver, NEXT)
    driver.pool.not_running_answered("w1", W1.id, (TASK,), driver.now, ok=True)
    assert [one.tasks for one in asked(driver)] == [(NEXT,)]


def test_an_answer_of_an_earlier_instance_leaves_the_doubt(driver: Driver) -> None:
    unsure(driver, TASK)
    driver.pool.not_running_answered("w1", EARLIER, (TASK,), driver.now, ok=True)
    assert len(asked(driver)) == 1


def test_without_doubts_the_gaps_start_anew(driver: Driver) -> None:
    unsure(driver, TASK)
    asked(driver)
    asked(driver, 2)
    driver.end(TASK, W1)
    assert asked(driver, 1) == []
    unsure(driver, NEXT)
    assert len(asked(driver, 1)) == 1
    assert len(asked(driver, 2)) == 1


def test_the_end_of_a_task_ends_the_doubt(driver: Driver) -> None:
    unsure(driver, TASK)
    driver.end(TASK, W1)
    assert asked(driver) == []


def test_without_a_link_it_is_asked_when_there_is_one(driver: Driver) -> None:
    unsure(driver, TASK)
    driver.pool.link_lost("w1", W1.id, driver.now)
    assert asked(driver, 1) == []
    assert len(of_kind(driver.beat(W1), AskIfNotRunning)) == 1


def test_another_instance_starts_from_nothing(driver: Driver) -> None:
    unsure(driver, TASK)
    asked(driver)
    driver.beat(SUCCESSOR)
    driver.report(SUCCESSOR)
    assert asked(driver, 5) == []
    driver.check_is_good(SUCCESSOR, driver.tick(10))
    driver.beat(SUCCESSOR)
    driver.beat(SUCCESSOR)
    again = msgspec.structs.replace(TASK)
    assert driver.dispatch(again) == Ticket(SUCCESSOR.id, 0)


# Statuses, row by row.


def test_a_status_that_says_it_runs_is_acknowledged_and_ignored(
    driver: Driver,
) -> None:
    driver.dispatch(TASK)
    found = driver.end(TASK, W1, StatusKind.RUNNING, scheduler=EARLIER)
    assert found.verdict is Verdict.ACKNOWLEDGE
    assert found.text
    assert held(driver) == (TASK,)


@pytest.mark.parametrize("name", ["scheduler", "shard", "worker"])
def test_a_status_for_or_of_another_is_refused(driver: Driver, name: str) -> None:
    driver.dispatch(TASK)
    if name == "scheduler":
        found = driver.end(TASK, W1, scheduler=EARLIER)
    elif name == "shard":
        found = driver.end(running(shard="w9"), W1)
    else:
        found = driver.end(TASK, SUCCESSOR)
    assert found.verdict is Verdict.REFUSED
    assert name in found.text
    assert held(driver) == (TASK,)


def test_a_status_of_a_worker_that_is_new_is_refused_but_not_a_health_check() -> None:
    driver = Driver()
    actions = driver.beat(W1)
    assert driver.end(TASK, W1).verdict is Verdict.REFUSED
    assert driver.check_is_good(W1, actions).verdict is Verdict.ACKNOWLEDGE


def test_the_status_of_another_attempt_than_the_running_one_is_dropped(
    driver: Driver,
) -> None:
    driver.dispatch(NEXT)
    found = driver.end(TASK, W1)
    assert found.verdict is Verdict.ACKNOWLEDGE
    assert "another one runs" in found.text
    assert held(driver) == (NEXT,)


@pytest.mark.parametrize(
    "kind", [StatusKind.DONE, StatusKind.OTHER, StatusKind.OVERWRITEABLE]
)
def test_the_status_of_a_running_attempt_ends_it(
    driver: Driver, kind: StatusKind
) -> None:
    driver.dispatch(TASK)
    assert driver.end(TASK, W1, kind).verdict is Verdict.ENDED
    assert held(driver) == ()


def test_that_what_does_not_run_does_not_run_is_no_news(driver: Driver) -> None:
    found = driver.end(TASK, W1, StatusKind.OVERWRITEABLE)
    assert found.verdict is Verdict.ACKNOWLEDGE


def test_a_real_status_of_what_does_not_run_is_late(driver: Driver) -> None:
    found = driver.end(TASK, W1)
    assert found.verdict is Verdict.LATE
    assert found.text


def test_a_lost_worker_may_still_tell_of_its_tasks(driver: Driver) -> None:
    driver.dispatch(TASK)
    driver.tick(36)
    assert len(of_kind(driver.tick(101), TasksLost)) == 1
    assert driver.end(TASK, W1).verdict is Verdict.LATE


def test_an_end_that_comes_twice_before_it_is_on_disk_counts_once(
    driver: Driver,
) -> None:
    driver.dispatch(TASK)
    assert driver.end(TASK, W1).verdict is Verdict.ENDED
    assert driver.end(TASK, W1).verdict is Verdict.STORING
    driver.pool.settled(TASK.task, TASK.invocation)
    assert driver.end(TASK, W1).verdict is Verdict.LATE


def test_a_real_status_that_follows_was_not_running_is_passed_on_after_that(
    driver: Driver,
) -> None:
    driver.dispatch(TASK)
    kind = StatusKind.OVERWRITEABLE
    assert driver.end(TASK, W1, kind).verdict is Verdict.ENDED
    found = driver.end(TASK, W1)
    assert found.verdict is Verdict.REFUSED
    assert "just being stored" in found.text
    driver.pool.settled(TASK.task, TASK.invocation)
    assert driver.end(TASK, W1).verdict is Verdict.LATE
    assert driver.end(TASK, W1).verdict is Verdict.STORING
    driver.pool.settled(TASK.task, TASK.invocation)
    assert driver.end(TASK, W1).verdict is Verdict.LATE


def test_was_not_running_that_follows_a_real_status_is_no_news(driver: Driver) -> None:
    driver.dispatch(TASK)
    driver.end(TASK, W1)
    found = driver.end(TASK, W1, StatusKind.OVERWRITEABLE)
    assert found.verdict is Verdict.ACKNOWLEDGE


def test_settling_what_is_not_awaited_does_no_harm(driver: Driver) -> None:
    driver.pool.settled(TASK.task, TASK.invocation)
    driver.dispatch(TASK)
    assert driver.end(TASK, W1).verdict is Verdict.ENDED


# What a worker reports to run.


def test_what_a_worker_runs_is_taken_over_once() -> None:
    driver = Driver()
    driver.beat(W1)
    others = (running("n1"), running("n2", attempt=2))
    assert driver.report(W1, others) == [Adopted(others)]
    assert held(driver) == others
    assert driver.report(W1, (running("n3"),)) == []
    assert held(driver) == others
    assert driver.end(TASK, W1).verdict is Verdict.ENDED


def test_a_report_of_an_instance_that_was_replaced_is_ignored() -> None:
    driver = Driver()
    driver.beat(W1)
    driver.beat(SUCCESSOR)
    assert driver.report(W1, (TASK,)) == []
    assert held(driver) == ()
    assert driver.report(SUCCESSOR, (TASK,)) == [Adopted((TASK,))]


def test_tasks_that_cannot_be_there_are_left_out_with_a_warning() -> None:
    driver = Driver()
    driver.beat(W1)
    check = msgspec.structs.replace(
        TASK, task=TaskId(JobName(HEALTH_CHECK), NodeName(""))
    )
    actions = driver.report(W1, (TASK, NEXT, running("n2", shard="w2"), check))
    (warning, adopted) = actions
    assert isinstance(warning, Warn)
    assert "ignored 3" in warning.text
    assert adopted == Adopted((TASK,))


def test_an_invocation_names_one_attempt_only() -> None:
    driver = Driver()
    driver.beat(W1)
    driver.beat(W2)
    again = msgspec.structs.replace(running("n7"), invocation=TASK.invocation)
    (warning, adopted) = driver.report(W1, (TASK, again))
    assert isinstance(warning, Warn)
    assert "ignored 1 of the tasks that it says it runs" in warning.text
    assert adopted == Adopted((TASK,))
    there = msgspec.structs.replace(again, shard="w2")
    (warning,) = driver.report(W2, (there,))
    assert isinstance(warning, Warn)
    assert (held(driver), held(driver, "w2")) == ((TASK,), ())


def test_an_attempt_that_is_found_again_ends_after_its_first_end_is_stored() -> None:
    driver = Driver()
    driver.healthy(W1)
    driver.dispatch(TASK)
    assert driver.end(TASK, W1, StatusKind.OVERWRITEABLE).verdict is Verdict.ENDED
    there = msgspec.structs.replace(TASK, shard="w2")
    driver.beat(W2)
    assert driver.report(W2, (there,)) == [Adopted((there,))]
    # Until then it runs, or nobody would ever hear of its end.
    assert driver.end(there, W2).verdict is Verdict.REFUSED
    assert held(driver, "w2") == (there,)
    driver.pool.settled(TASK.task, TASK.invocation)
    assert driver.end(there, W2).verdict is Verdict.ENDED
    assert held(driver, "w2") == ()


def test_a_status_made_for_a_task_that_comes_again_waits_for_its_first_copy(
    driver: Driver,
) -> None:
    driver.dispatch(TASK)
    made = StatusKind.OVERWRITEABLE
    assert driver.end(TASK, W1, made).verdict is Verdict.ENDED
    assert driver.end(TASK, W1, made).verdict is Verdict.STORING
    driver.pool.settled(TASK.task, TASK.invocation)
    assert driver.end(TASK, W1, made).verdict is Verdict.ACKNOWLEDGE


def test_two_tasks_that_are_called_one_attempt_are_stored_one_after_the_other() -> None:
    driver = Driver()
    driver.healthy(W1)
    driver.dispatch(TASK)
    other = msgspec.structs.replace(running("n7"), invocation=TASK.invocation)
    assert driver.end(other, W1).verdict is Verdict.LATE
    assert driver.end(TASK, W1).verdict is Verdict.REFUSED
    driver.pool.settled(TASK.task, TASK.invocation)
    assert driver.end(TASK, W1).verdict is Verdict.REFUSED
    driver.pool.settled(other.task, other.invocation)
    assert driver.end(TASK, W1).verdict is Verdict.ENDED


def both(first: RunningTask, second: RunningTask) -> tuple[Driver, list[PoolAction]]:
    """Return what comes of two workers that report one task, one after the other."""
    driver = Driver()
    driver.beat(W1)
    driver.beat(W2)
    driver.report(W1, (first,))
    return driver, driver.report(W2, (second,))


OVER = msgspec.structs.replace(TASK, is_over=True)
ELSEWHERE = running(attempt=2, shard="w2")


def test_an_attempt_that_is_over_gives_way_to_one_that_runs_elsewhere() -> None:
    driver, actions = both(OVER, ELSEWHERE)
    assert [type(action) for action in actions] == [NotStarted, Adopted]
    assert actions[-1] == Adopted((ELSEWHERE,))
    assert (held(driver), held(driver, "w2")) == ((), (ELSEWHERE,))
    assert driver.end(OVER, W1).verdict is Verdict.LATE
    assert held(driver, "w2") == (ELSEWHERE,)


def test_whoever_reports_first() -> None:
    over = msgspec.structs.replace(ELSEWHERE, is_over=True, started=9.0)
    driver, actions = both(TASK, over)
    assert actions == []
    assert (held(driver), held(driver, "w2")) == ((TASK,), ())


@pytest.mark.parametrize("are_over", [False, True])
def test_of_two_alike_the_one_that_started_last_counts(are_over: bool) -> None:
    first = msgspec.structs.replace(TASK, is_over=are_over, started=6.0)
    second = msgspec.structs.replace(ELSEWHERE, is_over=are_over, started=7.0)
    driver, actions = both(first, second)
    assert (held(driver), held(driver, "w2")) == ((), (second,))
    assert bool(of_kind(actions, Warn)) is not are_over
    earlier = msgspec.structs.replace(ELSEWHERE, is_over=are_over, started=5.0)
    driver, actions = both(first, earlier)
    assert (held(driver), held(driver, "w2")) == ((first,), ())


def test_a_task_that_was_lost_on_one_worker_can_be_reported_by_another() -> None:
    driver = Driver()
    driver.beat(W1)
    driver.report(W1, (TASK,))
    driver.tick(100.5)
    driver.beat(W2)
    assert driver.report(W2, (ELSEWHERE,)) == [Adopted((ELSEWHERE,))]


def test_a_task_that_ended_on_one_worker_can_be_reported_by_another() -> None:
    driver = Driver()
    driver.beat(W1)
    driver.report(W1, (TASK,))
    driver.end(TASK, W1)
    driver.beat(W2)
    assert driver.report(W2, (ELSEWHERE,)) == [Adopted((ELSEWHERE,))]


def test_a_worker_that_runs_nothing_is_known_too() -> None:
    driver = Driver()
    driver.beat(W1)
    assert driver.report(W1) == []
    row = driver.pool.row("w1")
    assert row is not None
    assert row.why_not == "no health check came back good yet"


def test_what_was_taken_over_is_lost_with_its_worker() -> None:
    driver = Driver()
    driver.beat(W1)
    driver.report(W1, (TASK,))
    (lost,) = of_kind(driver.tick(100.5), TasksLost)
    assert lost.tasks[0].task == TASK


# How long a lost task may live.


@pytest.mark.parametrize(
    ("of_task", "flag", "margin", "safe_sec"),
    [
        (5_000, 1, 60.0, 66),
        (0, 5_000, 60.0, 66),
        (-1, 5_000, 60.0, 66),
        (7_900, 5_000, 60.0, 68),
        (999, 5_000, 60.0, 66),
        (1_000, 60_000, 60.0, 121),
        (5_000, 5_000, 0.0, 7),
        (0, 0, 0.5, 2),
    ],
)
def test_a_lost_task_waits_for_the_margin_its_kill_wait_and_a_second(
    of_task: int, flag: int, margin: float, safe_sec: int
) -> None:
    times = shorter(
        suicide_backoff_safety_margin_sec=margin, suicide_task_kill_wait_ms=flag
    )
    driver = Driver(times)
    driver.healthy(W1)
    task = running(kill_wait_ms=of_task)
    driver.dispatch(task)
    (lost,) = of_kind(driver.beat(SUCCESSOR), TasksLost)
    assert lost.tasks == (LostTask(task, safe_sec),)


def lost_at(driver: Driver, at: float) -> LostTask:
    """Return what W1 loses when all is looked at in that second."""
    (lost,) = of_kind(driver.tick(at - driver.now), TasksLost)
    (one,) = lost.tasks
    return one


@pytest.mark.parametrize(
    ("safe_before", "safe_sec"), [(0.0, 206 - 101), (900.0, 900 - 101)]
)
def test_until_a_worker_has_shown_that_it_heard_us_it_may_go_by_what_it_heard_before(
    safe_before: float, safe_sec: int
) -> None:
    driver = Driver(is_first_ever=False, safe_before=safe_before)
    assert driver.pool.times.safe_initial_wait == 206
    driver.beat(W1, OTHER_SET)
    driver.report(W1, (TASK,))
    assert lost_at(driver, 101) == LostTask(TASK, safe_sec)


def test_one_that_has_shown_it_goes_by_what_we_say() -> None:
    driver = Driver(is_first_ever=False, safe_before=900.0)
    driver.beat(W1, OTHER_SET)
    driver.report(W1, (TASK,))
    driver.beat(W1)
    assert lost_at(driver, 101) == LostTask(TASK, 66)


def test_long_after_a_start_nothing_goes_by_what_was_said_before_it() -> None:
    driver = Driver(is_first_ever=False, safe_before=900.0)
    driver.tick(1_000)
    driver.beat(W1, OTHER_SET)
    driver.report(W1, (TASK,))
    assert lost_at(driver, 1_101) == LostTask(TASK, 66)


BUMPER = worker(started=9, rand=9, host="host9")


def bumping() -> Driver:
    """Return a pool where W1 has a task, and who comes may bump it."""
    driver = Driver(replace(TIMES, allow_bump_unhealthy_worker=True))
    driver.healthy(W1)
    driver.dispatch(TASK)
    return driver


@pytest.mark.parametrize(("after", "left"), [(31, 99), (100, 30), (129.5, 1)])
def test_a_worker_that_is_bumped_may_keep_its_tasks_until_it_would_have_been_lost(
    after: float, left: int
) -> None:
    driver = bumping()
    driver.now += after
    (lost,) = of_kind(driver.beat(BUMPER, NO_SET), TasksLost)
    assert lost.tasks == (LostTask(TASK, 66 + left),)


def test_that_counts_from_when_it_was_found_unhealthy() -> None:
    driver = bumping()
    driver.tick(33)
    driver.now += 50
    (lost,) = of_kind(driver.beat(BUMPER, NO_SET), TasksLost)
    assert lost.tasks == (LostTask(TASK, 66 + 50),)


# Many.


def test_what_ends_is_forgotten(driver: Driver) -> None:
    for number in range(1_000):
        task = running(f"n{number}", attempt=number)
        driver.dispatch(task)
        answered(driver, RunOutcome.UNKNOWN, task)
        driver.end(task, W1)
        driver.pool.settled(task.task, task.invocation)
    assert held(driver) == ()
    assert asked(driver) == []
    assert driver.pool.rows()[0].running == 0
