"""Output lines and attempts out of a damaged ``task_logs.sql3``."""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing
from itertools import islice
from pathlib import Path

from bistro_tui.engine.logs import attempts
from bistro_tui.engine.logs.sink import Stream
from bistro_tui.engine.logs.store import VERSION, schema_of
from bistro_tui.engine.salvage.image import Image
from bistro_tui.engine.salvage.pages import Record
from bistro_tui.engine.salvage.reading import Reader, Row
from bistro_tui.engine.salvage.saved import Saved, new_database
from bistro_tui.engine.sqlite import text_param

_COLUMNS = ("job_id", "node_id", "time_and_count", "line")
_ROWS_AT_ONCE = 1_000
_ATTEMPT_TEXTS = {"job_id", "node_id", "exit", "detail", "worker"}


class _Fresh:
    """The new database and what was put into it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.rows: Counter[str] = Counter()

    def lines(self, table: str, rows: Iterable[Row]) -> None:
        """Put lines in, each once."""
        self._insert(table, _COLUMNS, {"job_id", "node_id"}, filter(_is_line, rows))

    def attempts(self, rows: Iterable[Row]) -> None:
        """Put attempts in, each once."""
        known = (row for row in rows if isinstance(row[0], int))
        self._insert(attempts.TABLE, attempts.COLUMNS, _ATTEMPT_TEXTS, known)

    def _insert(
        self, table: str, columns: tuple[str, ...], texts: set[str], rows: Iterable[Row]
    ) -> None:
        holes = ["CAST(? AS TEXT)" if name in texts else "?" for name in columns]
        insert = (
            f"INSERT OR IGNORE INTO {table} ({', '.join(columns)})"
            f" VALUES ({', '.join(holes)})"
        )
        waiting = (
            tuple(text_param(one) if isinstance(one, str) else one for one in row)
            for row in rows
        )
        while some := list(islice(waiting, _ROWS_AT_ONCE)):
            self.rows[table] += self._connection.executemany(insert, some).rowcount


def salvage_lines(path: Path) -> Saved:
    """Write what can be read of ``path`` into a new file beside it.

    A line of which nobody knows the table goes to ``stdout``; attempts are only read by
    SQLite. Raises OSError, sqlite3.Error or DataDirUnusable if the new file cannot be
    made, and then there is none.
    """
    broken: Counter[str] = Counter()
    with closing(sqlite3.connect(":memory:")) as empty:
        schema = list(schema_of(empty))
    with (
        ExitStack() as resources,
        new_database(path, version=VERSION, schema=schema) as (made, connection),
    ):
        reader, fresh = Reader(path, resources, is_synced=False), _Fresh(connection)
        for stream in Stream:
            if stream.value in reader.tables:
                rows = reader.rows(stream.value, _COLUMNS, "time_and_count")
                fresh.lines(stream.value, rows)
        if attempts.TABLE in reader.tables:
            order = "start_time, rand"
            fresh.attempts(reader.rows(attempts.TABLE, attempts.COLUMNS, order))
        gone = 0
        if reader.problem:
            image = resources.enter_context(Image(path))
            for leaf in image.leaves():
                found = _lines(image.rows(leaf.page), broken)
                known = leaf.table in set(Stream)
                fresh.lines(leaf.table if known else Stream.STDOUT.value, found)
            gone = len(image.gone)
        counted = reader.count(("job_id", "node_id"))
    kept = fresh.rows.total()
    if not kept:
        made.unlink()
    return Saved(
        damaged=path,
        fresh=made if kept else None,
        problem=reader.problem,
        rows={table: count for table, count in fresh.rows.items() if count},
        missing_rows=None if counted is None else max(0, counted - kept),
        broken_rows=broken.total(),
        gone_pages=gone,
    )


def _lines(records: Iterable[Record | None], broken: Counter[str]) -> Iterator[Row]:
    for record in records:
        if record is not None and len(record.values) == len(_COLUMNS):
            job, node, _, line = record.values
            row = (job, node, record.rowid, line)
            if _is_line(row):
                yield row
                continue
        broken["rows"] += 1


def _is_line(row: Row) -> bool:
    """Return whether this can be a line as it was written."""
    job, node, line_id, line = row
    return (
        isinstance(job, str)
        and isinstance(node, str)
        and isinstance(line_id, int)
        and line_id > 0
        and isinstance(line, str | bytes)
    )
