"""Logs and history of a scheduler elsewhere, asked for by its URL."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from bistro_tui.cli import past
from bistro_tui.cli.main import run
from tests.cli.fake_scheduler import FakeScheduler

SECOND = 1_700_000_000


def attempt(number: int) -> dict[str, Any]:
    return {
        "job": "etl", "node": f"n{number}", "invocation": f"{SECOND}-{number:016x}",
        "started": SECOND + 0.5, "ended": SECOND + 1.5, "seconds": 1.0,
        "status": "done", "result_bits": 4, "exit": "exited with status 0",
        "detail": "", "worker": "local", "peak_memory": None, "cpu_seconds": None,
    }  # fmt: skip


def line(number: int, text: str = "x\n") -> list[Any]:
    return ["etl", "n1", SECOND + number, text, str(SECOND + number << 32), "stdout"]


@pytest.fixture
def scheduler() -> FakeScheduler:
    return FakeScheduler()


@pytest.fixture
def ask(
    scheduler: FakeScheduler, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., int]]:
    # Elsewhere is asked, whatever the environment says of here.
    monkeypatch.setenv("BISTRO_TUI_DATA_DIR", "/nowhere")
    with scheduler.on_a_port() as port:
        yield lambda *words: run([*words, "--url", f"http://127.0.0.1:{port}"])


def test_attempts_come_a_page_at_a_time(
    ask: Callable[..., int],
    scheduler: FakeScheduler,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(past, "_PAGE", 2)

    def history(query: Mapping[str, Any]) -> Any:
        begin = int(query["before"] or 0)
        end = min(begin + query["limit"], 5)
        found = [attempt(number) for number in range(begin, end)]
        return {"attempts": found, "next": str(end) if end < 5 else None}

    scheduler.answers["history"] = history
    assert ask("history", "etl", "--status", "done", "-n", "0", "--json") == 0
    every = json.loads(capsys.readouterr().out)["attempts"]
    assert every == [attempt(number) for number in range(5)]
    assert scheduler.asked[0]["statuses"] == ["done"]
    assert ask("history", "-n", "3", "--json") == 0
    assert json.loads(capsys.readouterr().out)["attempts"] == every[:3]
    assert ask("history") == 0
    shown = capsys.readouterr().out.splitlines()
    assert len(shown) == 6


def test_what_is_looked_for_is_asked_for(
    ask: Callable[..., int],
    scheduler: FakeScheduler,
    capsys: pytest.CaptureFixture[str],
) -> None:
    scheduler.answers["log_lines"] = {
        "lines": [line(2, "b\udcff\n"), line(1)], "next_line_id": "-1", "last_id": "9"
    }  # fmt: skip
    words = ["--stream", "stdout", "--grep", "t", "--ignore-case", "--since", "100"]
    assert ask("logs", "etl", "n1", "--json", "-n", "5", *words) == 0
    lines = json.loads(capsys.readouterr().out)["lines"]
    assert [one[3] for one in lines] == ["x\n", "b\ufffd\n"]
    (asked,) = scheduler.asked
    assert asked == {
        "handler": "log_lines", "streams": ["stdout"], "jobs": ["etl"],
        "nodes": ["n1"], "line_id": None, "stop_id": str(100 << 32), "sort": "desc",
        "limit": 5, "text": "t", "regex": None, "ignore_case": True,
    }  # fmt: skip


def test_following_goes_on_behind_the_last_line_until_the_scheduler_ends(
    ask: Callable[..., int],
    scheduler: FakeScheduler,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bistro_tui.cli.logs._LOOK_AGAIN_SEC", 0.001)

    def lines(query: Mapping[str, Any]) -> Any:
        number = len(scheduler.asked)
        if number > 3:
            scheduler.status = 503
        last = str(SECOND + number << 32)
        return {"lines": [line(number)], "next_line_id": "-1", "last_id": last}

    scheduler.answers["log_lines"] = lines
    assert ask("logs", "-f", "--merge", "etl", "n1") == 5
    shown = capsys.readouterr()
    assert shown.out == "etl@n1 | x\n" * 3
    assert "cannot answer now" in shown.err
    begins = [query["line_id"] for query in scheduler.asked]
    assert begins[1:3] == [str((SECOND + number << 32) + 1) for number in (1, 2)]


@pytest.mark.parametrize("answer", [{}, [], {"attempts": [{}]}, {"lines": [[1]]}])
@pytest.mark.parametrize("command", ["logs", "history"])
def test_an_answer_that_nobody_understands_is_exit_code_5(
    command: str,
    answer: Any,
    ask: Callable[..., int],
    scheduler: FakeScheduler,
    capsys: pytest.CaptureFixture[str],
) -> None:
    scheduler.answers |= {"log_lines": answer, "history": answer}
    assert ask(command) == 5
    assert "is no scheduler of this version" in capsys.readouterr().err


def test_where_there_is_nothing_that_is_said(
    ask: Callable[..., int],
    scheduler: FakeScheduler,
    capsys: pytest.CaptureFixture[str],
) -> None:
    scheduler.answers["history"] = {"attempts": [], "next": None}
    scheduler.answers["log_lines"] = {
        "lines": [], "next_line_id": "-1", "last_id": "0"
    }  # fmt: skip
    assert ask("history", "etl") == 0
    assert "no attempt of etl is recorded in http://127" in capsys.readouterr().err
    assert ask("logs", "etl") == 0
    assert "no lines of etl in http://127" in capsys.readouterr().err
