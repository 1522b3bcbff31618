"""What a shell is told that a word may become, and what the shells make of it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bistro_tui.cli.complete import read_line
from bistro_tui.cli.main import COMMANDS, run
from tests.cli.fake_scheduler import FakeScheduler
from tests.faults.needs import need_program

HARMFUL = "x $(touch pwned)`touch pwned`;touch pwned 'q' \"d\" *é\\"
JOBS = ("etl", "etl-2", "db:load", "my job", HARMFUL, "line\nbreak", "esc\x1b[2J")


def names(query: Mapping[str, Any]) -> dict[str, list[str]]:
    known = {"jobs": JOBS, "nodes": ("n1", "n2")}[query["kind"]]
    return {"names": [name for name in known if name.startswith(query["prefix"])]}


@pytest.fixture
def scheduler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BISTRO_TUI_DATA_DIR", str(tmp_path / "d"))
    with FakeScheduler(answers={"names": names}).on(tmp_path / "d"):
        yield


class Shell:
    """Asks as the script of one shell does."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self._monkeypatch, self._capsys = monkeypatch, capsys

    def __call__(
        self, line: str, *, shell: str = "zsh", replaced: str | None = None
    ) -> list[str]:
        self._monkeypatch.setenv("_BISTRO_TUI_COMPLETE", shell)
        self._monkeypatch.setenv("COMP_LINE", line)
        if replaced is not None:
            self._monkeypatch.setenv("COMP_CUR", replaced)
        assert run([]) == 0
        return self._capsys.readouterr().out.splitlines()


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(monkeypatch, capsys)


def test_commands_and_configs_begin_a_line(
    ask: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("plain.json", "p.yaml", "p.txt", ".p.json"):
        (tmp_path / name).touch()
    (tmp_path / "place").mkdir()
    found = ask("bistro-tui p")
    assert found[:2] == ["plain\tplan", "plain\tps"]
    assert found[2:] == ["plain\tp.yaml", "open\tplace/", "plain\tplain.json"]
    assert ask("bistro-tui .p") == ["plain\t.p.json"]
    assert ask("bistro-tui nothing") == ["file\tnothing"]


def test_flags_and_fixed_words_are_completed(ask: Shell) -> None:
    assert ask("bistro-tui --no-u") == ["plain\t--no-ui"]
    assert ask("bistro-tui wait --until ") == ["plain\tdone", "plain\tidle"]
    assert ask("bistro-tui wait --until=i") == ["plain\t--until=idle"]
    assert ask("bistro-tui completion ") == ["plain\tbash", "plain\tzsh", "plain\tfish"]
    assert ask("bistro-tui logs --data-dir ./x") == ["dir\t./x"]
    # Accepted with a warning is not worth being offered.
    assert ask("bistro-tui --cgroup") == []


@pytest.mark.parametrize("command", ["", "ps ", "history ", "attach "])
def test_whatever_names_a_file_is_completed_with_files(
    command: str, ask: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "simple.json").touch()
    begin = f"bistro-tui {command}"
    assert ask(f"{begin}--config-file si") == ["plain\tsimple.json"]
    assert ask(f"{begin}--config-file=si") == ["plain\t--config-file=simple.json"]
    assert ask(f"{begin}--data-dir=x") == ["dir\tx"]


def test_every_flag_of_a_file_or_directory_is_completed(
    ask: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, command in COMMANDS.items():
        for param in command.params:
            if param.metavar not in ("FILE", "DIR", "CONFIG", "PROGRAM"):
                continue
            flag = f"{param.opts[0]} " if isinstance(param, click.Option) else ""
            word = "" if name == "run" else f"{name} "
            (kind,) = ask(f"bistro-tui {word}{flag}zz")
            assert kind in ("file\tzz", "dir\tzz"), (name, param.name)


def test_help_of_completion_fits_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert run(["completion", "--help"]) == 0
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 80


@pytest.mark.usefixtures("scheduler")
def test_jobs_and_nodes_are_those_of_the_running_scheduler(ask: Shell) -> None:
    assert ask("bistro-tui enable et") == ["plain\tetl", "plain\tetl-2"]
    assert ask("bistro-tui enable etl et") == ["plain\tetl-2"]
    assert ask("bistro-tui kill etl ") == ["plain\tn1", "plain\tn2"]
    assert ask("bistro-tui logs etl n1 ") == []
    # A name that no line can hold is not offered.
    assert ask("bistro-tui enable li") == []
    assert ask("bistro-tui enable es") == []


def test_where_no_scheduler_answers_nothing_is_offered(
    ask: Shell, tmp_path: Path
) -> None:
    assert ask(f"bistro-tui enable --data-dir {tmp_path} e") == []
    assert ask("bistro-tui enable --url http://127.0.0.1:1 e") == []


@pytest.mark.usefixtures("scheduler")
@pytest.mark.parametrize(
    ("line", "replaced", "answers"),
    [
        ("bistro-tui enable my", "my", ["plain\tmy\\ job"]),
        ("bistro-tui enable my\\ j", "my\\ j", ["plain\tmy\\ job"]),
        ("bistro-tui enable 'my j", "my j", ["plain\tmy job"]),
        ("bistro-tui enable db:l", "l", ["plain\tload"]),
        ("bistro-tui enable db:", "", ["plain\tload"]),
        ("bistro-tui wait --until=i", "i", ["plain\tidle"]),
        ("bistro-tui wait --until=", "", ["plain\tdone", "plain\tidle"]),
        # What would be alive between these quotes cannot be put there.
        ('bistro-tui enable "x', "x", []),
        ("bistro-tui enable 'x", "x", []),
    ],
)
def test_bash_gets_what_belongs_in_place_of_what_it_replaces(
    line: str, replaced: str, answers: list[str], ask: Shell
) -> None:
    assert ask(line, shell="bash", replaced=replaced) == answers


@given(st.lists(st.text(st.characters(exclude_characters="\0\n"), min_size=1)))
def test_quoted_words_are_read_as_they_were(words: list[str]) -> None:
    quoted = ["'" + word.replace("'", "'\\''") + "'" for word in words]
    line = read_line(" ".join(["bistro-tui", *quoted, ""]))
    assert line.words == tuple(words)
    assert (line.last, line.raw, line.quote) == ("", "", "")


def test_an_unfinished_line_is_understood() -> None:
    assert read_line("a b 'c d").last == "c d"
    assert read_line("a b 'c d").quote == "'"
    assert read_line('a "x\\"y').last == 'x"y'
    assert read_line("a b\\").last == "b\\"
    assert read_line("").words == ()


PROGRAMS = {
    "bash": r"""
source ./script
COMP_LINE="bistro-tui $1" COMP_POINT=${#COMP_LINE}
compopt() { :; }
_bistro_tui bistro-tui "$2"
printf '%s\n' "${COMPREPLY[@]}"
eval "printf '<%s>\n' ${COMPREPLY[0]}"
""",
    "fish": r"""
source ./script
set found (complete -C "bistro-tui $argv[1]")
printf '%s\n' $found
eval "printf '<%s>\n' "(string escape -- $found[1])
""",
}


@pytest.mark.slow
@pytest.mark.usefixtures("scheduler")
@pytest.mark.parametrize("shell", ["bash", "fish"])
def test_the_shells_take_the_names_and_run_none_of_them(
    shell: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    need_program(shell)
    assert run(["completion", shell]) == 0
    (tmp_path / "script").write_text(capsys.readouterr().out)
    (tmp_path / "try").write_text(PROGRAMS[shell])
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"

    def completed(word: str) -> list[str]:
        done = subprocess.run(
            [shell, "./try", f"enable {word}", word],
            cwd=tmp_path,
            env={**os.environ, "PATH": path, "HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=20,
        )
        assert done.stderr == ""
        return done.stdout.splitlines()

    assert completed("etl") == ["etl", "etl-2", "<etl>"]
    assert completed("x")[-1] == f"<{HARMFUL}>"
    assert not (tmp_path / "pwned").exists()


ZSH = r"""
compdef() { : }
compadd() { shift $(( ${@[(i)-a]} )); print -rl -- "${(@P)1}" >>found }
source ./script
words=(bistro-tui enable "$1") CURRENT=3
_bistro_tui
"""


@pytest.mark.slow
@pytest.mark.usefixtures("scheduler")
def test_zsh_is_given_the_names(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    need_program("zsh")
    assert run(["completion", "zsh"]) == 0
    (tmp_path / "script").write_text(capsys.readouterr().out)
    (tmp_path / "try").write_text(ZSH)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    for word in ("etl", "x"):
        subprocess.run(
            [str(shutil.which("zsh")), "-f", "./try", word],
            cwd=tmp_path,
            env={**os.environ, "PATH": path, "HOME": str(tmp_path)},
            timeout=20,
            check=True,
        )
    assert (tmp_path / "found").read_text().splitlines() == ["etl", "etl-2", HARMFUL]
    assert not (tmp_path / "pwned").exists()
