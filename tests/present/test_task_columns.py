"""What the page of tasks shows beside job and node."""

from typing import Any

import pytest

from bistro_tui.engine.view import LogLine, Reason, Stream, TaskRow
from bistro_tui.present.palette import State
from bistro_tui.present.spans import Scene, plain_text
from bistro_tui.present.table import fitted
from bistro_tui.present.task_columns import (
    TASK_COLUMNS,
    AnyRow,
    Surroundings,
    any_fields,
    any_key,
    any_text,
)
from bistro_tui.present.task_facts import crumb, facts_line
from bistro_tui.present.tasks import WorkerTrouble
from tests.ui.scripted import NOW, ended, running, task

SCENE = Scene(now=NOW)


def cells(row: AnyRow, around: Surroundings | None = None) -> dict[str, str]:
    around = around or Surroundings()
    columns = TASK_COLUMNS if isinstance(row, TaskRow) else None
    columns = columns or around.columns(tells_use=True)
    return {
        column.title: plain_text(column.cell(row, column.width, SCENE))
        for column in columns
    }


def test_that_a_worker_is_not_well_stands_before_what_its_task_says() -> None:
    around = Surroundings()
    state = State(glyph="⏸", word="on hold", style="blocked", mark="-")
    around.workers = {"w1": WorkerTrouble(state, "not connected")}
    row = running("etl", "db1", worker="w1")
    column = "last line · result"
    assert cells(row, around)[column] == "⏸ w1: not connected"
    assert cells(row, around)["worker"] == "⏸ w1"
    assert "on ⏸ w1: not connected" in plain_text(facts_line(row, around, SCENE))
    killed = row._replace(stopping=True)
    assert cells(killed, around)[column] == "TERM sent · ⏸ w1: not connected"
    well = running("etl", "db1", worker="w2")
    assert cells(well, around)[column] == ""


def surroundings(median: float) -> Surroundings:
    around = Surroundings()
    around.now = NOW
    around.medians[task("etl", "db1").job] = median
    return around


@pytest.mark.parametrize(
    ("age", "shown", "style"),
    [
        (50, "━━━━━", "running"),
        (149, "━━━━━", "running"),
        (180, "×1.8", "blocked"),
        (1230, "×12.3", "failed"),
        (1_000_000, "×10k", "failed"),
    ],
)
def test_the_time_is_set_against_what_is_usual(
    age: float, shown: str, style: str
) -> None:
    line = surroundings(100).usual_cells(running("etl", "db1", age), 5, SCENE)
    assert plain_text(line) == shown
    assert line[0].style == style


def test_without_a_usual_time_nothing_is_claimed() -> None:
    assert Surroundings().usual_cells(running("etl", "db1"), 5, SCENE) == ()
    assert surroundings(100).usual_cells(ended("etl", "db1"), 5, SCENE) == ()


def test_a_running_row_ends_with_its_last_line_and_an_ended_one_with_its_result() -> (
    None
):
    around, row = Surroundings(), running("etl", "db1", 90, processes=3)
    raw = b"\x1b]0;boo\x07[/red] row 7\n"
    at = int(NOW - 2) << 32
    line = LogLine(line_id=at, task=row.task, stream=Stream.STDOUT, line=raw)
    around.last.take([line])
    shown = cells(row, around)
    assert shown["last line · result"] == "␛]0;boo␇[/red] row 7"
    assert (shown["◆"], shown["proc"]) == ("◆", "3")
    over = ended(
        "etl", "db1", 12, result=Reason.BACKOFF, detail="exited", retry_at=NOW + 48
    )
    assert (
        cells(over, around)["last line · result"] == "retry in 48s · 12s ago · exited"
    )
    stopping = running("etl", "db1", 90, stopping=True, kill_at=NOW + 7)
    assert cells(stopping, around)["last line · result"] == "KILL in 7s"


def waiting(**changes: Any) -> TaskRow:
    row = TaskRow(
        task=task("etl", "db7"),
        reason=Reason.BACKOFF,
        since=NOW - 65,
        attempts=3,
        next_run=NOW + 20,
        why="waits 20 s more\nof its backoff",
    )
    return row._replace(**changes)


def test_a_task_that_waits_says_why_and_until_when() -> None:
    assert cells(waiting()) == {
        "state": "↻ backoff",
        "job": "etl",
        "node": "db7",
        "for": "1m05s",
        "try": "3",
        "next in": "20s",
        "why": "waits 20 s more",
    }
    assert cells(waiting(since=None, attempts=0, next_run=None))["for"] == ""


def test_attempts_and_tasks_are_known_and_filtered_apart() -> None:
    rows: list[AnyRow] = [waiting(), running("etl", "db7"), ended("etl", "db7")]
    assert len({any_key(row) for row in rows}) == 3
    assert any_text(rows[0]) == "etl db7 backoff"
    assert any_fields(rows[0], NOW)["age"] == 65
    statuses = [any_fields(row, NOW)["status"] for row in rows]
    assert statuses == ["backoff backoff", "running", "done"]


@pytest.mark.parametrize("width", [36, 56, 76, 96, 136, 216])
def test_columns_fit_and_job_node_state_and_time_never_go(width: int) -> None:
    for columns in (TASK_COLUMNS, Surroundings().columns(tells_use=True)):
        kept = fitted(columns, width)
        assert {"state", "job", "node"} <= {column.title for column, _, _ in kept}
        if width >= 56:
            assert sum(gap + cells for _, gap, cells in kept) <= width


def test_facts_in_a_line_tell_what_is_known() -> None:
    around = surroundings(300)
    row = running("etl", "db1", 312, rss=206 << 20, cpu_seconds=258.0, processes=2)
    around.last.looked(row, ())
    assert plain_text(facts_line(row, around, SCENE)) == (
        "● running · 5m12s, usually 5m00s · pid 4711 · 206M resident · 4m18s CPU, 83 %"
        " of a core · 2 processes · on local · ◇ no output yet"
    )
    text = plain_text(facts_line(waiting(), around, SCENE))
    assert text == (
        "↻ backoff · for 1m05s · 3 attempts · next in 20s · waits 20 s more"
    )
    assert plain_text(facts_line(None, around, SCENE)) == "it is gone"


def test_the_way_back_is_shown_whatever_the_name() -> None:
    row = running("j\x1b" * 300, "n")
    for width in (40, 80, 140):
        text = plain_text(crumb(row, width))
        assert len(text) == width
        assert "\x1b" not in text
        assert text.endswith(" Escape back ")
