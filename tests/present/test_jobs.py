"""What the jobs table shows of a job's end."""

import pytest

from bistro_tui.engine.view import Reason
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
    row = job("etl", {Reason.RUNNING: 1}, eta=eta)
    assert plain_text(column.cell(row, column.width, Scene(now=NOW))) == shown


def test_an_end_that_did_not_come_is_not_told_where_nothing_runs() -> None:
    (column,) = (column for column in COLUMNS if column.title == "eta")
    row = job("etl", {Reason.RESOURCE: 3}, eta=NOW - 5)
    assert plain_text(column.cell(row, column.width, Scene(now=NOW))) == "·"


def test_a_job_that_only_some_have_is_not_said_to_differ() -> None:
    scene = Scene(now=NOW)
    (column,) = (column for column in COLUMNS if column.title == "job")
    own = column.cell(job("etl", differs="only in a"), column.width, scene)
    differs = job("etl", differs="priority 1 in a", mixed=("priority",))
    assert plain_text(own) == "⊂ etl"
    assert plain_text(column.cell(differs, column.width, scene)) == "≠ etl"


@pytest.mark.parametrize("width", [78, 80, 138])
def test_at_eighty_columns_end_and_owner_have_room(width: int) -> None:
    titles = [column.title for column, _, _ in fitted(COLUMNS, width)]
    assert titles[-2:] == ["eta", "owner"]
