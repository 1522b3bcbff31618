"""Everything that an engine opens or is made of, some of it chosen by name."""

import logging
import os
import random
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager, AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from bistro_tui.engine.clock import Clock
from bistro_tui.engine.config.guarded_loader import GuardedLoader
from bistro_tui.engine.config.loader import ConfigLoader, LoaderContext
from bistro_tui.engine.config.model import Job, Settings
from bistro_tui.engine.database_files import STATUSES, TASK_LOGS
from bistro_tui.engine.datadir import DataDir, default_data_dir
from bistro_tui.engine.earlier_runs import warn_of_missing_statuses
from bistro_tui.engine.errors import BistroError, DiskFull
from bistro_tui.engine.foreign import contain_exits, is_failure
from bistro_tui.engine.ids import JobName, NodeName, TaskId
from bistro_tui.engine.installed import Group, Part, PluginError, find
from bistro_tui.engine.logs.attempts import AttemptRecord
from bistro_tui.engine.logs.store import LogStore
from bistro_tui.engine.logs.writer import LogWriter
from bistro_tui.engine.options import EngineOptions
from bistro_tui.engine.persist import NoStatuses
from bistro_tui.engine.recovery.adoption import Adopters, History
from bistro_tui.engine.recovery.journals import find_journals
from bistro_tui.engine.recovery.recovery import Recovery
from bistro_tui.engine.reserve import Reserve
from bistro_tui.engine.runners.benchmark import BenchmarkRunner
from bistro_tui.engine.runners.context import RunnerContext
from bistro_tui.engine.runners.dry_run import DryRunRunner
from bistro_tui.engine.runners.guarded import (
    RUNNER_METHODS,
    GuardedReports,
    GuardedRunner,
)
from bistro_tui.engine.runners.protocol import ReportSink, ReportsSink, TaskRunner
from bistro_tui.engine.scheduling.core import Core
from bistro_tui.engine.scheduling.events import Event
from bistro_tui.engine.statuses.attempts import NOWHERE, StatusHome, StatusPlace
from bistro_tui.engine.statuses.keeping import (
    STORE_METHODS,
    AttemptKeeper,
    GuardedStore,
    StatusKeeper,
    StoreContext,
    unusable_store,
    with_attempts,
)
from bistro_tui.engine.statuses.status import TaskStatus
from bistro_tui.engine.statuses.store import table_name

if TYPE_CHECKING:
    from bistro_tui.engine.remote.listener import ListeningPlan

log = logging.getLogger("bistro_tui")

RUNNER_WORDS = ("auto", "remote", "mixed")
"""What ``--runner`` may be beside the name of a runner."""

LOADER_METHODS = ("load", "watch", "edit")


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """The open data directory and what lies in it."""

    data_dir: DataDir
    statuses: AttemptKeeper
    known: Mapping[TaskId, TaskStatus]
    """What the status store knew when it was opened."""
    logs: LogWriter
    log_store: LogStore


def check_names(options: EngineOptions) -> None:
    """Raise PluginError, naming the flag, if a part that it names cannot be loaded."""
    for flag, group, name, words in (
        ("--config-loader", Group.CONFIG_LOADERS, options.config_loader, ()),
        ("--status-store", Group.STATUS_STORES, options.status_store, ()),
        ("--runner", Group.RUNNERS, options.runner, RUNNER_WORDS),
    ):
        if name not in words:
            try:
                find(group, name, words=words).load()
            except PluginError as error:
                raise PluginError(f"{flag}: {error}") from error


def make_config_loader(
    options: EngineOptions, *, clock: Clock, rng: random.Random
) -> ConfigLoader:
    """Return what gives the config. Raises PluginError."""
    part = find(Group.CONFIG_LOADERS, options.config_loader)
    factory = part.load()
    context = LoaderContext(
        config=options.config_name or str(options.config_path),
        poll_ms=options.config_update_ms,
        clock=clock,
        rng=rng,
    )
    loader: ConfigLoader = part.checked(_made(part, factory, context), LOADER_METHODS)
    if part.distribution:
        return GuardedLoader(part, loader, context.config)
    return loader


def _made(part: Part, factory: Callable[..., object], context: object) -> object:
    try:
        return factory(context)
    except BaseException as error:
        if not is_failure(error):
            raise
        raise part.error("cannot be made", error) from error


async def open_status_store(
    options: EngineOptions, data_dir: Path, *, clock: Clock, read_only: bool = False
) -> StatusKeeper:
    """Return the open status store. Raises PluginError or DataDirUnusable."""
    part = find(Group.STATUS_STORES, options.status_store)
    factory = part.load()
    context = StoreContext(
        data_dir=data_dir,
        table=options.status_table,
        clock=clock,
        read_only=read_only,
    )
    if part.distribution:
        contain_exits()
    try:
        opened = await factory(context)
    except BistroError:
        raise
    except BaseException as error:
        if not is_failure(error):
            raise
        raise unusable_store(part, data_dir, error) from error
    store: StatusKeeper = part.checked(opened, STORE_METHODS)
    return GuardedStore(part, store, data_dir) if part.distribution else store


async def open_storage(
    options: EngineOptions,
    resources: AsyncExitStack,
    *,
    clock: Clock,
    on_log_trouble: Callable[[str], None],
) -> Storage:
    """Open what is kept on disk; ``resources`` closes it again.

    For want of room the reserve of the run before is given up.
    Raises DataDirUnusable or DataDirHeld.
    """
    path = options.data_dir or default_data_dir(options.config_path)

    async def opened() -> Storage:
        async with AsyncExitStack() as own:
            storage = await _open_storage(
                options, path, own, clock=clock, on_log_trouble=on_log_trouble
            )
            resources.push_async_callback(own.pop_all().aclose)
            return storage

    try:
        return await opened()
    except DiskFull:
        if not Reserve(path).give_up():
            raise
    return await opened()


async def _open_storage(
    options: EngineOptions,
    path: Path,
    resources: AsyncExitStack,
    *,
    clock: Clock,
    on_log_trouble: Callable[[str], None],
) -> Storage:
    data_dir = DataDir(
        path,
        host=socket.gethostname(),
        now=clock.now().wall,
        config=options.config_path,
    )
    resources.callback(data_dir.close)
    statuses: AttemptKeeper = NoStatuses()
    known: Mapping[TaskId, TaskStatus] = {}
    is_anew = options.keeps_statuses and _lacks_statuses(options, data_dir.path)
    if options.keeps_statuses:
        store = await open_status_store(options, data_dir.path, clock=clock)
        resources.push_async_callback(store.close)
        statuses, known = with_attempts(store), await store.load()
    log_store = await LogStore.open(
        data_dir.path / TASK_LOGS, clock=clock, max_bytes=options.log_max_bytes
    )
    try:
        if is_anew:
            await warn_of_missing_statuses(log_store.reader)
        logs = await LogWriter.open(log_store, clock=clock, on_trouble=on_log_trouble)
    except BaseException:
        await log_store.close()
        raise
    resources.push_async_callback(logs.close)
    return Storage(
        data_dir=data_dir,
        statuses=statuses,
        known=known,
        logs=logs,
        log_store=log_store,
    )


def make_recovery(
    options: EngineOptions,
    storage: Storage,
    core: Core,
    resources: AsyncExitStack,
    *,
    clock: Clock,
    feed: Callable[[Sequence[Event]], None],
    flush: Callable[[], Awaitable[None]],
    left: Callable[[Sequence[AttemptRecord]], AbstractContextManager[None]],
) -> Recovery:
    """Return what deals with the run before, if that did not end as it should.

    To be made before a runner is: whatever journal is there now is an old one.
    ``flush`` returns when what the core wants stored is on disk, ``left`` takes note of
    attempts whose statuses are settled inside. One that keeps no statuses adopts none.
    """
    journals, troubles = find_journals(storage.data_dir.run)
    for trouble in troubles:
        log.warning("%s", trouble)

    def job(name: JobName) -> Job | None:
        return core.config.jobs.get(name) if core.config else None

    adopters = Adopters(
        place=status_place(options),
        clock=clock,
        sink=storage.logs,
        statuses=storage.statuses,
        job=job,
        status=core.status,
        feed=feed,
        flush=flush,
        left=left,
        recorded=storage.log_store.recorded,
        host=socket.gethostname(),
    )
    recovery = Recovery(
        journals,
        adopters if options.keeps_statuses else None,
        feed=feed,
        can_keep_room=core.can_keep_room,
        history=History(
            clock=clock,
            job=job,
            record=storage.logs.record,
            flush=storage.logs.flush,
        ),
    )
    resources.callback(recovery.close)
    return recovery


def plan_workers_door(options: EngineOptions) -> "ListeningPlan | None":
    """Return where workers may connect; None where none do. Raises DoorUnusable."""
    if not options.has_remote_workers:
        return None
    from bistro_tui.engine.runners.with_workers import plan_door

    return plan_door(options)


def exit_wait_before(core: Core) -> float:
    """Return the wall second before which nothing is waited for at a start."""
    settings = core.config.settings if core.config else Settings()
    return settings.exit_initial_wait_before_timestamp


def make_runner(
    options: EngineOptions,
    storage: Storage,
    *,
    workers_door: "ListeningPlan | None" = None,
    core: Core,
    instance: NodeName,
    clock: Clock,
    rng: random.Random,
    report: ReportSink,
    report_all: ReportsSink,
) -> TaskRunner:
    """Return the runner that the options ask for: dry or benchmark run first.

    ``workers_door``: of a runner with workers elsewhere.
    Raises PluginError, DoorUnusable or DataDirUnusable.
    """
    if options.dry_run:
        return DryRunRunner(report=report, clock=clock)
    if options.benchmark_run:
        return BenchmarkRunner(
            report=report,
            clock=clock,
            rng=rng,
            duration_ms=options.test_task_duration_ms,
            failure_rate=options.test_failure_rate,
        )
    context = RunnerContext(
        report=report,
        report_all=report_all,
        sink=storage.logs,
        clock=clock,
        rng=rng,
        data_dir=storage.data_dir,
        config_dir=options.config_path.absolute().parent,
        worker_command=options.worker_command,
        environment=os.environ,
        instance=instance,
        host=socket.gethostname(),
        statuses=StatusHome(place=status_place(options), keeper=storage.statuses),
    )
    if workers_door is not None:
        from bistro_tui.engine.runners.stored_attempts import StoredAttempts
        from bistro_tui.engine.runners.with_workers import make_with_workers

        return make_with_workers(
            options,
            context,
            workers_door,
            exit_wait_before=lambda: exit_wait_before(core),
            stored=StoredAttempts(
                storage.statuses, core.status, is_kept=options.keeps_statuses
            ),
        )
    part = find(Group.RUNNERS, options.runner_name)
    factory = part.load()
    if part.distribution:
        report = guarded = GuardedReports(part, report, clock)
        context = replace(context, report=guarded, report_all=guarded.all)
    runner: TaskRunner = part.checked(_made(part, factory, context), RUNNER_METHODS)
    return GuardedRunner(part, runner, report, clock) if part.distribution else runner


def _lacks_statuses(options: EngineOptions, data_dir: Path) -> bool:
    if find(Group.STATUS_STORES, options.status_store).distribution:
        return False
    return not os.path.lexists(data_dir / STATUSES)


def status_place(options: EngineOptions) -> StatusPlace:
    """Return where a run with these options keeps statuses."""
    if not options.keeps_statuses:
        return NOWHERE
    store, table = options.status_store, options.status_table
    if not find(Group.STATUS_STORES, store).distribution:
        # SQLite takes names of tables for equal that differ in the case of A to Z.
        folded = table_name(table).encode("utf-8", "surrogatepass").lower()
        table = folded.decode("utf-8", "surrogatepass")
    return StatusPlace(store, table)
