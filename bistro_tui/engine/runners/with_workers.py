"""The runners with workers elsewhere, put together."""

from collections.abc import Callable
from pathlib import Path

from bistro_tui.engine.errors import DataDirUnusable
from bistro_tui.engine.options import MIXED, EngineOptions
from bistro_tui.engine.remote.given import AllGiven
from bistro_tui.engine.remote.identity import InstanceId
from bistro_tui.engine.remote.link_limits import LinkLimits
from bistro_tui.engine.remote.listener import Listener, ListeningPlan, plan_listening
from bistro_tui.engine.remote.pool import Pool
from bistro_tui.engine.remote.this_home import home_of_this_process
from bistro_tui.engine.runners.builtin import local
from bistro_tui.engine.runners.context import RunnerContext
from bistro_tui.engine.runners.mixed import MixedReports, MixedRunner
from bistro_tui.engine.runners.protocol import TaskRunner
from bistro_tui.engine.runners.remote import RemoteRunner
from bistro_tui.engine.runners.remote_orders import Orders
from bistro_tui.engine.runners.stored_attempts import StoredAttempts
from bistro_tui.engine.runners.workers_known import WorkersKnown
from bistro_tui.engine.runners.workers_served import ServedNow, WorkersServed

_SIGNED_64 = 2**63
_GRACE_OF_PERIOD = 4
"""By default a worker's grace is so many of its periods, which a scheduler learns of
only when it has come."""


def plan_door(options: EngineOptions) -> ListeningPlan:
    """Return where workers are to be listened for. Raises DoorUnusable."""
    return plan_listening(
        port=options.server_port or 0,
        address=options.server_address,
        tls_cert=options.server_tls_cert,
        tls_key=options.server_tls_key,
    )


def make_with_workers(
    options: EngineOptions,
    context: RunnerContext,
    plan: ListeningPlan,
    *,
    exit_wait_before: Callable[[], float],
    stored: StoredAttempts,
) -> TaskRunner:
    """Return a runner whose port is bound, and who lets nobody in before ``open``.

    ``exit_wait_before`` returns the wall second before which no worker is waited for.
    Raises DoorUnusable or DataDirUnusable.
    """
    now, data_dir = context.clock.now(), context.data_dir
    file, times = WorkersServed.of(data_dir), options.pool_times
    served, is_mixed = file.read(), options.runner_name == MIXED
    is_first_ever = served.safe_wait is None and times.startup_wait_for_workers is None
    reports = MixedReports(
        context.report_all, host_name=context.host, waits_here=not is_first_ever
    )
    pool = Pool(
        InstanceId(int(now.wall), context.rng.getrandbits(64) - _SIGNED_64),
        times,
        now.elapsed,
        is_first_ever=is_first_ever,
        at_rest=served.at_rest,
        safe_before=served.safe_wait or 0.0,
        given=AllGiven(served.given, here=home_of_this_process(), gave=served.gave),
    )
    elsewhere = RemoteRunner(
        pool,
        orders=Orders(
            config_dir=context.config_dir,
            suicide_kill_wait_ms=pool.times.suicide_task_kill_wait_ms,
            keeper=context.statuses.keeper,
        ),
        clock=context.clock,
        report_all=reports if is_mixed else context.report_all,
        exit_wait_before=exit_wait_before,
        served=ServedNow(file, pool.scheduler, pool.times.safe_initial_wait, pool=pool),
        stored=stored,
        known=WorkersKnown(data_dir.run),
    )
    pace = LinkLimits.at_pace(pool.times.heartbeat_grace_period / _GRACE_OF_PERIOD)
    listener = Listener(plan, elsewhere.handlers, limits=pace)
    try:
        file.begin()
    except OSError as error:
        raise _unusable(data_dir.run, "who may have tasks", error) from error
    listener.open(data_dir.secrets_dir(), data_dir.run)
    elsewhere.door = listener
    if not is_mixed:
        return elsewhere
    elsewhere.holds_all = not is_first_ever
    return MixedRunner(local(context), elsewhere, host_is=reports.host_is)


async def open_to_workers(runner: RemoteRunner, run: Path) -> None:
    """Let workers in; ``run`` gets the file with the port. Raises DataDirUnusable."""
    try:
        await runner.open()
    except OSError as error:
        raise _unusable(run, "the port for workers", error) from error


def _unusable(run: Path, what: str, error: OSError) -> DataDirUnusable:
    return DataDirUnusable(
        run,
        f"{what} cannot be written there: {error}",
        "make that directory writable for you",
    )
