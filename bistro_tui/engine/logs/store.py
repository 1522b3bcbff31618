"""The log store: ``task_logs.sql3`` with Bistro's three tables.

Source: Bistro, utils/LogWriter.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path

from bistro_tui.engine.clock import Clock
from bistro_tui.engine.database import Database, Rows
from bistro_tui.engine.database_files import wal_of
from bistro_tui.engine.ids import InvocationId
from bistro_tui.engine.inspection import Foreign
from bistro_tui.engine.logs import attempts as attempt_rows
from bistro_tui.engine.logs.attempts import AttemptRecord
from bistro_tui.engine.logs.byte_limit import ByteLimit, limit_on_its_disk, wal_pages
from bistro_tui.engine.logs.forgetting import Forgetting
from bistro_tui.engine.logs.line_ids import first_id_of
from bistro_tui.engine.logs.reader import LogReader
from bistro_tui.engine.logs.rows import Written
from bistro_tui.engine.logs.sink import Stream
from bistro_tui.engine.logs.syncing import Syncing
from bistro_tui.engine.sqlite import (
    Param,
    columns_of,
    quoted,
    tables_of,
    text_param,
)

VERSION = 2

_COLUMNS = ("job_id", "node_id", "time_and_count", "line")
_INSERT = {
    stream: f"REPLACE INTO {stream.value} ({', '.join(_COLUMNS)}) VALUES"
    for stream in Stream
}
_ROW = "(CAST(? AS TEXT), CAST(? AS TEXT), ?, ?)"
_INSERT_ATTEMPT = (
    f"INSERT OR IGNORE INTO {attempt_rows.TABLE}"
    f" ({', '.join(attempt_rows.COLUMNS)}) VALUES"
)
_TEXT_COLUMNS = {"job_id", "node_id", "exit", "detail", "worker"}
_ATTEMPT_ROW = ", ".join(
    "CAST(? AS TEXT)" if column in _TEXT_COLUMNS else "?"
    for column in attempt_rows.COLUMNS
)


class LogStore:
    """Writes lines in batches; ``reader`` reads them."""

    def __init__(self, database: Database, *, clock: Clock, max_bytes: int = 0) -> None:
        self._database = database
        self.reader = LogReader(database.path, clock=clock)
        self._forgetting = Forgetting(database)
        self._limit = ByteLimit(
            self._forgetting, max_bytes=max_bytes, path=database.path
        )
        self._syncing = Syncing(wal_of(database.path))

    @classmethod
    async def open(cls, path: Path, *, clock: Clock, max_bytes: int = 0) -> "LogStore":
        """Open ``task_logs.sql3``; DataDirUnusable, file untouched, if not ours.

        Above ``max_bytes``, or half of what its disk has room for now, its oldest lines
        go; 0: they stay. ``clock`` tells questions when they have taken long enough.
        """
        max_bytes = limit_on_its_disk(path, max_bytes)
        database = await Database.open(
            path,
            version=VERSION,
            synchronous="NORMAL",
            inspect=inspect,
            schema=schema_of,
            is_expendable=True,
            shrinks=True,
            wal_pages=wal_pages(max_bytes),
        )
        try:
            return cls(database, clock=clock, max_bytes=max_bytes)
        except BaseException:
            await database.close()
            raise

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

    async def recorded(
        self, invocations: Sequence[InvocationId]
    ) -> frozenset[InvocationId]:
        """Return those of these attempts that are stored as ended.

        At most some hundreds at once. What they wrote was stored with that, or before.
        None where that cannot be read.
        """
        asked = ", ".join(["(?, ?)"] * len(invocations))
        try:
            rows = await self._database.read(
                f"SELECT start_time, rand FROM {attempt_rows.TABLE}"
                f" WHERE (start_time, rand) IN (VALUES {asked})",
                [number for one in invocations for number in one],
            )
        except sqlite3.Error:
            return frozenset()
        found = set(rows)
        return frozenset(one for one in invocations if one in found)

    async def append(
        self, written: Sequence[Written], attempts: Sequence[AttemptRecord] = ()
    ) -> None:
        """Write lines and ended attempts; sqlite3.Error if that failed for some or all.

        What may have been stored already can be written again: the ids are its alone.
        """
        *earlier, last = self._limit.portions(written)
        for part in earlier:
            await self._append(part, ())
        await self._append(last, attempts)

    async def _append(
        self, written: Sequence[Written], attempts: Sequence[AttemptRecord]
    ) -> None:
        by_stream: dict[Stream, list[Param]] = {stream: [] for stream in Stream}
        for first_id, (job, node), stream, lines in written:
            values = by_stream[stream]
            job_param = job if job.isascii() else text_param(job)
            node_param = node if node.isascii() else text_param(node)
            number = len(lines)
            if number == 1:
                # Short tasks write one at a time.
                values += (job_param, node_param, first_id, _stored(lines[0]))
                continue
            rows: list[Param] = [None] * (len(_COLUMNS) * number)
            rows[0::4] = [job_param] * number
            rows[1::4] = [node_param] * number
            rows[2::4] = range(first_id, first_id + number)
            rows[3::4] = _all_stored(lines)
            values += rows
        tables = [
            Rows(_INSERT[stream], _ROW, len(_COLUMNS), values)
            for stream, values in by_stream.items()
            if values
        ]
        if attempts:
            values = []
            for one in attempts:
                values += _attempt_values(one)
            columns = len(attempt_rows.COLUMNS)
            # The casts are for rare names, and take a third of the time.
            is_rare = bytes in map(type, values)
            row = _ATTEMPT_ROW if is_rare else ", ".join("?" * columns)
            tables.append(Rows(_INSERT_ATTEMPT, f"({row})", columns, values))
        # In one transaction: who reads the streams merged, and goes on behind the
        # last line seen, must not miss an earlier one that comes a moment later.
        await self._database.insert(*tables)
        self._syncing.written()
        await self._limit.grown()

    async def forget_before(self, second: int) -> int:
        """Delete the lines of before that second; return how many there were.

        And the attempts that ended before it. In small steps, so that new lines need
        not wait long.
        """
        forgotten = 0
        while lines := await self._forgetting.lines_before(first_id_of(second)):
            forgotten += lines
        while await self._forgetting.attempts_before(second):
            pass
        self._limit.look_again()
        return forgotten

    @property
    def forgotten(self) -> int:
        """Lines that were deleted so far because of ``max_bytes``."""
        return self._limit.forgotten

    async def keep_small(self) -> None:
        """Do for ever what keeping to ``max_bytes`` leaves to be done after writes."""
        await self._limit.run()

    async def keep_synced(self) -> None:
        """Have the disk take for ever what was written a second ago."""
        await self._syncing.run()

    async def close(self) -> None:
        """Close the file, for readers first: who closes it last tidies up."""
        self._syncing.close()
        self._limit.tell()
        try:
            await self.reader.close()
        finally:
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


def _all_stored(lines: Sequence[bytes]) -> list[str | bytes]:
    """Return the lines as they are stored."""
    joined = b"".join(lines)
    if joined.isascii() and b"\0" not in joined:
        # Most are, and so many lines come that each look at one counts.
        return [line.decode("ascii") for line in lines]
    return [_stored(line) for line in lines]


def _stored(line: bytes) -> str | bytes:
    """Return the line as TEXT where SQL can work with it, else as BLOB."""
    if b"\0" in line:
        return line
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return line


def inspect(connection: sqlite3.Connection) -> None:
    """Raise Foreign for a database that cannot be a log store."""
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


def schema_of(connection: sqlite3.Connection) -> Iterable[str]:
    """Return the statements that a database still needs to keep logs there."""
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
