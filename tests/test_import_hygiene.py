"""What import contracts cannot see: what a module really loads when it runs."""

import subprocess
import sys

import pytest

from tests.samples import DIRECTORY


def loaded_by(statement: str) -> set[str]:
    """Return the top-level packages in a fresh interpreter after the statement."""
    code = (
        f"import sys\n{statement}\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    return set(run.stdout.split())


@pytest.mark.parametrize(
    "statement",
    [
        "import bistro_tui.engine.engine, bistro_tui.engine.door",
        "import bistro_tui.present.clean",
        "import bistro_tui.cli.run, bistro_tui.cli.headless",
    ],
)
def test_without_a_screen_textual_and_rich_are_never_loaded(statement: str) -> None:
    assert loaded_by(statement).isdisjoint({"textual", "rich"})


def test_the_command_line_itself_loads_nothing_heavy() -> None:
    heavy = {"textual", "rich", "asyncio", "aiosqlite", "sqlite3", "watchfiles", "re2"}
    assert loaded_by("import bistro_tui.cli.main").isdisjoint(heavy)


def test_a_wrong_flag_is_answered_without_the_engine() -> None:
    packages = loaded_by("from bistro_tui.cli.main import run; run(['c', '--datadir'])")
    assert packages.isdisjoint({"asyncio", "textual", "sqlite3"})


@pytest.mark.parametrize("command", ["ps", "jobs", "errors --json", "kill j n"])
def test_asking_a_scheduler_loads_no_loop_no_server_and_no_screen(command: str) -> None:
    heavy = {"asyncio", "aiohttp", "textual", "prometheus_client", "aiosqlite", "re2"}
    words = [*command.split(), "--url", "http://127.0.0.1:1"]
    loaded = loaded_by(f"from bistro_tui.cli.main import run; assert run({words}) == 5")
    assert "http" in loaded
    assert loaded.isdisjoint(heavy)


def test_a_command_loads_no_other() -> None:
    statement = (
        "from bistro_tui.cli.main import run; run(['ps', '--url', 'x']);"
        " import sys; assert 'bistro_tui.cli.looks.ps' in sys.modules;"
        " assert not {'bistro_tui.cli.logs', 'bistro_tui.cli.acts'} & {*sys.modules}"
    )
    assert "click" in loaded_by(statement)


@pytest.mark.parametrize(
    ("suffix", "parsers"),
    [
        (".json", set()),
        (".toml", {"tomllib"}),
        (".yaml", {"yaml"}),
    ],
)
def test_a_good_config_loads_only_the_parser_of_its_format(
    suffix: str, parsers: set[str]
) -> None:
    name = {".json": "simple", ".toml": "shards", ".yaml": "etl"}[suffix]
    path = str(DIRECTORY / f"{name}{suffix}")
    statement = (
        "from pathlib import Path; from bistro_tui.engine.config.load import "
        f"load_config; assert load_config(Path({path!r})).config"
    )
    every = {"tomllib", "yaml", "tree_sitter", "tree_sitter_json", "tree_sitter_toml"}
    assert loaded_by(statement) & every == parsers
