"""The ``worker`` command as click sees it: its flags and its help."""

import signal
import socket
from pathlib import Path
from typing import Any

import click

from bistro_tui.cli.collecting import loading
from bistro_tui.cli.flag import ENV_PREFIX, Flag, Port, Seconds, Section
from bistro_tui.cli.flags import all_flags
from bistro_tui.cli.host_name import is_host, meant_host
from bistro_tui.cli.sectioned import write_sections
from bistro_tui.cli.talk import WrongUse, say

_LOCAL = "local"
"""What a scheduler calls its own host."""
_LONGEST_SHARD = 255
_LONGEST_SEC = 1_000_000

_IN_THE_SCHEDULER = "the scheduler's setting counts"
_ONLY_DIALS = "a worker listens nowhere, it dials its scheduler"
_NO_NEED = "nothing here needs it"

_OF_RUN = {flag.name: flag for flag in all_flags()}

SECTIONS: tuple[Section, ...] = (
    Section(
        title="Whom to work for",
        flags=(
            Flag(
                name="scheduler-host",
                type=str,
                default=None,
                metavar="HOST",
                help="Where the scheduler is; :: and 0.0.0.0 are this host.",
            ),
            Flag(
                name="scheduler-port",
                type=Port(1),
                default=None,
                metavar="PORT",
                help="Its --server-port.",
            ),
            Flag(
                name="token-file",
                type=click.Path(path_type=Path, readable=False),
                default=None,
                metavar="FILE",
                names="file",
                help="A copy of secrets/worker.token in its data directory."
                "  [default: that of your scheduler on this host]",
            ),
            Flag(
                name="shard-id",
                type=str,
                default=None,
                metavar="NAME",
                help="What it is to call this worker.  [default: this host's name]",
            ),
            Flag(
                name="server-port",
                type=Port(),
                default=0,
                metavar="NUMBER",
                help="Names this worker among those of its host, as HOST:NUMBER in"
                " worker_resources_override; nothing listens there.",
            ),
            Flag(
                name="heartbeat-period-sec",
                type=Seconds(most=_LONGEST_SEC),
                default=15,
                metavar="SEC",
                help="Tell the scheduler this often that it is alive.",
            ),
        ),
    ),
    Section(
        title="How tasks run",
        flags=(
            Flag(
                name="worker-command",
                type=str,
                default=None,
                metavar="PROGRAM",
                names="file",
                help="Program for jobs without a command; a bare name is looked up"
                " on PATH.",
            ),
            _OF_RUN["nvidia-smi"],
            _OF_RUN["physical-resources-subprocess-timeout-ms"],
            Flag(
                name="refresh-usable-physical-resources-sec",
                type=Seconds(most=_LONGEST_SEC),
                default=60,
                metavar="SEC",
                help="Measure this host this often.",
            ),
        ),
    ),
    Section(
        title="Where things are kept",
        flags=(
            _OF_RUN["data-dir"],
            _OF_RUN["log-retention"],
            _OF_RUN["log-prune-frequency"],
            _OF_RUN["log-max-bytes"],
        ),
    ),
    Section(
        title="What it says",
        flags=(_OF_RUN["log-format"],),
    ),
    Section(
        title="Accepted, without effect",
        flags=tuple(
            Flag(name=name, type=kind, default=None, help="", no_effect=why)
            for name, kind, why in (
                ("log-db-file-name", str, "it is task_logs.sql3 in the data directory"),
                ("server-address", str, _ONLY_DIALS),
                ("server-inet-interface", str, _ONLY_DIALS),
                ("server-disable-ipv6", None, _ONLY_DIALS),
                ("CAUTION-worker-suicide-task-kill-wait-ms", str, _IN_THE_SCHEDULER),
                ("task-thread-pool-size", str, _NO_NEED),
                ("refresh-all-tasks-physical-resources-sec", str, _NO_NEED),
                ("cgroup-freeze-timeout-ms", str, _NO_NEED),
                ("log-performance", None, _NO_NEED),
                ("thrift-connect-timeout-ms", str, _NO_NEED),
                ("thrift-send-timeout-ms", str, _NO_NEED),
                ("thrift-receive-timeout-ms", str, _NO_NEED),
            )
        ),
    ),
)

_ABOUT = {
    "data-dir": "Its log and job directories, for this worker alone."
    "  [default: worker-NAME in the user's state directory]",
    "log-format": "Form of the log lines.",
    "nvidia-smi": "What lists this host's GPUs; empty: nothing does.",
}
"""Help that differs from that of ``run``."""

_NEEDED = ("scheduler-host", "scheduler-port", "worker-command")


class WorkerCommand(click.Command):
    """A command whose options are shown in sections."""

    def format_options(
        self, ctx: click.Context, formatter: click.HelpFormatter
    ) -> None:
        """Write the options section by section, then how it ends."""
        write_sections(self, SECTIONS, ctx, formatter)
        with formatter.section("Exit codes"):
            formatter.write_dl(
                [
                    ("0", "Stopped as asked (SIGTERM, SIGINT, SIGHUP); tasks ended."),
                    ("1", "Its scheduler had no more use for it, or was not heard."),
                    ("2", "Wrong command line, or no token to show."),
                    ("3", "The data directory or the log in it cannot be used."),
                    ("4", "Another worker holds the data directory."),
                ]
            )


def _flags() -> list[Flag]:
    return [flag for section in SECTIONS for flag in section.flags]


def _worker(**values: Any) -> int:  # noqa: ANN401 - click's call
    _refuse_unless_given(values)
    _refuse_unless_host(values["scheduler_host"])
    for flag in _flags():
        if flag.no_effect and values[flag.key] not in (None, False):
            say(f"warning: --{flag.name} has no effect: {flag.no_effect}")
    values["shard_id"] = _shard(values["shard_id"])
    # A SIGHUP that was ignored when we began (nohup) is nobody's wish to end us.
    values["ends_at_hangup"] = signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN
    # Imported late: --help and wrong flags must not wait for it.
    with loading():
        from bistro_tui.cli.worker_run import run_worker

    return run_worker(values)


def _refuse_unless_given(values: dict[str, Any]) -> None:
    missing = [
        f"--{name}" for name in _NEEDED if values[name.replace("-", "_")] in (None, "")
    ]
    if missing:
        raise WrongUse(
            f"a worker needs {' and '.join(missing)}.\n"
            "  Like this: bistro-tui worker --scheduler-host HOST"
            " --scheduler-port PORT --worker-command PROGRAM\n"
            "  where the scheduler runs with --server-port PORT"
        )


def _refuse_unless_host(given: str) -> None:
    if is_host(given):
        return
    host, port = meant_host(given)
    instead = f"--scheduler-host {host}" if host else "a host's name or its address"
    if host and port:
        instead += f" --scheduler-port {port}"
    raise WrongUse(f"--scheduler-host {given!r} is no host name: give {instead}")


def _shard(given: str | None) -> str:
    shard = given or socket.gethostname()
    if shard == _LOCAL:
        raise WrongUse(
            f"--shard-id {shard}: that is what a scheduler calls its own host;"
            " choose another name"
        )
    try:
        size = len(shard.encode())
    except UnicodeEncodeError:
        size = 0
    if not shard.isprintable() or not shard.strip() or not 0 < size <= _LONGEST_SHARD:
        raise WrongUse(
            f"--shard-id needs a name of printable characters, {_LONGEST_SHARD} bytes"
            " at most"
        )
    return shard


worker_command = WorkerCommand(
    name="worker",
    callback=_worker,
    params=[flag.option(_ABOUT.get(flag.name, "")) for flag in _flags()],
    help="Run tasks on this host for a scheduler elsewhere.\n\n"
    "It dials the scheduler, which listens with --server-port, and dials again whenever"
    " the connection is lost. Its tasks end with it, and when its scheduler is not"
    " heard for too long: then they may be started elsewhere.\n\n"
    "A scheduler of yours on this host is known by its port. For one on another host,"
    " copy secrets/worker.token out of its data directory, and give --token-file.\n\n"
    f"Every flag can be set by the environment ({ENV_PREFIX}SCHEDULER_HOST=…).",
    context_settings={
        "help_option_names": ["-h", "--help"],
        "max_content_width": 100,
    },
)
