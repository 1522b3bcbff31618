"""The log store: ``task_logs.sql3`` with Bistro's three tables.

Source: Bistro, utils/LogWriter.
"""

import heapq
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path

from bistro_tui.engine.ids import JobName, NodeName, TaskId
from bistro_tui.engine.logs import attempts as attempt_rows
from bistro_tui.engine.logs.attempts import AttemptRecord
from bistro_tui.engine.logs.rows import StoredLine, Written
from bistro_tui.engine.logs.sink import Stream
from bistro_tui.engine.sqlite import (
    Database,
    Foreign,
    Param,
    Rows,
    columns_of,
    quoted,
    tables_of,
    text_param,
)

VERSION = 2
FORGOTTEN_AT_ONCE = 10_000
"""Rows a transaction when old lines are deleted."""
OUTPUT = (Stream.STDOUT, Stream.STDERR)

_COLUMNS = ("job_id", "node_id", "time_and_count", "line")
_INSERT = {
    stream: f"REPLACE INTO {stream.value} ({', '.join(_COLUMNS)}) VALUES"
    for stream in Stream
}
_ROW = "(CAST(? AS TEXT), CAST(? AS TEXT), ?, ?)"
_INSERT_ATTEMPT = (
    f"REPLACE INTO {attempt_rows.TABLE} ({', '.join(attempt_rows.COLUMNS)}) VALUES"
)
_TEXT_COLUMNS = {"job_id", "node_id", "exit", "detail", "worker"}
_ATTEMPT_ROW = ", ".join(
    "CAST(? AS TEXT)" if column in _TEXT_COLUMNS else "?"
    for column in attempt_rows.COLUMNS
)


class LogStore:
    """Writes lines in batches and reads the end of a log."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @classmethod
    async def open(cls, path: Path) -> "LogStore":
        """Open ``task_logs.sql3``; DataDirUnusable, file untouched, if not ours."""
        return cls(
            await Database.open(
                path,
                version=VERSION,
                synchronous="NORMAL",
                inspect=_inspect,
                schema=_schema,
            )
        )

    async def last_id(self) -> int:
        """Return the greatest line id in any table; 0 when there is no line."""
        found = 0
        for stream in Stream:
            rows = await self._database.read(
                f"SELECT max(time_and_count) FROM {stream.value}"
            )
            if isinstance(rows[0][0], int):
                found = max(found, rows[0][0])
        return found

    async def append(
        self, written: Sequence[Written], attempts: Sequence[AttemptRecord] = ()
    ) -> None:
        """Write lines and ended attempts; sqlite3.Error if that failed for some or all.

        What may have been stored already can be written again: the ids are its alone.
        """
        by_stream: dict[Stream, list[Param]] = {}
        for first_id, task, stream, lines in written:
            values = by_stream.get(stream)
            if values is None:
                values = by_stream[stream] = []
            job, node = text_param(task.job), text_param(task.node)
            for line_id, line in enumerate(lines, first_id):
                values += (job, node, line_id, _stored(line))
        tables = [
            Rows(_INSERT[stream], _ROW, len(_COLUMNS), values)
            for stream, values in by_stream.items()
        ]
        if attempts:
            values = [value for one in attempts for value in _attempt_values(one)]
            columns = len(attempt_rows.COLUMNS)
            tables.append(Rows(_INSERT_ATTEMPT, f"({_ATTEMPT_ROW})", columns, values))
        await self._database.insert(*tables, together=False)

    async def newest(
        self, task: TaskId | None, *, after: int, up_to: int, limit: int
    ) -> list[StoredLine]:
        """Return the newest output lines with ``after`` < id <= ``up_to``.

        Oldest first, stdout and stderr merged; ``task`` None means of all tasks.
        """
        where = ""
        chosen: tuple[Param, ...] = ()
        if task is not None:
            where = "job_id = CAST(? AS TEXT) AND node_id = CAST(? AS TEXT) AND"
            chosen = (text_param(task.job), text_param(task.node))
        found: list[StoredLine] = []
        for stream in OUTPUT:
            rows = await self._database.read(
                "SELECT job_id, node_id, time_and_count, CAST(line AS BLOB)"
                f" FROM {stream.value} WHERE {where}"
                " time_and_count > ? AND time_and_count <= ?"
                " ORDER BY time_and_count DESC LIMIT ?",
                (*chosen, after, up_to, limit),
            )
            found.extend(
                StoredLine(
                    line_id,
                    TaskId(JobName(job or ""), NodeName(node or "")),
                    stream,
                    line or b"",
                )
                for job, node, line_id, line in rows
            )
        return heapq.nlargest(limit, found)[::-1]

    async def forget_before(self, line_id: int) -> int:
        """Delete the lines with a smaller id and return how many there were.

        In small transactions, so that new lines need not wait long.
        """
        forgotten = 0
        for stream in Stream:
            while True:
                rows = await self._database.read(
                    f"SELECT time_and_count FROM {stream.value}"
                    " WHERE time_and_count < ? ORDER BY time_and_count LIMIT ?",
                    (line_id, FORGOTTEN_AT_ONCE),
                )
                if not rows:
                    break
                await self._database.write(
                    (
                        f"DELETE FROM {stream.value} WHERE time_and_count <= ?",
                        [rows[-1]],
                    )
                )
                forgotten += len(rows)
        return forgotten

    async def close(self) -> None:
        """Close the file."""
        await self._database.close()


def _attempt_values(record: AttemptRecord) -> tuple[Param, ...]:
    return (
        *record.invocation,
        text_param(record.task.job),
        text_param(record.task.node),
        record.started,
        record.ended,
        record.seconds,
        text_param(record.exit_text),
        record.result_bits,
        text_param(record.detail),
        text_param(record.worker),
        record.peak_memory,
        record.cpu_seconds,
    )


def _stored(line: bytes) -> str | bytes:
    """Return the line as TEXT where SQL can work with it, else as BLOB."""
    if b"\0" in line:
        return line
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return line


def _inspect(connection: sqlite3.Connection) -> None:
    tables = set(tables_of(connection))
    for stream in Stream:
        if stream.value in tables:
            found = columns_of(connection, stream.value)
            if not set(_COLUMNS) <= set(found):
                raise Foreign(f"its table {stream.value} is not one of task logs")
    found = columns_of(connection, attempt_rows.TABLE)
    if found and not set(attempt_rows.COLUMNS) <= set(found):
        raise Foreign(f"its table {attempt_rows.TABLE} is not one of task attempts")
    if tables and tables.isdisjoint(stream.value for stream in Stream):
        raise Foreign("is a database without task logs")


def _schema(connection: sqlite3.Connection) -> Iterable[str]:
    for stream in Stream:
        table = quoted(stream.value)
        index = quoted(f"{stream.value}_job_node_idx")
        if columns_of(connection, stream.value):
            continue
        yield (
            f"CREATE TABLE {table} (job_id TEXT, node_id TEXT,"
            " time_and_count INTEGER PRIMARY KEY, line TEXT)"
        )
        yield f"CREATE INDEX {index} ON {table} (job_id, node_id)"
    if not columns_of(connection, attempt_rows.TABLE):
        yield from attempt_rows.SCHEMA
