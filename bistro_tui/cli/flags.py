"""Every flag of ``run``, as one table.

Names and defaults are Bistro's where it has the flag.
"""

from collections.abc import Iterator

import click

from bistro_tui.cli.flag import FILE, Flag, Port, Section, Whole
from bistro_tui.cli.remote_flags import REMOTE_WORKERS

_INT = Whole()
_PERIOD = Whole(1)

_BY_ADDRESS = "--server-address names where to listen"
_THEY_DIAL = "workers connect to the scheduler, never the other way"
_ONLY_BAD_ONES = "each health check that fails is logged, and no other"
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
                type=FILE,
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
                help="Where tasks run: local, remote (on workers), mixed (both), or a"
                " plug-in's runner. auto: remote with --server-port and without"
                " --worker-command, else local.",
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
                type=Whole(10, clamp=True),
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
                type=Port(),
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
                type=FILE,
                default=None,
                metavar="FILE",
                help="Serve https: the certificate and its chain, as PEM.",
            ),
            Flag(
                name="http-tls-key",
                type=FILE,
                default=None,
                metavar="FILE",
                help="The certificate's key, as PEM without a password.",
            ),
            Flag(
                name="http-token-file",
                type=FILE,
                default=None,
                metavar="FILE",
                help="The token that changes need, instead of secrets/api.token in the"
                " data directory.",
            ),
        ),
    ),
    REMOTE_WORKERS,
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
                ("server-inet-interface", str, _BY_ADDRESS),
                ("server-disable-ipv6", None, _BY_ADDRESS),
                ("log-healthchecks-every-ms", str, _ONLY_BAD_ONES),
                ("kill-job-if-disabled", None, _IN_THE_CONFIG),
                ("monitor-update-ms", str, _NO_NEED),
                ("log-performance", None, _NO_NEED),
                ("task-thread-pool-size", str, _NO_NEED),
                ("refresh-all-tasks-physical-resources-sec", str, _NO_NEED),
                ("cgroup-freeze-timeout-ms", str, _NO_NEED),
                ("thrift-connect-timeout-ms", str, _THEY_DIAL),
            )
        ),
    ),
)


def all_flags() -> Iterator[Flag]:
    """Return every flag in the order of the help."""
    for section in SECTIONS:
        yield from section.flags
