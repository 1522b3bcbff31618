"""The ``validate`` command: every error of a config, for people or as JSON."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bistro_tui.cli import exit_codes
from bistro_tui.cli.complete import complete_configs
from bistro_tui.cli.flags import all_flags
from bistro_tui.cli.talk import print_data, say

if TYPE_CHECKING:
    from bistro_tui.engine.config.load import LoadedConfig
    from bistro_tui.engine.config.problems import LocatedProblem

_FILE = "file"


def _validate(config: str, config_loader: str, as_json: bool) -> int:
    # Imported late: --help must not wait for the parser.
    from bistro_tui.engine.config.problems import (
        LocatedProblem,
        render_problems,
    )
    from bistro_tui.engine.errors import BistroError

    if config_loader == _FILE:
        config = str(Path(config))
    errors: tuple[LocatedProblem, ...]
    warnings: tuple[LocatedProblem, ...]
    try:
        loaded = _load(config, config_loader)
    except BistroError as error:
        shown, warnings = str(error), ()
        errors = (
            LocatedProblem(
                file=config,
                line=1,
                column=1,
                path="",
                message=shown.removeprefix(f"{config}: "),
                job=None,
            ),
        )
    else:
        errors, warnings = loaded.problems, (*loaded.warnings, *_no_command(loaded))
        shown = loaded.trouble or render_problems(errors, loaded.text)
        if warnings and not as_json:
            say(_as_warnings(render_problems(warnings, loaded.text)))
    if as_json:
        document = {
            "ok": not errors,
            "errors": [error.as_json() for error in errors],
            "warnings": [warning.as_json() for warning in warnings],
        }
        print_data(json.dumps(document))
    elif errors:
        say(f"errors:\n{shown}")
        also = _count(warnings, "warning", before=", ")
        say(f"{config}: {_count(errors, 'error')}{also}")
    else:
        print_data(f"{config}: ok{_count(warnings, 'warning', before=', ')}")
    return exit_codes.USAGE if errors else exit_codes.OK


def _load(config: str, config_loader: str) -> "LoadedConfig":
    """Return what that loader makes of CONFIG; ConfigUnusable or PluginError."""
    # Imported late, as above; and a file needs no loop and nothing of the engine.
    if config_loader == _FILE:
        from bistro_tui.engine.config.load import load_config

        return load_config(Path(config))
    import asyncio
    import random

    from bistro_tui.engine.clock import SystemClock
    from bistro_tui.engine.options import EngineOptions
    from bistro_tui.engine.parts import check_names, make_config_loader

    options = EngineOptions(
        config_path=Path(config), config_name=config, config_loader=config_loader
    )
    check_names(options)

    async def load() -> "LoadedConfig":
        clock, rng = SystemClock(), random.Random()
        return await make_config_loader(options, clock=clock, rng=rng).load()

    return asyncio.run(load())


def _no_command(loaded: "LoadedConfig") -> "Iterator[LocatedProblem]":
    """Yield a warning a job without command: whether it can run is up to the flags."""
    # Imported late, as above.
    from bistro_tui.engine.config.commands import missing_commands
    from bistro_tui.engine.config.load import locate_problems

    if loaded.config is not None:
        message = "missing: this job needs --worker-command to run on this host"
        missing = missing_commands(loaded.config, message)
        yield from locate_problems(loaded, missing)


def _count(found: Sequence[object], word: str, *, before: str = "") -> str:
    if not found:
        return ""
    return f"{before}{len(found)} {word}{'s' if len(found) > 1 else ''}"


def _as_warnings(rendered: str) -> str:
    return "warnings:\n" + rendered


validate_command = click.Command(
    name="validate",
    callback=_validate,
    params=[
        click.Argument(
            ["config"],
            type=str,
            metavar="CONFIG",
            shell_complete=complete_configs,
        ),
        click.Option(["as_json", "--json"], is_flag=True, help="Answer as JSON."),
        *(flag.option() for flag in all_flags() if flag.name == "config-loader"),
    ],
    help="Check CONFIG and name every error with file, line, column and path.\n\n"
    "Runs nothing, not even node scripts. Exit code 0, or 2 if there is any error.",
    context_settings={"help_option_names": ["-h", "--help"]},
)
