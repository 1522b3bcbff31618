"""Logs where tasks run on workers, too: the scheduler is asked, not the file."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bistro_tui.cli.main import run
from bistro_tui.engine.ids import JobName, NodeName, TaskId
from bistro_tui.engine.logs.rows import StoredLine
from bistro_tui.engine.logs.sink import Stream
from tests.cli.fake_scheduler import FakeScheduler
from tests.engine.logs.tables import insert, make_tables

SECOND = 1_700_000_000
PLACE = 2**130 + 5
SILENT = "Failed to fetch logs from worker a\x1b[31m: not connected"


def line(number: int) -> list[Any]:
    line_id = str(SECOND + number << 32)
    return ["etl", "n1", SECOND + number, f"{number}\n", line_id, "stdout"]


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """Return where a scheduler has run whose tasks ran on workers."""
    with closing(make_tables(tmp_path / "task_logs.sql3")) as connection:
        task = TaskId(JobName("here"), NodeName("n1"))
        insert(connection, [StoredLine(SECOND << 32, task, Stream.STDOUT, b"here\n")])
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "worker.port").write_text("6789\n")
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "worker.token").write_text("x" * 32)
    return tmp_path


@pytest.fixture
def scheduler(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FakeScheduler]:
    monkeypatch.setattr("bistro_tui.engine.owner.owner_of", lambda _: object())
    with FakeScheduler().on(data_dir) as serving:
        yield serving


@pytest.fixture
def show(data_dir: Path) -> Callable[..., int]:
    return lambda *words: run(["logs", "--data-dir", str(data_dir), *words])


def test_pages_go_on_at_places_and_what_is_missing_is_said_once(
    show: Callable[..., int],
    scheduler: FakeScheduler,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def answer(query: Mapping[str, Any]) -> Any:
        is_first = query["line_id"] is None
        return {
            "lines": [line(1 if is_first else 2)],
            "next_line_id": str(PLACE) if is_first else "-1",
            "last_id": "0",
            "unasked": [SILENT],
        }

    scheduler.answers["log_lines"] = answer
    assert show("--asc", "-n", "0") == 0
    said = capsys.readouterr()
    assert said.out == "etl@n1 | 1\netl@n1 | 2\n"
    assert said.err.count("Failed to fetch logs from worker a") == 1
    assert "\x1b" not in said.err
    assert [query["line_id"] for query in scheduler.asked] == [None, str(PLACE)]
    assert show("--line-id", str(PLACE), "--json", "-n", "1") == 0
    assert json.loads(capsys.readouterr().out)["next_line_id"] == "-1"
    assert scheduler.asked[-1]["line_id"] == str(PLACE)


def test_following_goes_on_after_what_each_worker_was_read(
    show: Callable[..., int],
    scheduler: FakeScheduler,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def answer(query: Mapping[str, Any]) -> Any:
        number = len(scheduler.asked)
        # An answer by the id alone, once there is no worker, is above no place.
        last_id = PLACE + number if number < 4 else SECOND << 32
        told = [line(number)]
        return {"lines": told, "next_line_id": "-1", "last_id": str(last_id)}

    def wait(_seconds: float) -> None:
        if len(scheduler.asked) >= 4:
            raise KeyboardInterrupt

    scheduler.answers["log_lines"] = answer
    monkeypatch.setattr("bistro_tui.cli.logs.time.sleep", wait)
    assert show("-f") == 130
    assert capsys.readouterr().out.count("\n") == 4
    begins = [query["line_id"] for query in scheduler.asked]
    assert begins == [None, str(PLACE + 2), str(PLACE + 3), str(PLACE + 4)]


def test_without_its_scheduler_the_file_is_read_and_what_is_elsewhere_told(
    show: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert show("--line-id", str(PLACE), "--asc") == 0
    assert capsys.readouterr().out == "here@n1 | here\n"
    assert show("etl") == 0
    assert "on workers is there, and is shown while" in capsys.readouterr().err


def test_following_waits_for_a_scheduler_that_went_away(
    show: Callable[..., int],
    scheduler: FakeScheduler,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def answer(_query: Mapping[str, Any]) -> Any:
        number = len(scheduler.asked)
        if number == 2:
            scheduler.body = b"of no scheduler"
        last_id = str(PLACE + number)
        return {"lines": [line(number)], "next_line_id": "-1", "last_id": last_id}

    def wait(_seconds: float) -> None:
        if len(scheduler.asked) == 3:
            raise KeyboardInterrupt
        if waiting := capsys.readouterr().err:
            said.append(waiting)
            scheduler.body = None

    said: list[str] = []
    scheduler.answers["log_lines"] = answer
    monkeypatch.setattr("bistro_tui.cli.near_lines.time.sleep", wait)
    monkeypatch.setattr("bistro_tui.cli.near_lines.is_stdout_read", lambda: True)
    assert show("-f") == 130
    assert len(said) == 1
    assert "waiting for it" in said[0]
    assert scheduler.asked[-1]["line_id"] == str(PLACE + 3)
