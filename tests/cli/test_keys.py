"""The settings file as it is found and read, and what ``keys`` says of it."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from bistro_tui.cli.main import run
from bistro_tui.cli.run_command import refuse_without_terminal
from bistro_tui.cli.screen_settings import read_settings, screen_settings, settings_path
from bistro_tui.cli.talk import WrongUse

NO_FLAGS: dict[str, Any] = {"theme": None, "ascii": None, "no_mouse": False}


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    path = tmp_path / "bistro-tui" / "ui.toml"
    path.parent.mkdir()
    return path


def test_keys_lists_every_action_with_a_persons_own_keys(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text('[keys]\n"act.stop" = "x,ctrl+k"\n')
    assert run(["keys"]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    assert any(
        line.split()[:3] == ["act.stop", "x", "ctrl+k"]
        for line in said.out.splitlines()
    )
    assert run(["keys", "--json"]) == 0
    listed = {one["id"]: one for one in json.loads(capsys.readouterr().out)["keys"]}
    assert listed["act.stop"]["keys"] == ["x", "ctrl+k"]
    assert listed["find.filter"]["keys"] == ["slash"]
    assert all(one["words"] for one in listed.values())


def test_check_says_that_all_is_well(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["keys", "--check"]) == 0
    assert "no clash" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[keys]\n"act.stop" = "q"', ":2: act.stop: q is the key of app.quit already"),
        ('[keys]\n"act.sop" = "k"', ":2: act.sop is no action; did you mean"),
        ("mouse = 3", ":1: mouse has to be true or false"),
        ("[keys", ":1: not valid TOML"),
        ('theme = "bistro-dya"', ":1: there is no theme 'bistro-dya'; did you mean"),
    ],
)
def test_check_tells_what_is_wrong_with_its_line(
    file: Path, capsys: pytest.CaptureFixture[str], text: str, says: str
) -> None:
    file.write_text(text)
    assert run(["keys", "--check"]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert f"{file}{says}" in said.err


def test_the_file_is_where_the_desktop_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for value in ("", "relative"):
        monkeypatch.setenv("XDG_CONFIG_HOME", value)
        assert settings_path() == tmp_path / ".config" / "bistro-tui" / "ui.toml"


def test_no_file_is_no_problem(file: Path) -> None:
    read = read_settings()
    assert (read.path, read.problems) == ("", ())


def test_what_is_no_readable_file_is_told_and_waited_for_by_nobody(file: Path) -> None:
    os.mkfifo(file)
    assert "it is no file" in read_settings().problems[0]
    file.unlink()
    file.mkdir()
    assert "cannot be read" in read_settings().problems[0]
    file.rmdir()
    file.write_bytes(b"theme = '\xff'")
    assert "cannot be read" in read_settings().problems[0]


def test_flags_come_before_the_file(
    file: Path,
) -> None:
    file.write_text('theme = "bistro-day"\nascii = true\ncolour = 1')
    wanted = screen_settings(NO_FLAGS)
    assert (wanted.theme, wanted.ascii, wanted.mouse) == ("bistro-day", True, True)
    assert f"{file}:3: colour is no setting" in wanted.problems[0]
    wanted = screen_settings({"theme": "ansi", "ascii": False, "no_mouse": True})
    assert (wanted.theme, wanted.ascii, wanted.mouse) == ("ansi", False, False)
    assert wanted.place("theme") == "--theme"


def test_a_terminal_that_cannot_be_drawn_on_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "isatty", lambda _: True)
    monkeypatch.setenv("TERM", "dumb")
    with pytest.raises(WrongUse, match="TERM=dumb") as refused:
        refuse_without_terminal("add --no-ui")
    assert "--no-ui" in str(refused.value)
    monkeypatch.setenv("TERM", "xterm-256color")
    refuse_without_terminal("add --no-ui")
