"""Every flag of ``run``, as one table.

Names and defaults are Bistro's where it has the flag.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from bistro_tui.cli.flag_files import COMPLETED

ENV_PREFIX = "BISTRO_TUI_"


class _Option(click.Option):
    """An option that is shown by its first spelling alone."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """Return the row of the help; ``--no-x`` needs no row beside ``--x``."""
        self.secondary_opts, kept = [], self.secondary_opts
        try:
            return super().get_help_record(ctx)
        finally:
            self.secondary_opts = kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """One flag of the command line."""

    name: str
    """With dashes, without the leading two."""
    help: str
    type: Any = None
    """A click type; None for a switch."""
    default: Any = False
    metavar: str | None = None
    no_effect: str = ""
    """Why the flag is accepted but does nothing; not empty means hidden."""
    names: str = ""
    """``config``, ``dir`` or ``file`` where the value names one: for completion."""

    @property
    def key(self) -> str:
        """Return the name as a Python identifier, the key of its value."""
        return self.name.lower().replace("-", "_")

    @property
    def is_switch(self) -> bool:
        """Whether the flag takes no value."""
        return self.type is None

    def option(self, about: str = "") -> click.Option:
        """Return the click option; every flag can be set by the environment too.

        ``about`` is its help where it is not that of ``run``.
        """
        name = self.name
        declarations = [f"--{name}/--no-{name}" if self.is_switch else f"--{name}"]
        return _Option(
            [self.key, *declarations],
            type=None if self.is_switch else self.type,
            default=self.default,
            metavar=self.metavar,
            help=about or self.help,
            shell_complete=COMPLETED.get(self.names),
            hidden=bool(self.no_effect),
            envvar=ENV_PREFIX + self.key.upper(),
            show_default=not self.is_switch and self.default not in (None, ""),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Flags that are shown together in the help."""

    title: str
    flags: tuple[Flag, ...] = field(default_factory=tuple)


class _Port(click.IntRange):
    """A TCP port; 0 stands for any that is free."""

    def __init__(self) -> None:
        super().__init__(0, 65535)

    def convert(
        self,
        value: Any,  # noqa: ANN401 - click's
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> int:
        """Return the number, or say what one looks like."""
        try:
            number: int = super().convert(value, param, ctx)
        except click.BadParameter:
            self.fail(f"{value!r} is not a port number from 0 to 65535", param, ctx)
        return number


_INT = click.IntRange(min=0)
_PERIOD = click.IntRange(min=1)
# Whether it can be used is found out later, where the exit code can say so.
_FILE = click.Path(path_type=Path, readable=False)

_NO_REMOTE = "there are no remote workers in this version"
_NO_NEED = "nothing here needs it"
_ONE_LOOP = "one loop answers all requests"
_IN_THE_CONFIG = 'give "kill_orphan_tasks_after_sec": 0 in bistro_settings instead'

SCREEN = Section(
    title="The screen",
    flags=(
        Flag(
            name="theme",
            type=str,
            default=None,
            metavar="NAME",
            help="Colours: bistro-night, bistro-day, ansi, nord …"
            "  [default: the settings file's]",
        ),
        Flag(
            name="ascii",
            default=None,
            help="Draw with ASCII alone.  [default: where the locale needs it]",
        ),
        Flag(name="no-mouse", help="Leave the mouse to the terminal."),
    ),
)

SECTIONS: tuple[Section, ...] = (
    Section(
        title="What to run",
        flags=(
            Flag(
                name="config-file",
                type=str,
                default=None,
                metavar="CONFIG",
                names="config",
                help="The config, another way to name it.",
            ),
            Flag(
                name="config-loader",
                type=str,
                default="file",
                metavar="NAME",
                help="What reads and watches the config: file, or a plug-in's loader.",
            ),
            Flag(name="no-ui", help="Headless: log lines on stderr, no screen."),
            Flag(
                name="exit-when-done",
                help="End when no owed task runs, waits for backoff, or can start.",
            ),
            Flag(name="json", help="With --exit-when-done: the summary as JSON."),
            Flag(
                name="keep-running",
                help="When the terminal goes away, go on headless instead of stopping.",
            ),
            Flag(
                name="log-format",
                type=click.Choice(["text", "json"]),
                default="text",
                help="Form of the headless log lines.",
            ),
            Flag(
                name="log-status-changes-every-ms",
                type=_INT,
                default=0,
                metavar="MS",
                help="Log at most one ended task in this time; 0 logs each.",
            ),
        ),
    ),
    SCREEN,
    Section(
        title="Where things are kept",
        flags=(
            Flag(
                name="data-dir",
                type=_FILE,
                default=None,
                metavar="DIR",
                names="dir",
                help="Statuses, logs and job directories."
                "  [default: the user's state directory]",
            ),
            Flag(
                name="status-table",
                type=str,
                default="task_statuses",
                metavar="NAME",
                help="Table of the status database; a dot becomes _.",
            ),
            Flag(
                name="clean-statuses",
                help="Read no stored results and store none; leave what is stored.",
            ),
            Flag(
                name="status-store",
                type=str,
                default="sqlite",
                metavar="NAME",
                help="What keeps the statuses: sqlite, or a plug-in's store.",
            ),
            Flag(
                name="log-retention",
                type=_INT,
                default=2592000,
                metavar="SEC",
                help="Forget log lines older than this.",
            ),
            Flag(
                name="log-prune-frequency",
                type=int,
                default=3600,
                metavar="SEC",
                help="How often to forget log lines by age; 0 never.",
            ),
            Flag(
                name="log-max-bytes",
                type=_INT,
                default=2 * 2**30,
                metavar="BYTES",
                help="Forget the oldest log lines beyond this size, or beyond half of a"
                " small disk; 0 no limit.",
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
            Flag(
                name="runner",
                type=str,
                default="auto",
                metavar="NAME",
                help="Where tasks run: auto, local, remote, mixed, or a plug-in's"
                " runner.",
            ),
            Flag(
                name="instance-node-name",
                type=str,
                default=None,
                metavar="NAME",
                help="Name of the root node.  [default: this host's name]",
            ),
            Flag(
                name="nvidia-smi",
                type=str,
                default="nvidia-smi",
                metavar="PROGRAM",
                names="file",
                help="What lists GPUs for physical_resources; empty: nothing does.",
            ),
            Flag(
                name="physical-resources-subprocess-timeout-ms",
                type=click.IntRange(min=10, clamp=True),
                default=1_000,
                metavar="MS",
                help="How long that may take.",
            ),
        ),
    ),
    Section(
        title="How often to look",
        flags=(
            Flag(
                name="config-update-ms",
                type=_PERIOD,
                default=10_000,
                metavar="MS",
                help="Re-read the config at least this often; changes show at once.",
            ),
            Flag(
                name="nodes-update-ms",
                type=_PERIOD,
                default=300_000,
                metavar="MS",
                help="Fetch the nodes anew this often.",
            ),
            Flag(
                name="nodes-retry-ms",
                type=_PERIOD,
                default=30_000,
                metavar="MS",
                help="The same after a node source failed.",
            ),
            Flag(
                name="refresh-usable-physical-resources-sec",
                type=_PERIOD,
                default=60,
                metavar="SEC",
                help="Measure this host for physical_resources this often.",
            ),
            Flag(
                name="monitor-samples",
                type=_INT,
                default=10,
                metavar="N",
                help="At most so many node names for each count of a histogram.",
            ),
        ),
    ),
    Section(
        title="REST",
        flags=(
            Flag(
                name="http-server-port",
                type=_Port(),
                default=None,
                metavar="PORT",
                help="Serve REST over TCP, too; 0 picks a port.  [default: only the"
                " unix socket in the data directory]",
            ),
            Flag(
                name="http-server-address",
                type=str,
                default=None,
                metavar="HOST",
                help="Where. Beyond this host it needs the next three."
                "  [default: 127.0.0.1 and ::1]",
            ),
            Flag(
                name="http-tls-cert",
                type=_FILE,
                default=None,
                metavar="FILE",
                help="Serve https: the certificate and its chain, as PEM.",
            ),
            Flag(
                name="http-tls-key",
                type=_FILE,
                default=None,
                metavar="FILE",
                help="The certificate's key, as PEM without a password.",
            ),
            Flag(
                name="http-token-file",
                type=_FILE,
                default=None,
                metavar="FILE",
                help="The token that changes need, instead of secrets/api.token in the"
                " data directory.",
            ),
        ),
    ),
    Section(
        title="Trying things out",
        flags=(
            Flag(name="dry-run", help="Every task is done at once; nothing is stored."),
            Flag(name="benchmark-run", help="Fake tasks; nothing is stored."),
            Flag(
                name="test-task-duration",
                type=_INT,
                default=5000,
                metavar="MS",
                help="Mean time of a fake task.",
            ),
            Flag(
                name="test-failure-rate",
                type=click.FloatRange(0, 1),
                default=0.0,
                metavar="P",
                help="How likely a fake task fails.",
            ),
        ),
    ),
    Section(
        title="Accepted, without effect",
        flags=tuple(
            Flag(name=name, type=kind, default=None, help="", no_effect=why)
            for name, kind, why in (
                ("http-server-threads", str, _ONE_LOOP),
                ("server-port", str, _NO_REMOTE),
                ("server-address", str, _NO_REMOTE),
                ("server-tls-cert", str, _NO_REMOTE),
                ("server-tls-key", str, _NO_REMOTE),
                ("server-inet-interface", str, _NO_REMOTE),
                ("server-disable-ipv6", None, _NO_REMOTE),
                ("heartbeat-grace-period", str, _NO_REMOTE),
                ("healthcheck-period", str, _NO_REMOTE),
                ("healthcheck-grace-period", str, _NO_REMOTE),
                ("lose-unhealthy-worker-after", str, _NO_REMOTE),
                ("worker-check-interval", str, _NO_REMOTE),
                ("CAUTION-startup-wait-for-workers", str, _NO_REMOTE),
                (
                    "CAUTION-worker-suicide-backoff-safety-margin-sec",
                    str,
                    _NO_REMOTE,
                ),
                ("CAUTION-worker-suicide-task-kill-wait-ms", str, _NO_REMOTE),
                ("allow-bump-unhealthy-worker", None, _NO_REMOTE),
                ("unsure-if-running-check-initial-period", str, _NO_REMOTE),
                ("log-healthchecks-every-ms", str, _NO_REMOTE),
                ("kill-job-if-disabled", None, _IN_THE_CONFIG),
                ("monitor-update-ms", str, _NO_NEED),
                ("log-performance", None, _NO_NEED),
                ("task-thread-pool-size", str, _NO_NEED),
                ("refresh-all-tasks-physical-resources-sec", str, _NO_NEED),
                ("cgroup-freeze-timeout-ms", str, _NO_NEED),
                ("thrift-connect-timeout-ms", str, _NO_NEED),
                ("thrift-send-timeout-ms", str, _NO_NEED),
                ("thrift-receive-timeout-ms", str, _NO_NEED),
            )
        ),
    ),
)


def all_flags() -> Iterator[Flag]:
    """Return every flag in the order of the help."""
    for section in SECTIONS:
        yield from section.flags


_TRUE = {"true", "1", "yes", "on", "t", "y"}
_FALSE = {"false", "0", "no", "off", "f", "n"}


def spelled_plainly(argv: Sequence[str]) -> list[str]:
    """Return argv with every flag in its one canonical spelling.

    ``--data_dir`` becomes ``--data-dir``, ``--noclean_statuses`` becomes
    ``--no-clean-statuses``, ``--dry_run=false`` becomes ``--no-dry-run``. Values and
    everything behind a bare ``--`` stay as they are.
    """
    by_name = {flag.name.lower(): flag for flag in all_flags()}
    plain: list[str] = []
    for position, word in enumerate(argv):
        if word == "--":
            return [*plain, *argv[position:]]
        plain.append(_one_word(word, by_name) if word.startswith("--") else word)
    return plain


def _one_word(word: str, by_name: dict[str, Flag]) -> str:
    name, equals, value = word[2:].partition("=")
    name = name.replace("_", "-")
    flag, wanted = by_name.get(name.lower()), True
    if flag is None:
        positive = name.lower().removeprefix("no-").removeprefix("no")
        flag, wanted = by_name.get(positive), False
        if flag is None or not flag.is_switch:
            return f"--{name}{equals}{value}"
    if not flag.is_switch:
        return f"--{flag.name}{equals}{value}"
    if equals:
        if value.lower() not in _TRUE | _FALSE:
            return f"--{flag.name}={value}"
        wanted = wanted == (value.lower() in _TRUE)
    return f"--{flag.name}" if wanted else f"--no-{flag.name}"
