"""What a worker keeps on disk: its directory, what tasks print, and no statuses."""

import logging
import socket
import sqlite3
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

from bistro_tui.engine.clock import Clock
from bistro_tui.engine.database_files import TASK_LOGS
from bistro_tui.engine.datadir import DataDir
from bistro_tui.engine.errors import DiskFull
from bistro_tui.engine.logs.store import LogStore
from bistro_tui.engine.logs.writer import LogWriter
from bistro_tui.engine.recovery.adoption import History
from bistro_tui.engine.recovery.journals import find_journals
from bistro_tui.engine.recovery.recovery import Recovery
from bistro_tui.engine.reserve import Reserve
from bistro_tui.engine.worker.options import WorkerOptions

log = logging.getLogger("bistro_tui")


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerStorage:
    """The open data directory and the log in it."""

    data_dir: DataDir
    log_store: LogStore
    logs: LogWriter


async def open_storage(
    options: WorkerOptions,
    resources: AsyncExitStack,
    *,
    clock: Clock,
    on_log_trouble: Callable[[str], None],
    on_lost: Callable[[str], None],
) -> WorkerStorage:
    """Open what is kept on disk; ``resources`` closes it again.

    ``on_lost`` hears why the last output could not be stored, if it could not.
    For want of room the reserve of the run before is given up.
    Raises DataDirUnusable or DataDirHeld.
    """

    async def opened() -> WorkerStorage:
        async with AsyncExitStack() as own:
            storage = await _open(options, own, clock, on_log_trouble)
            own.push_async_callback(_close, storage.logs, on_lost)
            resources.push_async_callback(own.pop_all().aclose)
            return storage

    try:
        return await opened()
    except DiskFull:
        if not Reserve(options.directory).give_up():
            raise
    return await opened()


async def _open(
    options: WorkerOptions,
    resources: AsyncExitStack,
    clock: Clock,
    on_log_trouble: Callable[[str], None],
) -> WorkerStorage:
    data_dir = DataDir(
        options.directory, host=socket.gethostname(), now=clock.now().wall
    )
    resources.callback(data_dir.close)
    store = await LogStore.open(
        data_dir.path / TASK_LOGS, clock=clock, max_bytes=options.log_max_bytes
    )
    try:
        logs = await LogWriter.open(store, clock=clock, on_trouble=on_log_trouble)
    except BaseException:
        await store.close()
        raise
    return WorkerStorage(data_dir=data_dir, log_store=store, logs=logs)


async def _close(logs: LogWriter, on_lost: Callable[[str], None]) -> None:
    try:
        await logs.close()
    except (sqlite3.Error, OSError) as error:
        on_lost(f"the last output could not be stored: {error}")


def leftovers_of(
    data_dir: DataDir, resources: AsyncExitStack, *, clock: Clock
) -> tuple[Recovery, bool]:
    """Return what ends all that a worker before left, if it did not end as it should.

    To be made before a warden is started. What those tasks wrote as their status stays
    unheard: a scheduler counts them as lost when it hears of this new worker. Also
    return whether that knows of all that was left.
    """
    journals, troubles = find_journals(data_dir.run)
    for trouble in troubles:
        log.warning("%s", trouble)
    recovery = Recovery(
        journals,
        None,
        feed=_nobody_waits,
        can_keep_room=lambda _task: True,
        history=History(
            clock=clock, job=lambda _name: None, record=_nobody_asks, flush=_at_once
        ),
    )
    resources.callback(recovery.close)
    return recovery, not troubles


def _nobody_waits(_told: Any) -> None:  # noqa: ANN401 - whatever a core would be told
    """A worker without a scheduler starts nothing."""


def _nobody_asks(_record: object) -> None:
    """Attempts are remembered where their statuses are."""


async def _at_once() -> None:
    """Nothing was recorded."""
