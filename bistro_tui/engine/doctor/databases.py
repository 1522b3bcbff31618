"""The databases of a data directory, looked at for a short time."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from bistro_tui.engine.database_files import STATUSES, TASK_LOGS
from bistro_tui.engine.doctor.facts import DatabaseFile
from bistro_tui.engine.inspection import seen, wrong_beginning
from bistro_tui.engine.soundness import damage
from bistro_tui.engine.sqlite import columns_of, quoted, tables_of

LIMIT_SEC = 3.0
"""For each question to a file."""

_COPIED_BYTES = 512 << 20
"""What a look at a file whose scheduler was killed may copy."""

T = TypeVar("T")


def look_at_databases(data_dir: Path) -> Iterator[DatabaseFile]:
    """Yield what can be told of each database that is there. Changes nothing."""
    for name in (STATUSES, TASK_LOGS):
        path = data_dir.absolute() / name
        if path.is_file():
            yield _look(path, is_synced=name == STATUSES)


def _look(path: Path, *, is_synced: bool) -> DatabaseFile:
    about = str(path)
    try:
        if problem := wrong_beginning(path):
            return DatabaseFile(path=about, problem=problem, is_synced=is_synced)
        wal = Path(f"{path}-wal")
        size = path.stat().st_size + (wal.stat().st_size if wal.exists() else 0)
        if not size:
            return DatabaseFile(path=about, rows=0, is_synced=is_synced)
        if size > _COPIED_BYTES and wal.exists() and not Path(f"{path}-shm").exists():
            return DatabaseFile(
                path=about, size=size, is_checked=False, is_synced=is_synced
            )
        with seen(path) as connection:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            rows = _in_time(connection, lambda: _rows(connection))
            found = damage(connection, is_synced=is_synced, limit_sec=LIMIT_SEC)
            return DatabaseFile(
                path=about,
                size=size,
                version=version,
                rows=rows,
                problem=found or "",
                is_checked=found is not None,
                is_synced=is_synced,
            )
    except (sqlite3.Error, OSError) as error:
        return DatabaseFile(path=about, problem=str(error), is_synced=is_synced)


def _rows(connection: sqlite3.Connection) -> int:
    """Return how many rows all tables with tasks have."""
    tables = [
        name
        for name in tables_of(connection)
        if "job_id" in columns_of(connection, name)
    ]
    return sum(
        connection.execute(f"SELECT count(*) FROM {quoted(name)}").fetchone()[0]
        for name in tables
    )


def _in_time(connection: sqlite3.Connection, ask: Callable[[], T]) -> T | None:
    """Return what ``ask`` does, None if that takes too long."""
    timer = threading.Timer(LIMIT_SEC, connection.interrupt)
    timer.start()
    try:
        return ask()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
            raise
        return None
    finally:
        timer.cancel()
        timer.join()
