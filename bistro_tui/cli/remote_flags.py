"""The flags of ``run`` for remote workers.

Names and defaults are Bistro's where it has the flag.
"""

from bistro_tui.cli.flag import FILE, Flag, Port, Seconds, Section, Whole

_SECONDS = Seconds()

REMOTE_WORKERS = Section(
    title="Remote workers (bistro-tui worker)",
    flags=(
        Flag(
            name="server-port",
            type=Port(),
            default=None,
            metavar="PORT",
            help="Listen for workers; 0 picks a port.  [default: nobody listens]",
        ),
        Flag(
            name="server-address",
            type=str,
            default=None,
            metavar="HOST",
            help="Where. Beyond this host it needs TLS: the next two, or the extra"
            " bistro-tui[tls].  [default: 127.0.0.1 and ::1]",
        ),
        Flag(
            name="server-tls-cert",
            type=FILE,
            default=None,
            metavar="FILE",
            help="The certificate that workers are shown, as PEM.",
        ),
        Flag(
            name="server-tls-key",
            type=FILE,
            default=None,
            metavar="FILE",
            help="The certificate's key, as PEM without a password.",
        ),
        Flag(
            name="heartbeat-grace-period",
            type=_SECONDS,
            default=60,
            metavar="SEC",
            help="How late a worker's heartbeat may be.",
        ),
        Flag(
            name="healthcheck-period",
            type=_SECONDS,
            default=60,
            metavar="SEC",
            help="Have each worker run a health check this often.",
        ),
        Flag(
            name="healthcheck-grace-period",
            type=_SECONDS,
            default=60,
            metavar="SEC",
            help="How late a good one may be.",
        ),
        Flag(
            name="lose-unhealthy-worker-after",
            type=_SECONDS,
            default=500,
            metavar="SEC",
            help="Give up a worker, and its tasks, that is unhealthy for so long.",
        ),
        Flag(
            name="worker-check-interval",
            type=_SECONDS,
            default=5,
            metavar="SEC",
            help="Look at all workers this often.",
        ),
        Flag(
            name="allow-bump-unhealthy-worker",
            help="Let a new worker take the name of an unhealthy one, which dies.",
        ),
        Flag(
            name="unsure-if-running-check-initial-period",
            type=_SECONDS,
            default=1,
            metavar="SEC",
            help="Ask a worker so soon whether it has a task that may not have"
            " reached it.",
        ),
        Flag(
            name="CAUTION-startup-wait-for-workers",
            type=_SECONDS,
            default=-1,
            metavar="SEC",
            help="After a start, start nothing for so long, or until all workers of"
            " before are back; -1: for as long as one that is not may have tasks."
            " With less, tasks that still run there may be started a second time.",
        ),
        Flag(
            name="CAUTION-worker-suicide-backoff-safety-margin-sec",
            type=_SECONDS,
            default=60,
            metavar="SEC",
            help="Wait so much longer before tasks of a lost worker run again.",
        ),
        Flag(
            name="CAUTION-worker-suicide-task-kill-wait-ms",
            type=Whole(1, 86_400_000, clamp=True),
            default=5_000,
            metavar="MS",
            help="Between SIGTERM and SIGKILL when a worker ends its tasks and itself.",
        ),
        Flag(
            name="thrift-send-timeout-ms",
            type=Whole(1, clamp=True),
            default=1_000,
            metavar="MS",
            help="How long a request to a worker may take to be sent, and",
        ),
        Flag(
            name="thrift-receive-timeout-ms",
            type=Whole(1, clamp=True),
            default=2_000,
            metavar="MS",
            help="how long its answer may take.",
        ),
    ),
)
