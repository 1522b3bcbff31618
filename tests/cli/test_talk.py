"""Data and words that cannot be written: the first is an error, the others are not."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

import pytest

from bistro_tui.cli.main import run
from bistro_tui.cli.talk import StdoutLost, print_data, print_raw, say
from tests.cli.fake_scheduler import FakeScheduler


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "state"


@contextmanager
def full_disk() -> Iterator[None]:
    """Have a stdout that takes nothing."""
    with open("/dev/full", "w") as disk, redirect_stdout(disk):
        yield


def test_data_for_which_there_is_no_room_is_an_error() -> None:
    with full_disk(), pytest.raises(StdoutLost, match="No space left on device"):
        print_data("x")


def test_bytes_for_which_there_is_no_room_are_an_error() -> None:
    with full_disk(), pytest.raises(StdoutLost, match="No space left on device"):
        print_raw(b"x")


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["ps", "--help"],
        ["--version"],
        ["completion", "bash"],
        ["init", "-"],
        ["cron", '{"cron": "* * * * *"}'],
        ["plan", "c.json"],
        ["errors", "--json", "--data-dir", "d"],
        ["enable", "x", "--json", "--data-dir", "d"],
    ],
)
def test_a_command_whose_data_is_lost_has_not_done_it(
    words: list[str], state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["init", "c.json"]) == 0
    capsys.readouterr()
    answers = {"errors": {}, "enable_job": "enabled"}
    with FakeScheduler(answers=answers).on(Path("d")), full_disk():
        assert run(words) == 1
    said = capsys.readouterr().err
    assert said == (
        "bistro-tui: stdout could not be written: No space left on device\n"
    )
    assert not state.exists()


def test_what_was_refused_is_said_all_the_same(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with FakeScheduler().on(Path("d")), full_disk():
        assert run(["enable", "x", "--json", "--data-dir", "d"]) == 1
    said = capsys.readouterr().err
    assert "knows no enable_job" in said
    assert "stdout could not be written" in said


def test_without_a_stderr_a_command_does_what_it_should(
    state: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stderr", None)
    say("nobody hears it")
    with FakeScheduler(answers={"enable_job": "enabled"}).on(Path("d")):
        assert run(["enable", "x", "--data-dir", "d"]) == 0
        assert run(["disable", "x", "--json", "--data-dir", "d"]) == 1
    assert list(json.loads(capsys.readouterr().out)["errors"]) == ["x"]
    assert run(["ps", "--what"]) == 2
    assert not state.exists()
