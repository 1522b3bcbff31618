"""The ``run`` command as click sees it: its arguments and its help."""

import os
import signal
import sys
from pathlib import Path
from typing import Any

import click

from bistro_tui.cli.collecting import loading
from bistro_tui.cli.complete import complete_configs
from bistro_tui.cli.flag import ENV_PREFIX
from bistro_tui.cli.flags import SECTIONS, all_flags
from bistro_tui.cli.other_commands import GROUPS
from bistro_tui.cli.sectioned import write_sections
from bistro_tui.cli.talk import WrongUse, say


class RunCommand(click.Command):
    """A command whose options are shown in sections."""

    def format_options(
        self, ctx: click.Context, formatter: click.HelpFormatter
    ) -> None:
        """Write the options section by section, then the other commands."""
        write_sections(self, SECTIONS, ctx, formatter)
        for title, commands in GROUPS:
            with formatter.section(title):
                formatter.write_dl(
                    [(f"bistro-tui {usage}", does) for usage, does in commands]
                )
        with formatter.section("Also"):
            formatter.write_text(
                f"Every flag can be set by the environment ({ENV_PREFIX}DATA_DIR=…) and"
                " spelled as in Bistro (--data_dir, --noclean_statuses). Other flags of"
                " Bistro are accepted with a warning."
            )
        with formatter.section("Exit codes"):
            formatter.write_dl(
                [
                    ("0", "Stopped as asked, or every owed task is done."),
                    (
                        "1",
                        "--exit-when-done: not every owed task is done; a command:"
                        " the scheduler refused; data could not be written.",
                    ),
                    ("2", "Wrong command line, or a config that cannot be used."),
                    ("3", "The data directory or a database in it cannot be used."),
                    ("4", "Another scheduler holds the data directory."),
                    ("5", "A command: no scheduler answers."),
                    ("130, 143", "--exit-when-done: interrupted before it was done."),
                ]
            )


def _run(config: str | None, **values: Any) -> int:  # noqa: ANN401 - click's call
    name: str | None = config or values["config_file"]
    if not name:
        raise WrongUse(
            "no config given.\n"
            "  Run one:    bistro-tui CONFIG.json\n"
            "  Try it out: bistro-tui sample_configs/simple.json"
        )
    other = values["config_file"]
    if config is not None and other is not None and Path(config) != Path(other):
        raise WrongUse(f"two configs given: {config} and --config-file {other}")
    _warn_of_flags_without_effect(values)
    _check_workers_door(values)
    if values["json"] and not values["exit_when_done"]:
        raise WrongUse("--json belongs to --exit-when-done")
    if not _is_a_table_name(values["status_table"]):
        raise WrongUse("--status-table needs a name of printable characters")
    if not values["no_ui"]:
        if values["config_loader"] == "file":
            _refuse_unless_a_file(Path(name))
        refuse_without_terminal("To run without a screen: add --no-ui")
    if values["no_ui"]:
        _reload_comes_anyway()
    # Imported late: --help and wrong flags must not wait for the engine.
    with loading():
        from bistro_tui.cli.run import run

    # What the text means is up to the config loader; a path would change it.
    return run(Path(name), values | {"config_name": name})


_BESIDE_THE_PORT = (
    "http-server-address",
    "http-tls-cert",
    "http-tls-key",
    "http-token-file",
)

_BESIDE_THE_SERVER_PORT = ("server-address", "server-tls-cert", "server-tls-key")


def _warn_of_flags_without_effect(values: dict[str, Any]) -> None:
    for flag in all_flags():
        if flag.no_effect and values[flag.key] not in (None, False):
            say(f"warning: --{flag.name} has no effect: {flag.no_effect}")
    if values["http_server_port"] is None:
        for name in _BESIDE_THE_PORT:
            if values[name.replace("-", "_")] is not None:
                say(f"warning: --{name} has no effect without --http-server-port")


def _check_workers_door(values: dict[str, Any]) -> None:
    """Raise WrongUse for a runner of remote workers that they could not reach."""
    runner, port = values["runner"], values["server_port"]
    if values["dry_run"] or values["benchmark_run"]:
        if port is not None:
            name = "--dry-run" if values["dry_run"] else "--benchmark-run"
            say(
                f"warning: --server-port has no effect with {name}: its tasks are fake,"
                " and need no worker"
            )
        return
    if runner in ("remote", "mixed"):
        if port is None:
            raise WrongUse(
                f"--runner {runner} needs --server-port, where workers connect.\n"
                f"  bistro-tui CONFIG --runner {runner} --server-port 31415"
            )
        if runner == "remote" and values["worker_command"]:
            say(
                "warning: --worker-command has no effect: each worker has its own;"
                " --runner mixed runs tasks on this host, too"
            )
        return
    if port is None:
        for name in _BESIDE_THE_SERVER_PORT:
            if values[name.replace("-", "_")] is not None:
                say(f"warning: --{name} has no effect without --server-port")
    elif runner != "auto" or values["worker_command"]:
        say(
            "warning: --server-port has no effect: tasks run on this host alone;"
            " --runner mixed runs them here and on workers"
        )


def refuse_without_terminal(remedy: str) -> None:
    """Raise WrongUse, with that remedy, where the UI has no terminal to be on."""
    # Textual reads stdin and draws on stderr; a piped stdout is fine.
    missing = [
        name
        for name, descriptor in (("stdin", 0), ("stderr", 2))
        if not _is_terminal(descriptor)
    ]
    if missing:
        verb = "is no terminal" if len(missing) == 1 else "are no terminals"
        raise WrongUse(
            f"the UI needs a terminal: {' and '.join(missing)} {verb}.\n  {remedy}"
        )
    term = os.environ.get("TERM", "")
    if term in ("dumb", "unknown"):
        raise WrongUse(
            "the UI needs a terminal that it can draw on, which TERM="
            f"{term} says this one is not.\n  {remedy}"
        )


def _refuse_unless_a_file(path: Path) -> None:
    """Raise WrongUse where there is nothing to show, whatever the terminal is."""
    if path.is_file():
        return
    from bistro_tui.engine.config.file_read import read_file
    from bistro_tui.engine.errors import ConfigUnusable

    try:
        read_file(path)
    except ConfigUnusable as error:
        raise WrongUse(str(error)) from None


def _is_a_table_name(name: str) -> bool:
    return bool(name.strip()) and name.isprintable()


def _reload_comes_anyway() -> None:
    """Let a SIGHUP that comes before the config is read end nothing."""
    signal.signal(signal.SIGHUP, lambda *_: None)


def _is_terminal(descriptor: int) -> bool:
    try:
        return os.isatty(descriptor)
    except OSError:
        return False


run_command = RunCommand(
    name="run",
    callback=_run,
    params=[
        click.Argument(
            ["config"],
            required=False,
            type=str,
            metavar="CONFIG",
            shell_complete=complete_configs,
        ),
        *(flag.option() for flag in all_flags()),
    ],
    help="Run jobs on nodes under resource limits, as CONFIG says.\n\n"
    "Shows the terminal UI; with --no-ui the same engine serves headless.",
    epilog="Docs: README.md beside the program's source.",
    context_settings={
        "help_option_names": ["-h", "--help"],
        "max_content_width": 100,
        "terminal_width": None if sys.stdout and sys.stdout.isatty() else 90,
    },
)
