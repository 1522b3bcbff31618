"""Columns in the room there is."""

from hypothesis import given
from hypothesis import strategies as st

from bistro_tui.present.jobs import COLUMNS as JOB_COLUMNS
from bistro_tui.present.table import Column, fitted
from bistro_tui.present.tasks import COLUMNS as TASK_COLUMNS


def column(title: str, width: int, flex: int = 0, drop: int = 0) -> Column[str]:
    return Column(
        title=title,
        cell=lambda row, cells, scene: (),
        width=width,
        flex=flex,
        drop=drop,
    )


def test_columns_go_by_their_number_until_the_rest_fits() -> None:
    columns = (column("a", 10), column("b", 10, drop=1), column("c", 10, drop=2))
    assert [c.title for c, _, _ in fitted(columns, 34)] == ["a", "b", "c"]
    assert [c.title for c, _, _ in fitted(columns, 33)] == ["a", "b"]
    assert [c.title for c, _, _ in fitted(columns, 5)] == ["a"]


def test_what_is_left_over_goes_to_the_flexible_columns() -> None:
    columns = (column("a", 5, flex=1), column("b", 5), column("c", 5, flex=3))
    assert [width for _, _, width in fitted(columns, 31)] == [8, 5, 14]


@given(st.integers(80, 300))
def test_tables_never_take_more_than_they_are_given(total: int) -> None:
    jobs, tasks = fitted(JOB_COLUMNS, total), fitted(TASK_COLUMNS, total)
    assert sum(gap + width for _, gap, width in jobs) <= total
    assert sum(gap + width for _, gap, width in tasks) <= total


def test_at_sixty_columns_a_job_still_has_its_bar_and_main_counts() -> None:
    titles = [c.title for c, _, _ in fitted(JOB_COLUMNS, 58)]
    assert titles[:6] == ["job", "state", "tasks", "✓", "●", "✗"]
