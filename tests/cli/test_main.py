"""Which command runs, and what an error of ours looks like."""

import io
import re
from pathlib import Path
from typing import Any

import pytest

from bistro_tui.cli import main
from bistro_tui.cli.main import run
from bistro_tui.cli.no_command import refuse_unknown_command
from bistro_tui.cli.talk import WrongUse, print_data


def said(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().err


def test_a_config_alone_means_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    seen: list[tuple[Path, dict[str, Any]]] = []

    def remember(path: Path, flags: dict[str, Any]) -> int:
        seen.append((path, flags))
        return 7

    monkeypatch.setattr("bistro_tui.cli.run.run", remember)

    assert run(["c.json", "--no-ui", "--data_dir", str(tmp_path)]) == 7
    assert run(["run", "--config-file=c.json", "--no-ui", "--dry_run"]) == 7

    (first, flags), (second, other) = seen
    assert first == second == Path("c.json")
    assert flags["data_dir"] == tmp_path
    assert (flags["dry_run"], other["dry_run"]) == (False, True)


def test_an_unknown_flag_names_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["c.json", "--clean-status"]) == 2
    message = said(capsys)
    assert "--clean-status" in message
    assert "--clean-statuses" in message


def test_a_wrong_use_of_a_command_names_its_own_help(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["logs", "--what"]) == 2
    assert said(capsys).endswith("see bistro-tui logs --help\n")
    assert run(["c.json", "--what"]) == 2
    assert said(capsys).endswith("see bistro-tui --help\n")


def test_foreign_text_in_a_message_cannot_drive_the_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["c.json", "--\x1b]0;x\x07"]) == 2
    assert "\x1b" not in said(capsys)


def test_an_internal_error_is_one_message_and_a_file(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    def explode(*_: object) -> int:
        raise ZeroDivisionError("a secret detail")

    monkeypatch.setattr("bistro_tui.cli.run.run", explode)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))

    assert run(["c.json", "--no-ui"]) == 1

    message = said(capsys)
    assert "internal error: ZeroDivisionError" in message
    assert "Traceback" not in message
    (report,) = (tmp_path / "bistro-tui").iterdir()
    assert str(report) in message
    assert "Traceback" in report.read_text()
    assert report.stat().st_mode & 0o777 == 0o600


def test_help_starts_nothing_heavy(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    shown = capsys.readouterr().out
    for flag in ("--no-ui", "--worker-command", "--config-update-ms"):
        assert flag in shown
    assert "--server-inet-interface" not in shown


def test_what_the_encoding_of_stdout_lacks_is_shown_by_its_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    written = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(written, encoding="ascii"))
    with pytest.raises(SystemExit, match="0"):
        main.main(["--version"])
    assert print_data("n…")
    assert written.getvalue().splitlines()[-1] == b"n\\u2026"


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    shown = capsys.readouterr().out
    listed = set(re.findall(r"^  bistro-tui ([a-z]+)", shown, re.MULTILINE))
    assert listed == set(main.COMMANDS) - {"run"}


def test_without_a_terminal_the_ui_is_refused_naming_the_way_out(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    def is_terminal(fd: int) -> bool:
        return fd != 2

    monkeypatch.setattr("os.isatty", is_terminal)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "c.json").write_text("{}")

    assert run(["c.json"]) == 2

    message = said(capsys)
    assert "stderr is no terminal" in message
    assert "--no-ui" in message


@pytest.mark.parametrize(
    ("argv", "near"),
    [
        (["plna", "x.json"], "plan"),
        (["validat", "x.json"], "validate"),
        (["Init"], "init"),
    ],
)
def test_a_misspelt_command_is_answered_with_the_nearest(
    argv: list[str], near: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(WrongUse, match="no such file") as caught:
        refuse_unknown_command(argv, main.COMMANDS)
    assert f"did you mean bistro-tui {near}?" in str(caught.value)


@pytest.mark.parametrize("word", ["foo", "status", "do-it"])
def test_a_word_that_is_neither_is_told_that_it_is_no_command(
    word: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run([word]) == 2
    message = said(capsys)
    assert f"{word}: no such file, and no such command" in message
    assert "bistro-tui --help lists the commands" in message
    assert "terminal" not in message


def test_a_file_of_nearly_that_name_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nightly.json").touch()
    assert run(["nightly"]) == 2
    assert "did you mean bistro-tui nightly.json?" in said(capsys)


def test_a_config_that_is_not_there_is_told_before_the_terminal_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("os.isatty", lambda _: False)
    assert run([str(tmp_path / "c.json")]) == 2
    assert said(capsys) == f"bistro-tui: {tmp_path / 'c.json'}: no such file\n"


@pytest.mark.parametrize("value", ["abc", "65536", "-1"])
def test_a_port_that_is_none_is_told_what_one_is(
    value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["c.json", f"--http-server-port={value}"]) == 2
    assert f"'{value}' is not a port number from 0 to 65535" in said(capsys)


@pytest.mark.parametrize(
    "argv",
    [
        [],
        ["--no-ui"],
        ["c.json"],
        ["plan.json"],
        ["./plna"],
        ["plna", "--config-loader=etcd"],
    ],
)
def test_what_may_be_a_config_is_no_misspelt_command(
    argv: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    refuse_unknown_command(argv, main.COMMANDS)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["plna", "web"])
def test_a_file_comes_before_a_guess(
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).touch()
    refuse_unknown_command([name], main.COMMANDS)
    assert capsys.readouterr() == ("", "")


def test_every_command_is_reachable_by_its_name() -> None:
    promised = {
        "run", "plan", "validate", "init", "cron", "history", "logs", "doctor",
        "ps", "jobs", "tasks", "nodes", "workers", "errors", "why", "top", "query",
        "enable", "disable", "kill", "forgive", "wait", "attach", "worker", "web",
    }  # fmt: skip
    assert promised <= set(main.COMMANDS)
    assert all(command.name == name for name, command in main.COMMANDS.items())
