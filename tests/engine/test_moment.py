"""What the wall clock of now says of an earlier moment."""

import pytest

from bistro_tui.engine.clock import SystemClock
from bistro_tui.engine.moment import Now, wall_of


@pytest.mark.parametrize("drift", [0.0, 0.9, -0.9])
def test_a_clock_that_was_not_set_says_what_it_said(drift: float) -> None:
    assert wall_of(1000.0, 5.0, Now(1060.0 + drift, 65.0)) == 1000.0


@pytest.mark.parametrize("wall", [4600.0, 0.0, -1e9, 4.4e9])
def test_after_the_clock_was_set_as_much_time_has_passed_as_before(wall: float) -> None:
    assert wall - wall_of(1000.0, 5.0, Now(wall, 65.0)) == 60.0


def test_the_time_that_a_machine_sleeps_is_counted_where_that_is_known() -> None:
    assert Now(1000.0, 5.0).elapsed == 5.0
    assert Now(1000.0, 5.0, 50.0).elapsed == 50.0
    now = SystemClock().now()
    assert now.elapsed >= now.mono - 0.1
