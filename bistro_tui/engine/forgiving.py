"""Forgiving failures in a data directory that no scheduler has."""

import socket
from collections.abc import Container, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from bistro_tui.engine.clock import Clock
from bistro_tui.engine.datadir import DataDir, default_data_dir
from bistro_tui.engine.ids import JobName, NodeName, TaskId
from bistro_tui.engine.options import EngineOptions
from bistro_tui.engine.parts import open_status_store, status_place
from bistro_tui.engine.recovery.journals import find_journals
from bistro_tui.engine.recovery.stock import Stock
from bistro_tui.engine.recovery.wardens import unfinished
from bistro_tui.engine.statuses.attempts import StatusPlace
from bistro_tui.engine.statuses.status import TaskStatus, forgive


@dataclass(slots=True)
class Forgiven:
    """What became of the failures of a job."""

    number: int = 0
    """How many were forgiven."""
    unsettled: TaskId | None = None
    """The first whose wait was not, for how it ended is not known before a start."""


async def forgive_stored(
    options: EngineOptions,
    jobs: Sequence[JobName],
    *,
    nodes: Container[NodeName] | None = None,
    clock: Clock,
) -> Mapping[JobName, Forgiven | None]:
    """Forgive the failures of these jobs; None: it has no statuses.

    ``nodes``: only on these, None: wherever they are.

    On disk when this returns. The data directory has to be there; it is held as a
    scheduler holds it. Raises DataDirHeld or DataDirUnusable, sqlite3.Error or OSError
    when nothing could be written, PluginError for a store that is not installed.
    """
    path = options.data_dir or default_data_dir(options.config_path)
    found: dict[JobName, Forgiven | None] = dict.fromkeys(jobs)
    if not (path / "run").is_dir():
        # No scheduler was ever here: nothing of a scheduler is to be made.
        return found
    data_dir = DataDir(path, host=socket.gethostname(), now=clock.now().wall)
    with closing(data_dir):
        rows = []
        left = _left_in(data_dir.run, status_place(options))
        for task, status in (await _known(options, data_dir.path, clock)).items():
            if task.job not in found or not (nodes is None or task.node in nodes):
                continue
            of_job = found[task.job] = found[task.job] or Forgiven()
            forgiven = forgive(status)
            if forgiven is status:
                continue
            # The store would take it for the status of an attempt after those that are
            # left. What failed was not started: no such one can be left of it.
            if not status.is_failed and (left is None or task in left):
                of_job.unsettled = of_job.unsettled or task
                continue
            of_job.number += 1
            rows.append((task, forgiven))
        if rows:
            store = await open_status_store(options, data_dir.path, clock=clock)
            try:
                await store.save(rows)
            finally:
                await store.close()
    return found


def _left_in(run: Path, place: StatusPlace) -> Container[TaskId] | None:
    """Return of which tasks attempts may be left; None: of any. OSError."""
    journals, troubles = find_journals(run)
    try:
        if troubles or unfinished(journals):
            return None
        stock = Stock(journals)
    finally:
        for journal in journals:
            journal.close()
    if stock.damage:
        return None
    return {entry.left.task for entry in stock if entry.left.place == place}


async def _known(
    options: EngineOptions, path: Path, clock: Clock
) -> Mapping[TaskId, TaskStatus]:
    """Return what is stored, without making a file or a table."""
    store = await open_status_store(options, path, clock=clock, read_only=True)
    try:
        return await store.load()
    finally:
        await store.close()
