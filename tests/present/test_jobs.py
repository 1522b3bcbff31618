"""What the jobs table shows of a job's end."""

import pytest

from bistro_tui.present.jobs import COLUMNS
from bistro_tui.present.spans import Scene, plain_text
from bistro_tui.present.table import fitted
from tests.ui.scripted import NOW, job


@pytest.mark.parametrize(
    ("eta", "shown"),
    [(None, "·"), (NOW + 720.0, "~12m"), (NOW - 5.0, "~1s"), (NOW + 1e9, ">99d")],
)
def test_when_a_job_will_be_done_is_told_in_four_cells(
    eta: float | None, shown: str
) -> None:
    (column,) = (column for column in COLUMNS if column.title == "eta")
    cell = column.cell(job("etl", eta=eta), column.width, Scene(now=NOW))
    assert plain_text(cell) == shown


@pytest.mark.parametrize("width", [78, 80, 138])
def test_at_eighty_columns_end_and_owner_have_room(width: int) -> None:
    titles = [column.title for column, _, _ in fitted(COLUMNS, width)]
    assert titles[-2:] == ["eta", "owner"]
