"""How long nothing starts after a start failed for want of something temporary."""

from bistro_tui.engine.moment import Now
from bistro_tui.engine.start_failures import StartFailures


def at(second: float) -> Now:
    return Now(wall=1000.0 + second, mono=second)


def failing(times: int) -> tuple[StartFailures, list[int | None]]:
    failures, delays, second = StartFailures(), list[int | None](), 0.0
    for _ in range(times):
        delay = failures.failed(at(second))
        delays.append(delay)
        second += delay or 0
        failures.resumed()
    return failures, delays


def test_each_pause_is_twice_as_long_as_the_one_before_up_to_half_a_minute() -> None:
    failures, delays = failing(8)
    assert delays == [1, 2, 4, 8, 16, 30, 30, 30]
    assert failures.are_going_on


def test_what_fails_during_a_pause_makes_none_of_its_own_and_none_longer() -> None:
    failures = StartFailures()
    delays = [failures.failed(at(second)) for second in (0.0, 0.1, 0.9)]
    assert delays == [1, None, None]
    failures.resumed()
    assert failures.failed(at(1.0)) == 2


def test_a_start_that_succeeds_later_ends_the_failures() -> None:
    failures, _ = failing(3)
    failures.succeeded(start_time=1004)
    assert not failures.are_going_on
    assert failures.failed(at(9.0)) == 1


def test_a_start_of_before_the_last_failure_proves_nothing() -> None:
    failures, _ = failing(3)
    failures.succeeded(start_time=1003)
    assert failures.are_going_on
    assert failures.failed(at(9.0)) == 8


def test_before_any_failure_there_is_nothing_to_end() -> None:
    failures = StartFailures()
    failures.succeeded(start_time=1000)
    assert not failures.are_going_on
    assert failures.failed(at(0.0)) == 1
