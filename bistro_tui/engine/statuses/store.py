"""The status store: every status that is not "running", in SQLite, durable.

The table begins with Bistro's columns, and a database of Bistro opens and works.
Source: Bistro, statuses/SQLiteTaskStore.
"""

import json
import math
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeGuard

from bistro_tui.engine.errors import DataDirUnusable
from bistro_tui.engine.ids import InvocationId, JobName, NodeName, TaskId
from bistro_tui.engine.sqlite import (
    Database,
    Foreign,
    Param,
    Row,
    Rows,
    columns_of,
    look,
    quoted,
    tables_of,
    text_param,
    unusable,
)
from bistro_tui.engine.statuses.attempts import LastAttempt
from bistro_tui.engine.statuses.bits import DONE, FAILED, Bits
from bistro_tui.engine.statuses.status import TaskStatus

VERSION = 2

_LARGEST_INTEGER = 2**63 - 1
"""Of SQLite; a config may name a longer delay."""

_MOST_COMMITS = 1 << 53

RESULT_DONE = 1
RESULT_FAILED = 2
RESULT_OTHER = 0

_BISTRO_COLUMNS = ("job_id", "node_id", "timestamp", "data", "result")
_OUR_COLUMNS = {
    "result_bits": "INTEGER",
    "status_time": "REAL",
    "backoff_duration": "INTEGER",
    "commit_number": "INTEGER",
    "invocation": "TEXT",
}
_COLUMNS = (*_BISTRO_COLUMNS, *_OUR_COLUMNS)
_READ_COLUMNS = _COLUMNS[:-1]
"""What makes a status; that is all but the attempt from which it came."""

_FIRST = "CAST(? AS TEXT), CAST(? AS TEXT), ?, ?, ?, ?, ?, ?, ?"
"""The parameters of all columns but the last."""

_RUNNING, _DONE, _FAILED = int(Bits.RUNNING), int(Bits.DONE), int(Bits.FAILED)

_ASKED_AT_ONCE = 200
"""Tasks a query, well below the number of parameters that SQLite takes."""


def table_name(flag: str) -> str:
    """Return the table that ``--status-table`` means: every ``.`` becomes ``_``."""
    return flag.replace(".", "_")


class StatusStore:
    """Reads all statuses once and writes them in batches."""

    def __init__(self, database: Database, table: str) -> None:
        self._database = database
        self._table = quoted(table)
        self.commits = 0
        """How many were begun, over all runs, as far as ``load`` has seen."""

    @classmethod
    async def open(cls, path: Path, table: str) -> "StatusStore":
        """Open ``statuses.sql3``; DataDirUnusable, file untouched, if it is not ours.

        ``table`` is the value of ``--status-table``.
        """
        name = table_name(table)
        if not name or "\0" in name or name.lower().startswith("sqlite_"):
            raise DataDirUnusable(
                path,
                f"cannot hold a table named {table!r}",
                "name another one with --status-table",
            )

        def inspect(connection: sqlite3.Connection) -> None:
            _inspect(connection, name)

        def schema(connection: sqlite3.Connection) -> Iterable[str]:
            return _schema(connection, name)

        database = await Database.open(
            path,
            version=VERSION,
            synchronous="FULL",
            inspect=inspect,
            schema=schema,
        )
        return cls(database, name)

    async def load(self) -> dict[TaskId, TaskStatus]:
        """Return everything that is stored; DataDirUnusable if it cannot be read."""
        columns = ", ".join(_READ_COLUMNS)
        try:
            rows = await self._database.read(f"SELECT {columns} FROM {self._table}")
        except sqlite3.Error as error:
            raise unusable(self._database.path, error) from error
        self.commits = max([self.commits, *(_commit(row[-1]) for row in rows)])
        return _by_task(rows)

    async def save(self, rows: Sequence[tuple[TaskId, TaskStatus]]) -> None:
        """Write all rows in one transaction; on disk when this returns.

        A later row for the same task replaces an earlier one. Raises sqlite3.Error
        when that failed, and then nothing is written.
        """
        await self.save_attempts([(task, status, None) for task, status in rows])

    async def save_attempts(
        self, rows: Sequence[tuple[TaskId, TaskStatus, InvocationId | None]]
    ) -> None:
        """Write all rows as ``save`` does, with the attempts they came from.

        With None the task's last attempt stays the one that is stored.
        """
        head = f"REPLACE INTO {self._table} ({', '.join(_COLUMNS)}) VALUES"
        kept = (
            f"(SELECT invocation FROM {self._table}"
            " WHERE job_id = CAST(? AS TEXT) AND node_id = CAST(? AS TEXT))"
        )
        self.commits += 1
        # Neighbours of one kind go together: the order of all must stay.
        tables: list[Rows] = []
        was_kept: bool | None = None
        for task, status, invocation in rows:
            is_kept = invocation is None
            if is_kept is not was_kept:
                was_kept = is_kept
                last, width = (kept, 11) if is_kept else ("?", 10)
                tables.append(Rows(head, f"({_FIRST}, {last})", width, []))
            values = tables[-1].values
            names = (text_param(task.job), text_param(task.node))
            values += names
            values += _values(task, status)
            values.append(self.commits)
            values += names if invocation is None else (str(invocation),)
        await self._database.insert(*tables)

    async def last_attempts(
        self, tasks: Sequence[TaskId]
    ) -> Mapping[TaskId, LastAttempt]:
        """Return the last attempt at each of these tasks, where one is stored.

        Raises sqlite3.Error when that cannot be read.
        """
        found: dict[TaskId, LastAttempt] = {}
        for begin in range(0, len(tasks), _ASKED_AT_ONCE):
            asked = tasks[begin : begin + _ASKED_AT_ONCE]
            wanted = ", ".join(["(CAST(? AS TEXT), CAST(? AS TEXT))"] * len(asked))
            rows = await self._database.read(
                f"WITH wanted (job, node) AS (VALUES {wanted})"
                " SELECT job, node, invocation, commit_number"
                f" FROM wanted CROSS JOIN {self._table}"
                " ON job_id = job AND node_id = node",
                [text_param(name) for task in asked for name in task],
            )
            for job, node, text, number in rows:
                invocation = InvocationId.from_text(str(text))
                if invocation is not None:
                    task = TaskId(JobName(job), NodeName(node))
                    found[task] = LastAttempt(invocation, _commit(number))
        return found

    async def close(self) -> None:
        """Close the file."""
        await self._database.close()


def read_statuses(path: Path, table: str) -> dict[TaskId, TaskStatus]:
    """Return what is stored at this moment, also while a scheduler writes there.

    Nothing is made or changed; no file and no such table mean no statuses. ``table`` is
    the value of ``--status-table``. Raises DataDirUnusable for a file that is not ours.
    """
    name = table_name(table)

    def inspect(connection: sqlite3.Connection) -> None:
        _inspect(connection, name)

    def ask(connection: sqlite3.Connection) -> dict[TaskId, TaskStatus]:
        found = set(columns_of(connection, name))
        if not found:
            return {}
        wanted = ", ".join(c if c in found else f"NULL AS {c}" for c in _READ_COLUMNS)
        return _by_task(connection.execute(f"SELECT {wanted} FROM {quoted(name)}"))

    return look(path, version=VERSION, inspect=inspect, ask=ask) or {}


def _by_task(rows: Iterable[Row]) -> dict[TaskId, TaskStatus]:
    return {
        TaskId(JobName(row[0]), NodeName(row[1])): status
        for row in rows
        if isinstance(row[0], str)
        and isinstance(row[1], str)
        and (status := _status(row)) is not None
    }


def _inspect(connection: sqlite3.Connection, table: str) -> None:
    tables = tables_of(connection)
    same = [name for name in tables if name.lower() == table.lower()]
    if same and not _is_status_table(connection, same[0]):
        raise Foreign(f"its table {same[0]} is not one of task statuses")
    if tables and not any(_is_status_table(connection, name) for name in tables):
        raise Foreign("is a database without task statuses")


def _is_status_table(connection: sqlite3.Connection, table: str) -> bool:
    return set(_BISTRO_COLUMNS) <= set(columns_of(connection, table))


def _schema(connection: sqlite3.Connection, table: str) -> Iterable[str]:
    found = columns_of(connection, table)
    name = quoted(table)
    if not found:
        ours = ", ".join(f"{column} {kind}" for column, kind in _OUR_COLUMNS.items())
        yield (
            f"CREATE TABLE {name} (job_id TEXT, node_id TEXT, timestamp INTEGER,"
            f" data TEXT, result INTEGER, {ours}, PRIMARY KEY (job_id, node_id))"
        )
        return
    for column, kind in _OUR_COLUMNS.items():
        if column not in found:
            yield f"ALTER TABLE {name} ADD COLUMN {column} {kind}"


def _values(task: TaskId, status: TaskStatus) -> tuple[Param, ...]:
    """Return what stands in the columns between names and commit."""
    bits = int(status.bits)
    if bits & _RUNNING:
        raise ValueError(f"{task}: a running status is not stored")
    data = status.data
    return (
        int(status.time),
        json.dumps(dict(data), separators=(",", ":")) if data else None,
        _result(bits),
        bits,
        status.time,
        min(status.backoff_sec, _LARGEST_INTEGER),
    )


def _result(bits: int) -> int:
    if bits & _DONE:
        return RESULT_DONE
    return RESULT_FAILED if bits & _FAILED else RESULT_OTHER


def _status(row: Row) -> TaskStatus | None:
    """Return what a row says, or None for a task that never ran.

    Bistro knows only ``result``, so where that was written by another hand than ours
    it is right and our columns are of an older status.
    """
    _, _, timestamp, data, result, bits, exact_time, backoff, _ = row
    seconds = float(timestamp) if isinstance(timestamp, int) else 0.0
    if isinstance(bits, int) and bits >= 0 and _result(bits) == result:
        return TaskStatus(
            bits=Bits(bits),
            time=exact_time if _is_time(exact_time) else seconds,
            backoff_sec=backoff if isinstance(backoff, int) else 0,
            data=_data(data),
        )
    if result == RESULT_DONE:
        return TaskStatus(bits=DONE, time=seconds, data=_data(data))
    if result == RESULT_FAILED:
        return TaskStatus(bits=FAILED, time=seconds, data=_data(data))
    return None


def _commit(value: object) -> int:
    """Return the number of a commit; 0 for what cannot be one."""
    return value if isinstance(value, int) and 0 < value < _MOST_COMMITS else 0


def _is_time(value: object) -> TypeGuard[float]:
    return isinstance(value, float) and math.isfinite(value)


def _data(text: object) -> dict[str, Any]:
    if not isinstance(text, str):
        return {}
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
