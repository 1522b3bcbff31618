"""The rows of running and ended tasks."""

import pytest

from bistro_tui.engine.view import JobName, NodeName, Reason
from bistro_tui.present.spans import Scene, plain_text
from bistro_tui.present.table import fitted
from bistro_tui.present.tasks import (
    COLUMNS,
    COLUMNS_WITHOUT_USE,
    EVERYTHING,
    Divider,
    Scope,
    TaskRow,
    result_cell,
    successor,
    task_fields,
    task_key,
    task_rows,
    tells_use,
)
from tests.ui.scripted import NOW, ended, running, snapshot, task

SCENE = Scene(now=NOW)


def cells(row: TaskRow) -> dict[str, str]:
    return {c.title: plain_text(c.cell(row, 80, SCENE)) for c in COLUMNS}


def test_running_rows_come_before_ended_ones_with_a_line_between() -> None:
    shown = snapshot(running=(running("a", "n1"),), ended=(ended("b", "n2"),))
    rows = task_rows(shown, EVERYTHING)
    assert [type(row).__name__ for row in rows] == ["RunningRow", "Divider", "EndedRow"]
    assert task_rows(snapshot(running=shown.running), EVERYTHING) == [shown.running[0]]


def test_a_scope_narrows_to_a_job_or_to_nodes() -> None:
    shown = snapshot(running=(running("a", "n1"), running("b", "n2")))
    of_job = task_rows(shown, Scope(job=JobName("b")))
    on_nodes = task_rows(
        shown, Scope(node=NodeName("r"), nodes=frozenset({NodeName("n1")}))
    )
    assert [str(row.task) for row in of_job if not isinstance(row, Divider)] == ["b@n2"]
    assert [str(r.task) for r in on_nodes if not isinstance(r, Divider)] == ["a@n1"]


def test_the_cursor_goes_from_a_running_task_to_its_newest_result() -> None:
    old, new = ended("a", "n1", 60), ended("a", "n1", 1)
    gone = task_key(running("a", "n1"))
    assert successor(gone, [new, old]) == task_key(new)
    assert successor(gone, [ended("a", "n2")]) is None
    assert successor(task_key(old), [new]) is None


def test_a_running_row_tells_age_attempt_process_and_worker() -> None:
    row = running("etl", "db7", 75, attempt=3, pid=99, worker="w1", processes=2)
    row = row._replace(rss=300 << 20, cpu_seconds=70.4)
    assert cells(row) == {
        "state": "● running",
        "job": "etl",
        "node": "db7",
        "time": "1m15s",
        "try": "3",
        "pid": "99",
        "rss": "300M",
        "cpu": "1m10s",
        "worker": "w1",
        "result": "",
    }


def test_an_ended_row_tells_where_it_ran_too() -> None:
    row = ended("etl", "db7", worker="w\x1b1")
    assert cells(row)["worker"] == "w␛1"
    assert task_fields(row, NOW)["worker"] == "w\x1b1"


def test_a_task_that_is_being_stopped_says_so() -> None:
    assert cells(running("a", "n", stopping=True))["state"] == "◑ stopping"


@pytest.mark.parametrize(
    ("kill_at", "text"),
    [
        (None, "TERM sent"),
        (NOW + 7.0, "KILL in 7s"),
        (NOW + 6.1, "KILL in 7s"),
        (NOW + 0.1, "KILL in 1s"),
        (NOW, "KILL sent"),
        (NOW - 12.5, "KILL sent 12s ago"),
    ],
)
def test_what_comes_next_is_told_of_a_task_that_is_being_stopped(
    kill_at: float | None, text: str
) -> None:
    row = running("a", "n", stopping=True, kill_at=kill_at)
    assert cells(row)["result"] == text


def test_use_is_told_once_it_is_known_of_any_running_task() -> None:
    rows: list[TaskRow] = [running("a", "n"), Divider(text=""), ended("a", "n")]
    assert not tells_use(rows)
    assert tells_use([*rows, running("b", "n", rss=0)])
    titles = {column.title for column in COLUMNS_WITHOUT_USE}
    assert {c.title for c in COLUMNS} - titles == {"rss", "cpu"}


def test_eighty_columns_keep_pid_and_result_and_leave_out_what_tasks_use() -> None:
    titles = [column.title for column, _, _ in fitted(COLUMNS, 78)]
    assert titles == ["state", "job", "node", "time", "try", "pid", "result"]
    assert len(fitted(COLUMNS, 100)) == len(COLUMNS)


def test_an_ended_row_tells_result_detail_and_when_it_is_tried_again() -> None:
    row = ended(
        "etl",
        "db7",
        12,
        result=Reason.BACKOFF,
        detail="exited with status 1\nmore",
        retry_at=NOW + 48,
        seconds=4.2,
    )
    shown = cells(row)
    assert shown["state"] == "↻ backoff"
    assert shown["time"] == "4.2s"
    assert shown["result"] == "retry in 48s · exited with status 1 · 12s ago"


def test_a_task_that_may_run_again_at_once_is_not_called_ready() -> None:
    assert cells(ended("a", "n", result=Reason.RUNNABLE))["state"] == "◌ again"


def test_one_task_may_have_a_running_and_several_ended_rows() -> None:
    keys = {
        task_key(running("a", "n")),
        task_key(ended("a", "n", 1)),
        task_key(ended("a", "n", 2)),
    }
    assert len(keys) == 3
    assert task("a", "n") in {key[1] for key in keys if isinstance(key, tuple)}


def test_a_narrow_cell_tells_first_when_it_is_tried_again() -> None:
    row = ended(
        "etl", "db7", 3, result=Reason.BACKOFF, detail="exit 1", retry_at=NOW + 42
    )
    line = result_cell(row, SCENE, age_first=True)
    assert plain_text(line) == "retry in 42s · 3s ago · exit 1"
