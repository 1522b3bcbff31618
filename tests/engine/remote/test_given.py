"""Who may have tasks of before, and what proves that one of them is over."""

from typing import Any

import msgspec
import pytest

from bistro_tui.engine.remote.given import AllGiven, Given, is_over
from bistro_tui.engine.remote.identity import NO_HOME, NOBODY, Home, InstanceId
from bistro_tui.engine.remote.messages import Leaving, Worker
from tests.engine.remote.pools import (
    EARLIER,
    OTHER_SET,
    SCHEDULER,
    Driver,
    running,
    shorter,
    worker,
)

HOME = Home("boot 1", "space", "machine")
LATER = Home("boot 2", "space", "machine")
OLD = Given(InstanceId(1, 1), "host1", "lock", HOME, is_beside=True)


def comes(home: Home = HOME, **changes: Any) -> Worker:
    """Return the next run of ``OLD``, or one that differs."""
    found = msgspec.structs.replace(
        worker(started=2, rand=2), home=home, is_swept=changes.pop("is_swept", True)
    )
    lock = found.lock._replace(**changes.pop("lock", {}))
    return msgspec.structs.replace(found, lock=lock, **changes)


def test_the_next_run_in_the_same_system_proves_that_the_one_of_before_is_over() -> (
    None
):
    assert is_over(OLD, comes(), NO_HOME)
    assert is_over(OLD._replace(is_beside=False), comes(), NO_HOME)


@pytest.mark.parametrize(
    "other",
    [
        comes(is_swept=False),
        comes(lock={"hostname": "host2"}),
        comes(lock={"lock": "a copy"}),
        comes(id=InstanceId(1, 9)),
        comes(id=InstanceId(0, 9)),
        # A container beside it, whose processes are not to be seen.
        comes(Home("boot 1", "another space", "machine")),
        comes(Home("boot 1", "", "machine")),
        # Somebody else's boot.
        comes(LATER),
        comes(Home("", "space", "machine")),
        comes(NO_HOME),
    ],
)
def test_nobody_else_proves_that(other: Worker) -> None:
    assert not is_over(OLD, other, NO_HOME)
    assert not is_over(OLD, other, HOME)


def test_an_older_worker_knows_no_home_and_proves_nothing() -> None:
    assert not is_over(OLD._replace(home=NO_HOME), comes(NO_HOME), NO_HOME)
    assert not is_over(OLD._replace(home=NO_HOME), comes(), HOME)


def test_another_boot_proves_it_of_what_was_and_is_beside_its_scheduler() -> None:
    assert is_over(OLD, comes(LATER), LATER)
    # Whatever became of its journals.
    assert is_over(OLD, comes(LATER, is_swept=False), LATER)


@pytest.mark.parametrize(
    ("old", "home", "here"),
    [
        # Either was elsewhere: a copy of the directory alone may have come here.
        (OLD._replace(is_beside=False), LATER, LATER),
        (OLD, LATER, HOME),
        (OLD, LATER, NO_HOME),
        # Another machine, or who knows which.
        (OLD, LATER._replace(machine="another"), LATER),
        (OLD._replace(home=HOME._replace(machine="")), LATER, LATER),
        (
            OLD._replace(home=HOME._replace(machine="")),
            LATER._replace(machine=""),
            LATER,
        ),
        (OLD._replace(home=HOME._replace(boot="")), LATER, LATER),
    ],
)
def test_another_boot_proves_nothing_where_a_copy_could_say_the_same(
    old: Given, home: Home, here: Home
) -> None:
    assert not is_over(old, comes(home), here)


# What a pool makes of it.


def awaits(*given: Given, here: Home = HOME, **more: Any) -> Driver:
    found = AllGiven(given, here=here, gave=(EARLIER,))
    return Driver(is_first_ever=False, given=found, **more)


def is_behind(driver: Driver) -> bool:
    return driver.pool.is_note_behind


def is_waiting(driver: Driver) -> bool:
    driver.tick(5)
    return driver.pool.wait_text != ""


def test_a_start_waits_for_those_that_may_have_tasks_whatever_they_agree_on() -> None:
    w1, w2 = worker("w1"), worker("w2", rand=2, host="host2")
    driver = awaits(*(given(one) for one in (w1, w2)))
    driver.beat(w1, OTHER_SET)
    driver.report(w1)
    assert is_waiting(driver)
    assert driver.pool.awaited == {w2.id}
    driver.beat(w2, OTHER_SET._replace(version=9))
    # What it runs is not known.
    assert is_waiting(driver)
    driver.report(w2)
    assert not is_waiting(driver)


def given(one: Worker, *, is_beside: bool = False) -> Given:
    return Given(one.id, *one.lock.held, one.home, is_beside=is_beside)


def test_the_next_run_is_waited_for_no_longer_than_any_worker() -> None:
    driver = awaits(OLD)
    driver.beat(comes())
    assert is_waiting(driver)
    driver.report(comes())
    assert not is_waiting(driver)


def test_without_a_proof_it_is_waited_for() -> None:
    driver = awaits(OLD)
    driver.beat(comes(is_swept=False))
    driver.report(comes(is_swept=False))
    assert is_waiting(driver)


def test_a_worker_of_a_scheduler_with_other_data_shows_that_others_may_have_tasks() -> (
    None
):
    driver = awaits(OLD)
    other = worker("w9", rand=9, host="host9")
    driver.beat(other, OTHER_SET._replace(scheduler=InstanceId(7, 7)))
    driver.report(other)
    driver.beat(comes())
    driver.report(comes())
    assert is_waiting(driver)
    assert driver.pool.awaited is None
    assert driver.pool.is_note_behind
    assert driver.pool.given() is None


def test_one_that_left_with_nothing_is_over() -> None:
    w1, w2 = worker("w1"), worker("w2", rand=2, host="host2")
    driver = awaits(given(w1), given(w2))
    driver.beat(w1, OTHER_SET)
    driver.pool.leaving("w1", w1.id, driver.now, Leaving(is_over=True))
    driver.beat(w2, OTHER_SET)
    driver.report(w2)
    assert not is_waiting(driver)


def test_one_that_is_lost_before_it_said_what_it_runs_is_waited_for() -> None:
    w1, w2 = worker("w1"), worker("w2", rand=2, host="host2")
    driver = awaits(given(w1), given(w2), safe_before=900.0)
    driver.beat(w1, OTHER_SET)
    driver.tick(101)
    driver.beat(w2, OTHER_SET)
    driver.report(w2)
    assert is_waiting(driver)
    assert driver.pool.awaited == {w1.id}


def test_a_note_of_nobody_ends_no_wait_that_a_person_asked_for() -> None:
    driver = awaits()
    new = worker("w5", rand=5)
    driver.beat(new)
    driver.report(new)
    assert is_waiting(driver)
    assert driver.pool.awaited is None


# What the next start has to know.


def test_whoever_gets_a_task_is_noted_before() -> None:
    driver, w1 = Driver(), worker("w1")
    driver.healthy(w1)
    driver.pool.noted(driver.pool.given())
    assert not is_behind(driver)
    driver.dispatch(running())
    assert not is_behind(driver)
    w2 = worker("w2", rand=2, host="host2")
    driver.initialised(w2)
    for one in (w1, w2, w1, w2):
        driver.beat(one)
    driver.tick()
    driver.beat(w2)
    # Many may come: it is enough that those who get tasks are noted.
    assert not is_behind(driver)
    driver.dispatch(running("n2", attempt=2, shard="w2"))
    assert is_behind(driver)
    assert driver.pool.given() == (given(w1), given(w2))


def test_who_is_given_up_is_noted_until_it_is_stored_what_was_lost() -> None:
    driver, w1 = Driver(), worker("w1")
    driver.healthy(w1)
    driver.dispatch(running())
    driver.pool.noted(driver.pool.given())
    driver.tick(31)
    driver.tick(101)
    assert is_behind(driver)
    assert driver.pool.given() == (given(w1),)
    driver.pool.noted(driver.pool.given())
    assert not is_behind(driver)
    driver.pool.lost_is_stored(running().invocation)
    assert is_behind(driver)
    assert driver.pool.given() == ()


def test_while_it_waits_a_scheduler_changes_nothing() -> None:
    driver = awaits(OLD)
    driver.beat(comes())
    driver.report(comes())
    assert driver.pool.given() == (OLD,)
    assert not is_waiting(driver)
    assert is_behind(driver)
    assert driver.pool.given() == (given(comes(), is_beside=True),)


def test_what_was_not_waited_for_is_waited_for_by_the_next_start() -> None:
    times = shorter(startup_wait_for_workers=0.0)
    found = AllGiven((OLD,), here=HOME)
    driver = Driver(times, is_first_ever=False, given=found)
    new = worker("w5", rand=5, host="host5")
    driver.beat(new)
    driver.report(new)
    assert not is_waiting(driver)
    assert driver.pool.given() == (OLD, given(new))
    unknown = Driver(times, is_first_ever=False)
    assert not is_waiting(unknown)
    assert unknown.pool.given() is None


def test_the_next_start_knows_all_again_once_a_wait_was_long_enough() -> None:
    driver = Driver(is_first_ever=False)
    assert driver.pool.given() is None
    new = worker("w5", rand=5)
    driver.beat(new)
    driver.report(new)
    driver.tick(1_000)
    assert driver.pool.wait_text == ""
    driver.beat(new)
    assert driver.pool.given() in ((given(new),), ())


def test_who_has_no_scheduler_is_one_of_nobody() -> None:
    found = AllGiven((OLD,), gave=(SCHEDULER,))
    found.came(comes(), NOBODY, is_harmless=True)
    assert found.awaited == set()
