"""Forgiving failures in a data directory that no scheduler has."""

import socket
from collections.abc import Container, Mapping, Sequence
from contextlib import closing
from pathlib import Path

from bistro_tui.engine.clock import Clock
from bistro_tui.engine.datadir import DataDir, default_data_dir
from bistro_tui.engine.ids import JobName, NodeName, TaskId
from bistro_tui.engine.options import EngineOptions
from bistro_tui.engine.parts import open_status_store
from bistro_tui.engine.statuses.status import TaskStatus, forgive


async def forgive_stored(
    options: EngineOptions,
    jobs: Sequence[JobName],
    *,
    nodes: Container[NodeName] | None = None,
    clock: Clock,
) -> Mapping[JobName, int | None]:
    """Return how many failures of each job were forgiven; None: it has no statuses.

    ``nodes``: only on these, None: wherever they are.

    On disk when this returns. The data directory has to be there; it is held as a
    scheduler holds it. Raises DataDirHeld or DataDirUnusable, sqlite3.Error or OSError
    when nothing could be written, PluginError for a store that is not installed.
    """
    path = options.data_dir or default_data_dir(options.config_path)
    found: dict[JobName, int | None] = dict.fromkeys(jobs)
    if not (path / "run").is_dir():
        # No scheduler was ever here: nothing of a scheduler is to be made.
        return found
    data_dir = DataDir(path, host=socket.gethostname(), now=clock.now().wall)
    with closing(data_dir):
        rows = []
        for task, status in (await _known(options, data_dir.path, clock)).items():
            if task.job not in found or not (nodes is None or task.node in nodes):
                continue
            forgiven = forgive(status)
            is_changed = forgiven is not status
            found[task.job] = (found[task.job] or 0) + is_changed
            if is_changed:
                rows.append((task, forgiven))
        if rows:
            store = await open_status_store(options, data_dir.path, clock=clock)
            try:
                await store.save(rows)
            finally:
                await store.close()
    return found


async def _known(
    options: EngineOptions, path: Path, clock: Clock
) -> Mapping[TaskId, TaskStatus]:
    """Return what is stored, without making a file or a table."""
    store = await open_status_store(options, path, clock=clock, read_only=True)
    try:
        return await store.load()
    finally:
        await store.close()
