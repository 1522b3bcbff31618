"""The status store: every status that is not "running", in SQLite, durable.

The table begins with Bistro's columns, and a database of Bistro opens and works.
Source: Bistro, statuses/SQLiteTaskStore.
"""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from bistro_tui.engine.database import Database, Rows
from bistro_tui.engine.errors import DataDirUnusable
from bistro_tui.engine.ids import InvocationId, JobName, NodeName, TaskId
from bistro_tui.engine.inspection import Foreign, look
from bistro_tui.engine.sqlite import (
    columns_of,
    decode_text,
    quoted,
    tables_of,
    text_param,
    unusable,
)
from bistro_tui.engine.statuses.attempts import LastAttempt
from bistro_tui.engine.statuses.known import KnownStatuses
from bistro_tui.engine.statuses.rows import (
    BISTRO_COLUMNS,
    COLUMNS,
    MADE_FOR,
    OUR_COLUMNS,
    STATUS_COLUMNS,
    commit_number,
    read_rows,
    values_of,
)
from bistro_tui.engine.statuses.status import TaskStatus

VERSION = 2

_FIRST = "CAST(? AS TEXT), CAST(? AS TEXT), ?, ?, ?, ?, ?, ?, ?"
"""The parameters of all columns but the last."""

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
            return schema_of(connection, name)

        database = await Database.open(
            path,
            version=VERSION,
            synchronous="FULL",
            inspect=inspect,
            schema=schema,
        )
        return cls(database, name)

    async def load(self) -> KnownStatuses:
        """Return everything that is stored; DataDirUnusable if it cannot be read."""
        try:
            known, commits = await self._database.look(self._read)
        except sqlite3.Error as error:
            raise unusable(self._database.path, error) from error
        self.commits = max(self.commits, commits)
        return known

    def _read(self, connection: sqlite3.Connection) -> tuple[KnownStatuses, int]:
        return _read(connection, (*STATUS_COLUMNS, MADE_FOR), self._table)

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
        head = f"REPLACE INTO {self._table} ({', '.join(COLUMNS)}) VALUES"
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
            values += values_of(task, status)
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
                    found[task] = LastAttempt(invocation, commit_number(number))
        return found

    async def close(self) -> None:
        """Close the file."""
        await self._database.close()


def read_statuses(path: Path, table: str) -> Mapping[TaskId, TaskStatus]:
    """Return what is stored at this moment, also while a scheduler writes there.

    Nothing is made or changed; no file and no such table mean no statuses. ``table`` is
    the value of ``--status-table``. Raises DataDirUnusable for a file that is not ours.
    """
    name = table_name(table)

    def inspect(connection: sqlite3.Connection) -> None:
        _inspect(connection, name)

    def ask(connection: sqlite3.Connection) -> Mapping[TaskId, TaskStatus]:
        found = set(columns_of(connection, name))
        if not found:
            return {}
        wanted = [c if c in found else f"NULL AS {c}" for c in STATUS_COLUMNS]
        return _read(connection, (*wanted, "NULL"), quoted(name))[0]

    return look(path, version=VERSION, inspect=inspect, ask=ask) or {}


def _read(
    connection: sqlite3.Connection, columns: Iterable[str], table: str
) -> tuple[KnownStatuses, int]:
    query = f"SELECT {', '.join(columns)} FROM {table}"
    try:
        # Names that are UTF-8, as nearly all are, need no call of ours for each.
        connection.text_factory = str
        return read_rows(connection.execute(query))
    except sqlite3.OperationalError as error:
        if "decode" not in str(error):
            raise
        connection.text_factory = decode_text
        return read_rows(connection.execute(query))


def _inspect(connection: sqlite3.Connection, table: str) -> None:
    tables = tables_of(connection)
    same = [name for name in tables if name.lower() == table.lower()]
    if same and not _is_status_table(connection, same[0]):
        raise Foreign(f"its table {same[0]} is not one of task statuses")
    if tables and not any(_is_status_table(connection, name) for name in tables):
        raise Foreign("is a database without task statuses")


def _is_status_table(connection: sqlite3.Connection, table: str) -> bool:
    return set(BISTRO_COLUMNS) <= set(columns_of(connection, table))


def schema_of(connection: sqlite3.Connection, table: str) -> Iterable[str]:
    """Return the statements that a database still needs to keep statuses there."""
    found = columns_of(connection, table)
    name = quoted(table)
    if not found:
        ours = ", ".join(f"{column} {kind}" for column, kind in OUR_COLUMNS.items())
        yield (
            f"CREATE TABLE {name} (job_id TEXT, node_id TEXT, timestamp INTEGER,"
            f" data TEXT, result INTEGER, {ours}, PRIMARY KEY (job_id, node_id))"
        )
        return
    for column, kind in OUR_COLUMNS.items():
        if column not in found:
            yield f"ALTER TABLE {name} ADD COLUMN {column} {kind}"
