"""Log tables made by plain SQL, as fast as rows can be written."""

import sqlite3
from collections.abc import Iterable
from pathlib import Path

from bistro_tui.engine.ids import TaskId
from bistro_tui.engine.logs.rows import StoredLine
from bistro_tui.engine.logs.sink import Stream
from bistro_tui.engine.sqlite import text_param


def make_tables(path: Path | str) -> sqlite3.Connection:
    """Return an open database with Bistro's three tables."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    for stream in Stream:
        connection.execute(
            f"CREATE TABLE {stream.value} (job_id TEXT, node_id TEXT,"
            " time_and_count INTEGER PRIMARY KEY, line TEXT)"
        )
        connection.execute(
            f"CREATE INDEX {stream.value}_job_node_idx"
            f" ON {stream.value} (job_id, node_id)"
        )
    return connection


def insert(connection: sqlite3.Connection, lines: Iterable[StoredLine]) -> None:
    """Write the lines in one transaction."""
    connection.execute("BEGIN")
    for stream, rows in _by_stream(lines).items():
        connection.executemany(
            f"INSERT INTO {stream.value} VALUES"
            " (CAST(? AS TEXT), CAST(? AS TEXT), ?, CAST(? AS TEXT))",
            rows,
        )
    connection.execute("COMMIT")


_Row = tuple[str | bytes, str | bytes, int, bytes]


def _by_stream(lines: Iterable[StoredLine]) -> dict[Stream, list[_Row]]:
    found: dict[Stream, list[_Row]] = {}
    for line_id, task, stream, line in lines:
        row = (*_names(task), line_id, line)
        found.setdefault(stream, []).append(row)
    return found


def _names(task: TaskId) -> tuple[str | bytes, str | bytes]:
    return text_param(task.job), text_param(task.node)
