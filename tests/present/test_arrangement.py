"""Where the panes go."""

from hypothesis import given
from hypothesis import strategies as st

from bistro_tui.present.arrangement import (
    Arrangement,
    arrangement,
    has_pulse,
    job_heights,
    stacked,
    top_rows,
)


def test_each_size_has_its_arrangement() -> None:
    assert arrangement(140, 42) is Arrangement.GRID
    assert arrangement(80, 24) is Arrangement.STACK
    assert arrangement(60, 20) is Arrangement.STACK
    assert arrangement(200, 19) is Arrangement.SINGLE
    assert arrangement(40, 10) is Arrangement.SINGLE
    assert arrangement(39, 50) is Arrangement.TOO_SMALL
    assert arrangement(80, 9) is Arrangement.TOO_SMALL
    assert has_pulse(220, 60)
    assert not has_pulse(140, 42)


def test_few_jobs_and_nodes_leave_room_for_the_rest() -> None:
    assert top_rows(2, 3, 39) == 6
    assert top_rows(7, 8, 39) == 11
    assert top_rows(1000, 5, 39) == 15


def test_the_active_pane_gets_what_it_needs_and_the_log_the_rest() -> None:
    assert stacked(21, 0, (9, 13, None, None)) == [9, 4, 4, 4]
    assert stacked(21, 0, (4, 6, None, None)) == [4, 4, 4, 9]
    assert stacked(21, 2, (4, 6, None, None)) == [4, 4, 9, 4]
    assert stacked(21, 3, (4, 6, None, None)) == [4, 4, 4, 9]


@given(st.integers(17, 200), st.integers(0, 3), st.integers(1, 500))
def test_stacked_panes_fill_the_height(height: int, active: int, rows: int) -> None:
    heights = stacked(height, active, (rows, rows, None, None))
    assert sum(heights) == height
    assert min(heights) >= 4


def test_a_small_page_of_a_job_has_the_titles_of_all_panes_and_one_open() -> None:
    wanted = (4, 6, None, None, None)
    assert job_heights(17, wanted, 2, is_stack=True) == [1, 1, 13, 1, 1]
    assert job_heights(17, wanted, 0, is_stack=True) == [4, 1, 10, 1, 1]
    assert job_heights(6, wanted, 0, is_stack=True) == [6, 0, 0, 0, 0]


def test_a_wide_page_of_a_job_gives_little_ones_what_they_want() -> None:
    wanted = (4, 60, None)
    assert job_heights(30, wanted, 0, is_stack=False, most=10) == [4, 10, 16]


@given(
    st.integers(6, 200),
    st.lists(st.none() | st.integers(0, 300), min_size=3, max_size=5),
    st.booleans(),
)
def test_the_panes_of_a_job_fit(
    height: int, wanted: list[int | None], is_stack: bool
) -> None:
    wanted.append(None)
    heights = job_heights(height, wanted, 0, is_stack=is_stack, most=height // 4)
    assert min(heights) >= 0
    assert sum(heights) == height
