from hypothesis import given
from hypothesis import strategies as st

from bistro_tui.engine.logs.line_ids import LineIds
from tests.engine.logs.builders import SECOND


def test_an_id_is_the_second_and_a_counter() -> None:
    ids = LineIds(0)
    assert ids.take(1, SECOND + 0.9) == SECOND << 32
    assert ids.take(1, SECOND + 0.95) == (SECOND << 32) + 1
    assert ids.take(1, SECOND + 1.0) == (SECOND + 1) << 32


def test_ids_of_a_restart_in_the_same_second_are_new() -> None:
    first = LineIds(0)
    used = [first.take(1, SECOND) for _ in range(3)]
    assert LineIds(first.last).take(1, SECOND) not in used


def test_ids_that_are_taken_together_follow_each_other() -> None:
    ids = LineIds(0)
    assert ids.take(3, SECOND) == SECOND << 32
    assert ids.take(1, SECOND) == (SECOND << 32) + 3
    assert ids.last == (SECOND << 32) + 3


@given(st.integers(0, 2**62), st.lists(st.floats(0, 2**31), max_size=50))
def test_ids_grow_whatever_the_clock_does(last: int, times: list[float]) -> None:
    ids = LineIds(last)
    found = [last, *(ids.take(1, time) for time in times)]
    assert found == sorted(set(found))
