"""Wall time that a clock which is set for a short while does not disturb."""

from hypothesis import given
from hypothesis import strategies as st

from bistro_tui.engine.moment import SLEW_SEC, Now
from bistro_tui.engine.steady_wall import LASTS_SEC, SteadyWall

DAY = 86_400.0


def seen(*moments: Now) -> list[float]:
    wall = SteadyWall(moments[0])
    return [wall.at(moment) for moment in moments]


def test_the_clock_at_the_beginning_is_believed() -> None:
    assert seen(Now(1000.0, 5.0), Now(1007.0, 12.0)) == [1000.0, 1007.0]


def test_a_clock_that_is_slewed_is_followed_at_once() -> None:
    assert seen(Now(1000.0, 0.0), Now(1010.5, 10.0), Now(1021.0, 20.0))[1:] == [
        1010.5,
        1021.0,
    ]


def test_a_clock_that_was_set_is_followed_once_that_has_lasted() -> None:
    walls = seen(
        Now(1000.0, 0.0),
        Now(1010.0 + DAY, 10.0),
        Now(1069.0 + DAY, 69.0),
        Now(1070.0 + DAY, 70.0),
        Now(1071.0 + DAY, 71.0),
    )
    assert walls == [1000.0, 1010.0, 1069.0, 1070.0 + DAY, 1071.0 + DAY]


def test_a_clock_that_is_set_again_begins_another_minute() -> None:
    walls = seen(
        Now(1000.0, 0.0),
        Now(1010.0 + DAY, 10.0),
        Now(1060.0 - DAY, 60.0),
        Now(1080.0 - DAY, 80.0),
        Now(1120.0 - DAY, 120.0),
    )
    assert walls == [1000.0, 1010.0, 1060.0, 1080.0, 1120.0 - DAY]


def test_a_clock_that_was_set_back_right_has_changed_nothing() -> None:
    walls = seen(
        Now(1000.0, 0.0),
        Now(1010.0 + DAY, 10.0),
        Now(1020.0, 20.0),
        Now(1075.0 + DAY, 75.0),
        Now(1130.0 + DAY, 130.0),
    )
    assert walls == [1000.0, 1010.0, 1020.0, 1075.0, 1130.0]


def test_the_time_that_the_machine_slept_has_passed() -> None:
    assert seen(Now(1000.0, 5.0, 50.0), Now(1000.0 + DAY, 6.0, 50.0 + DAY)) == [
        1000.0,
        1000.0 + DAY,
    ]


@given(st.lists(st.tuples(st.floats(0, 0.5), st.floats(-4e9, 1e10)), max_size=60))
def test_jumps_that_never_last_change_nothing(
    jumps: list[tuple[float, float]],
) -> None:
    steady, elapsed = SteadyWall(Now(1000.0, 0.0)), 0.0
    for later, wall in jumps:
        elapsed += later
        assert abs(steady.at(Now(wall, elapsed)) - (1000.0 + elapsed)) <= SLEW_SEC * (
            len(jumps) + 1
        )
    assert elapsed < LASTS_SEC
