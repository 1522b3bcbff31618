"""Everything that an engine opens: data directory, stores, runner."""

import os
import random
import socket
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass

from bistro_tui.engine.clock import Clock
from bistro_tui.engine.datadir import DataDir, default_data_dir
from bistro_tui.engine.ids import NodeName, TaskId
from bistro_tui.engine.logs.store import LogStore
from bistro_tui.engine.logs.writer import LogWriter
from bistro_tui.engine.options import EngineOptions
from bistro_tui.engine.persist import NoStatuses, StatusSink
from bistro_tui.engine.runners.benchmark import BenchmarkRunner
from bistro_tui.engine.runners.dry_run import DryRunRunner
from bistro_tui.engine.runners.local import LocalRunner
from bistro_tui.engine.runners.protocol import ReportSink, TaskRunner
from bistro_tui.engine.statuses.status import TaskStatus
from bistro_tui.engine.statuses.store import StatusStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """The open data directory and what lies in it."""

    data_dir: DataDir
    statuses: StatusSink
    known: Mapping[TaskId, TaskStatus]
    """What the status store knew when it was opened."""
    logs: LogWriter
    log_store: LogStore


async def open_storage(
    options: EngineOptions,
    resources: AsyncExitStack,
    *,
    clock: Clock,
    on_log_trouble: Callable[[str], None],
) -> Storage:
    """Open what is kept on disk; ``resources`` closes it again.

    Raises DataDirUnusable or DataDirHeld.
    """
    data_dir = DataDir(
        options.data_dir or default_data_dir(options.config_path),
        host=socket.gethostname(),
        now=clock.now().wall,
    )
    resources.callback(data_dir.close)
    statuses: StatusSink = NoStatuses()
    known: Mapping[TaskId, TaskStatus] = {}
    if options.keeps_statuses:
        path = data_dir.path / "statuses.sql3"
        store = await StatusStore.open(path, options.status_table)
        resources.push_async_callback(store.close)
        statuses, known = store, await store.load()
    log_store = await LogStore.open(data_dir.path / "task_logs.sql3")
    try:
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


def make_runner(
    options: EngineOptions,
    storage: Storage,
    *,
    instance: NodeName,
    clock: Clock,
    rng: random.Random,
    report: ReportSink,
) -> TaskRunner:
    """Return the runner that the options ask for: dry or benchmark run first."""
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
    return LocalRunner(
        data_dir=storage.data_dir,
        config_dir=options.config_path.absolute().parent,
        worker_command=options.worker_command,
        environment=os.environ,
        instance=instance,
        host=socket.gethostname(),
        sink=storage.logs,
        report=report,
        clock=clock,
    )
