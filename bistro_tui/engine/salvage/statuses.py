"""Statuses out of a damaged ``statuses.sql3``; the newest of each task counts."""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path

from bistro_tui.engine.salvage.image import Image
from bistro_tui.engine.salvage.pages import Value
from bistro_tui.engine.salvage.reading import Reader, Row
from bistro_tui.engine.salvage.saved import Saved, new_database
from bistro_tui.engine.sqlite import quoted, text_param
from bistro_tui.engine.statuses.bits import MAIN_BITS, Bits
from bistro_tui.engine.statuses.rows import (
    BISTRO_COLUMNS,
    COLUMNS,
    STATUS_COLUMNS,
    commit_number,
    read_rows,
)
from bistro_tui.engine.statuses.store import VERSION, schema_of, table_name

_ALL_BITS = sum(Bits)
_TEXTS = ("job_id", "node_id", "data", "invocation")


class _Tables:
    """The best row of each task by table, as far as rows came in."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[tuple[str, str], Row]] = defaultdict(dict)
        self.empty: set[tuple[str, Value, Value]] = set()
        """Rows that say nothing, by table and task."""

    def take(self, table: str, values: Row | None) -> bool:
        """Take in a row if it is a newer one; return whether it is a status at all."""
        row = _checked(values) if values is not None else None
        if row is None:
            if values is None or not _says_nothing(values):
                return False
            self.empty.add((table, values[0], values[1]))
            return True
        key = (str(row[0]), str(row[1]))
        known = self.rows[table].get(key)
        if known is None or _age(row) >= _age(known):
            self.rows[table][key] = row
        return True


def salvage_statuses(path: Path, flag: str) -> Saved:
    """Write what can be read of ``path`` into a new file beside it.

    ``flag`` is the value of ``--status-table``: the table of the rows that are found
    without a trace of theirs. Raises OSError, sqlite3.Error or DataDirUnusable if the
    new file cannot be made, and then there is none.
    """
    main, tables, broken, gone = table_name(flag), _Tables(), 0, 0
    with ExitStack() as resources:
        reader = Reader(path, resources, is_synced=True)
        for table in reader.tables:
            for row in reader.rows(table, COLUMNS, "rowid"):
                tables.take(table, row)
        if reader.problem:
            image = resources.enter_context(Image(path))
            broken = _scan(image, tables, main)
            gone = len(image.gone)
        counted = reader.count(BISTRO_COLUMNS)
    kept = sum(map(len, tables.rows.values()))
    with closing(sqlite3.connect(":memory:")) as empty:
        names = [name for name, rows in tables.rows.items() if rows]
        schema = [one for name in names for one in schema_of(empty, name)]
    fresh = None
    if kept:
        with new_database(path, version=VERSION, schema=schema) as (fresh, connection):
            for name in names:
                _write(connection, name, list(tables.rows[name].values()))
    return Saved(
        damaged=path,
        fresh=fresh,
        problem=reader.problem,
        rows={name: len(tables.rows[name]) for name in names},
        missing_rows=(
            None if counted is None else max(0, counted - kept - len(tables.empty))
        ),
        broken_rows=broken,
        gone_pages=gone,
    )


def _scan(image: Image, tables: _Tables, main: str) -> int:
    """Take in the rows of every page; return how many could not be read."""
    broken = 0
    for leaf in image.leaves():
        for record in image.rows(leaf.page):
            values = record.values if record is not None else None
            broken += not tables.take(leaf.table or main, values)
    return broken


def _checked(values: Sequence[Value]) -> Row | None:
    """Return the row in all our columns if it can be a status as it was written."""
    if not len(BISTRO_COLUMNS) <= len(values) <= len(COLUMNS):
        return None
    row = [*values, *(None,) * (len(COLUMNS) - len(values))]
    _, _, timestamp, data, _, bits, exact, _, commit, _ = row
    if isinstance(exact, int):
        # SQLite keeps a number without a fraction as an integer.
        row[6] = exact = float(exact)
    known, _ = read_rows([(*row[: len(STATUS_COLUMNS)], None)])
    if not known or (data is not None and not _is_object(data)):
        return None
    if bits is None:
        return tuple(row)
    is_possible = (
        isinstance(bits, int)
        and not bits & ~_ALL_BITS
        and (bits & MAIN_BITS).bit_count() == 1
        and not bits & Bits.RUNNING
        and (commit is None or commit_number(commit) > 0)
        and (not isinstance(exact, float) or abs(exact - _number(timestamp)) <= 1)
    )
    return tuple(row) if is_possible else None


def _says_nothing(values: Row) -> bool:
    """Return whether it is a row of Bistro for a task that never ran."""
    is_bistros = len(values) >= len(BISTRO_COLUMNS) and not any(values[5:])
    return is_bistros and isinstance(values[0], str) and isinstance(values[1], str)


def _number(value: Value) -> float:
    return float(value) if isinstance(value, int) else 0.0


def _is_object(text: Value) -> bool:
    try:
        return isinstance(text, str) and isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def _age(row: Row) -> tuple[int, float]:
    """Return what is greater for the newer of two rows; Bistro's have no commits."""
    return commit_number(row[8]), _number(row[2])


def _write(connection: sqlite3.Connection, table: str, rows: Sequence[Row]) -> None:
    holes = ["CAST(? AS TEXT)" if name in _TEXTS else "?" for name in COLUMNS]
    connection.executemany(
        f"INSERT INTO {quoted(table)} ({', '.join(COLUMNS)})"
        f" VALUES ({', '.join(holes)})",
        (tuple(_param(value) for value in row) for row in rows),
    )


def _param(value: Value) -> Value:
    return text_param(value) if isinstance(value, str) else value
