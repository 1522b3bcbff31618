"""Waiting for the end of the work: what is asked, and which exit code comes of it."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from bistro_tui.cli.main import run
from tests.cli.fake_scheduler import FakeScheduler

RUNS = {
    "done": 1, "failed": 0, "blocked": 3, "running": 2,
    "can_progress": True, "is_done": False, "is_idle": False,
}  # fmt: skip
DONE = RUNS | {
    "done": 4, "blocked": 0, "running": 0,
    "can_progress": False, "is_done": True, "is_idle": True,
}  # fmt: skip
STUCK = DONE | {"failed": 1, "blocked": 1, "is_done": False}
IN_BACKOFF = RUNS | {"running": 0, "is_idle": True}

Waited = Callable[..., int]


@pytest.fixture
def waited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Waited:
    """Return the exit code of a wait that hears these answers, the last for ever."""
    monkeypatch.setenv("BISTRO_TUI_DATA_DIR", str(tmp_path / "d"))
    monkeypatch.setattr("bistro_tui.cli.wait.signal.signal", lambda *_: None)

    def wait_for(answers: list[dict[str, Any]], *words: str) -> int:
        heard = iter(answers)

        def answer(query: Mapping[str, Any]) -> Any:
            assert 0 <= query["wait_sec"] <= 5
            return next(heard, answers[-1])

        with FakeScheduler(answers={"progress": answer}).on(tmp_path / "d"):
            return run(["wait", *words])

    return wait_for


@pytest.mark.parametrize(
    ("answers", "words", "code"),
    [
        ([RUNS, RUNS, DONE], [], 0),
        ([RUNS, STUCK], ["--until", "done"], 1),
        ([RUNS, IN_BACKOFF, DONE], ["--until=done"], 0),
        ([RUNS, IN_BACKOFF], ["--until", "idle"], 0),
        ([STUCK], ["--until", "idle"], 0),
        ([RUNS], ["--timeout", "0"], 1),
        ([DONE], ["--timeout", "0"], 0),
    ],
)
def test_the_exit_code_says_what_it_came_to(
    answers: list[dict[str, Any]], words: list[str], code: int, waited: Waited
) -> None:
    assert waited(answers, *words) == code


def test_what_is_left_is_said_and_stdout_stays_for_data(
    waited: Waited, capsys: pytest.CaptureFixture[str]
) -> None:
    assert waited([STUCK]) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err == (
        "bistro-tui: not done, and nothing can progress: 4 done, 1 failed, 0 running, 1"
        " waiting\n"
    )
    assert waited([RUNS], "--timeout", "0.01") == 1
    assert "not done, after 0.01 s: 1 done" in capsys.readouterr().err


def test_with_json_the_last_answer_is_printed(
    waited: Waited, capsys: pytest.CaptureFixture[str]
) -> None:
    assert waited([RUNS, STUCK], "--json") == 1
    shown = capsys.readouterr()
    assert json.loads(shown.out) == STUCK
    assert shown.err == ""


def test_a_scheduler_that_ends_meanwhile_without_a_word_is_exit_code_5(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("bistro_tui.cli.wait.signal.signal", lambda *_: None)
    scheduler = FakeScheduler()

    def answer(_query: Mapping[str, Any]) -> Any:
        if len(scheduler.asked) > 1:
            scheduler.status = 503
        return RUNS

    scheduler.answers["progress"] = answer
    with scheduler.on_a_port() as port:
        code = run(["wait", "--url", f"http://127.0.0.1:{port}"])
    assert code == 5
    assert "the scheduler went away" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["--until", "later"], ["--timeout", "-1"]])
def test_what_cannot_be_waited_for_is_wrong_use(words: list[str]) -> None:
    assert run(["wait", *words]) == 2


def test_a_scheduler_that_is_silent_is_waited_for_no_longer_than_the_timeout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    borne: list[float] = []

    def silent(_asking: object, _body: bytes, timeout: float) -> tuple[int, bytes]:
        borne.append(timeout)
        now[0] += timeout
        raise TimeoutError

    now = [100.0]
    (tmp_path / "d").mkdir()
    monkeypatch.setattr("bistro_tui.cli.wait.signal.signal", lambda *_: None)
    monkeypatch.setattr("bistro_tui.cli.wait._now", lambda: now[0])
    monkeypatch.setattr("bistro_tui.client.once.Asking._exchange", silent)
    words = ["wait", "--data-dir", str(tmp_path / "d")]
    assert run([*words, "--timeout", "2"]) == 1
    assert "not done, after 2 s: " in capsys.readouterr().err
    assert run(words) == 5
    assert "no answer within" in capsys.readouterr().err
    assert borne == [2.5, 10]
