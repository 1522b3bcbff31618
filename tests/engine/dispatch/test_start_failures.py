"""How long nothing starts after a start failed for want of something temporary."""

from bistro_tui.engine.dispatch.start_failures import (
    LONGEST_FOR_SPACE_SEC,
    StartFailures,
)
from bistro_tui.engine.ids import InvocationId


def invocation(number: int) -> InvocationId:
    # All in one second, or in none: clocks are set.
    return InvocationId(0, number)


def failing(times: int, *longest_sec: int) -> tuple[StartFailures, list[int | None]]:
    failures, delays = StartFailures(), list[int | None]()
    for number in range(times):
        failures.tried(invocation(number))
        delays.append(failures.failed(*longest_sec))
        failures.resumed()
    return failures, delays


def test_each_pause_is_twice_as_long_as_the_one_before_up_to_half_a_minute() -> None:
    failures, delays = failing(8)
    assert delays == [1, 2, 4, 8, 16, 30, 30, 30]
    assert failures.are_going_on


def test_a_disk_that_is_full_is_looked_at_more_often() -> None:
    _, delays = failing(5, LONGEST_FOR_SPACE_SEC)
    assert delays == [1, 2, 4, 4, 4]


def test_what_fails_during_a_pause_makes_none_of_its_own_and_none_longer() -> None:
    failures = StartFailures()
    delays = [failures.failed() for _ in range(3)]
    assert delays == [1, None, None]
    failures.resumed()
    assert failures.failed() == 2


def test_a_start_that_succeeds_later_ends_the_failures() -> None:
    failures, _ = failing(3)
    failures.tried(invocation(9))
    failures.succeeded(invocation(9))
    assert not failures.are_going_on
    assert failures.failed() == 1


def test_a_start_of_before_the_last_failure_proves_nothing() -> None:
    failures, _ = failing(3)
    failures.tried(invocation(8))
    failures.tried(invocation(9))
    assert failures.failed() == 8
    failures.resumed()
    failures.succeeded(invocation(9))
    assert failures.are_going_on
    assert failures.failed() == 16


def test_before_any_failure_there_is_nothing_to_end() -> None:
    failures = StartFailures()
    failures.tried(invocation(1))
    failures.succeeded(invocation(1))
    assert not failures.are_going_on
    assert failures.failed() == 1
