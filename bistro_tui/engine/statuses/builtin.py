"""The status store of this program, opened as those of plug-ins are."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

from bistro_tui.engine.database_files import STATUSES
from bistro_tui.engine.ids import TaskId
from bistro_tui.engine.statuses.keeping import StatusKeeper, StoreContext
from bistro_tui.engine.statuses.status import TaskStatus
from bistro_tui.engine.statuses.store import StatusStore, read_statuses


async def sqlite(context: StoreContext) -> StatusKeeper:
    """Return the store in ``statuses.sql3`` of the data directory."""
    path = context.data_dir / STATUSES
    if context.read_only:
        return _Reader(path, context.table)
    return await StatusStore.open(path, context.table)


class _Reader:
    """Looks at the file as it is when asked, and keeps nothing open."""

    def __init__(self, path: Path, table: str) -> None:
        self._path, self._table = path, table

    async def load(self) -> Mapping[TaskId, TaskStatus]:
        """Return everything that is stored."""
        return await asyncio.to_thread(read_statuses, self._path, self._table)

    async def save(self, rows: Sequence[tuple[TaskId, TaskStatus]]) -> None:
        """Refuse: it was opened for reading."""
        raise PermissionError(f"{self._path}: opened for reading only")

    async def close(self) -> None:
        """Close nothing."""
