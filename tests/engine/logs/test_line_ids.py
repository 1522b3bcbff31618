from hypothesis import given
from hypothesis import strategies as st

from bistro_tui.engine.logs.line_ids import LineIds
from tests.engine.logs.builders import SECOND


def test_an_id_is_the_second_and_a_counter() -> None:
    ids = LineIds(0)
    assert ids.next(SECOND + 0.9) == SECOND << 32
    assert ids.next(SECOND + 0.95) == (SECOND << 32) + 1
    assert ids.next(SECOND + 1.0) == (SECOND + 1) << 32


def test_ids_of_a_restart_in_the_same_second_are_new() -> None:
    first = LineIds(0)
    used = [first.next(SECOND) for _ in range(3)]
    assert LineIds(first.last).next(SECOND) not in used


@given(st.integers(0, 2**62), st.lists(st.floats(0, 2**31), max_size=50))
def test_ids_grow_whatever_the_clock_does(last: int, times: list[float]) -> None:
    ids = LineIds(last)
    found = [last, *(ids.next(time) for time in times)]
    assert found == sorted(set(found))
