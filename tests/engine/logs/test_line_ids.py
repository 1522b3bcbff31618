from hypothesis import example, given
from hypothesis import strategies as st

from bistro_tui.engine.logs.line_ids import (
    LAST_ID,
    LAST_SECOND,
    LineIds,
    first_id_of,
)
from bistro_tui.engine.moment import Now
from tests.engine.logs.builders import SECOND


def at(wall: float, mono: float | None = None) -> Now:
    return Now(wall, wall if mono is None else mono)


def test_an_id_is_the_second_and_a_counter() -> None:
    ids = LineIds(0, at(SECOND))
    assert ids.take(1, at(SECOND + 0.9)) == SECOND << 32
    assert ids.take(1, at(SECOND + 0.95)) == (SECOND << 32) + 1
    assert ids.take(1, at(SECOND + 1.0)) == (SECOND + 1) << 32


def test_ids_of_a_restart_in_the_same_second_are_new() -> None:
    first = LineIds(0, at(SECOND))
    used = [first.take(1, at(SECOND)) for _ in range(3)]
    second = LineIds(first.last, at(SECOND))
    used += [second.take(1, at(SECOND)) for _ in range(3)]
    third = LineIds(second.last, at(SECOND))
    used += [third.take(1, at(SECOND)) for _ in range(3)]
    assert used == sorted(set(used))


def test_ids_that_are_taken_together_follow_each_other() -> None:
    ids = LineIds(0, at(SECOND))
    assert ids.take(3, at(SECOND)) == SECOND << 32
    assert ids.take(1, at(SECOND)) == (SECOND << 32) + 3
    assert ids.last == (SECOND << 32) + 3


def test_a_jump_that_is_taken_back_leaves_no_ids_in_the_future() -> None:
    ids = LineIds(0, at(SECOND, 0.0))
    ids.take(1, at(SECOND, 0.0))
    for second in range(1, 50):
        ids.take(1, at(SECOND + 4e7 + second, second))
    assert ids.take(1, at(SECOND + 50, 50.0)) == (SECOND + 50) << 32


def test_a_clock_that_stays_where_it_was_set_is_followed_after_a_minute() -> None:
    ids = LineIds(0, at(SECOND, 0.0))
    taken = [
        ids.take(1, at(SECOND + second + (7200 if second > 9 else 0), second)) >> 32
        for second in range(100)
    ]
    assert taken[:70] == list(range(SECOND, SECOND + 70))
    assert taken[70:] == list(range(SECOND + 7270, SECOND + 7300))


def test_beyond_the_last_second_the_counter_goes_on_alone() -> None:
    ids = LineIds(SECOND << 32, at(SECOND))
    found = [ids.take(2, at(2.0**40 + later, SECOND + later)) for later in (0, 70, 140)]
    assert found == [(SECOND << 32) + 1 + 2 * step for step in range(3)]
    assert ids.take(1, at(SECOND + 3)) > found[-1]


def test_a_store_that_begins_beyond_the_last_second_begins_there() -> None:
    ids = LineIds(0, at(2.0**32))
    assert ids.take(1, at(2.0**32)) == LAST_SECOND << 32
    assert ids.take(1, at(2.0**32)) == (LAST_SECOND << 32) + 1


def test_ids_fit_the_database_also_when_none_is_left() -> None:
    ids = LineIds(LAST_ID, at(SECOND))
    assert ids.take(5, at(SECOND)) == LAST_ID - 4
    assert ids.last == LAST_ID


def test_a_file_with_more_lines_in_a_second_than_fit_is_gone_on_with() -> None:
    ids = LineIds(((SECOND + 1) << 32) + 7, at(SECOND))
    assert ids.take(1, at(SECOND)) == ((SECOND + 1) << 32) + 8


def test_the_first_id_of_any_second_can_be_asked_for() -> None:
    assert first_id_of(-(10**12)) == 0
    assert first_id_of(10**12) == LAST_SECOND << 32


@given(
    st.integers(-(2**62), 2**62),
    st.lists(st.tuples(st.floats(-(2.0**40), 2.0**40), st.floats(0, 200)), max_size=50),
)
@example(0, [(-5e9, 0.0), (5e9, 100.0), (5e9, 100.0), (0.0, 0.0)])
def test_ids_grow_whatever_the_clock_does(
    last: int, times: list[tuple[float, float]]
) -> None:
    ids, mono = LineIds(last, at(0.0)), 0.0
    found = [max(last, 0)]
    for wall, later in times:
        mono += later
        found.append(ids.take(1, at(wall, mono)))
    assert found == sorted(set(found))
    assert found[-1] <= LAST_ID
