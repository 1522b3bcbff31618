"""Rows of a damaged table, by SQLite as far as it comes from either end."""

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Collection, Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path

from bistro_tui.engine.inspection import seen, wrong_beginning
from bistro_tui.engine.salvage.pages import Value
from bistro_tui.engine.soundness import CUT_OFF, check_pages, unsaid_damage
from bistro_tui.engine.sqlite import columns_of, decode_text, quoted, tables_of

Row = tuple[Value, ...]

_LEAST_ROW = 4
"""Bytes."""
_PATIENCE_SEC = 3_600.0


def problem_of(path: Path, *, is_synced: bool) -> str:
    """Return what is broken in a database; empty: nothing that could be seen."""
    with ExitStack() as resources:
        return Reader(path, resources, is_synced=is_synced).problem


class Reader:
    """Asks SQLite; where that knows nothing any more, there are no tables."""

    def __init__(self, path: Path, resources: ExitStack, *, is_synced: bool) -> None:
        self._most = path.stat().st_size // _LEAST_ROW + 1_000_000
        self.tables: list[str] = []
        self.problem = ""
        """What is broken; empty: nothing, and SQLite gives every row."""
        self._sees_all = False
        """Whether SQLite knows of every commit there was."""
        try:
            # The criterion of a start, which refuses also what SQLite could read.
            self.problem = wrong_beginning(path)
            self._connection = resources.enter_context(seen(path))
            self._connection.text_factory = decode_text
            self.tables = tables_of(self._connection)
            found = unsaid_damage(self._connection, is_synced=is_synced)
            self._sees_all = not found
            if found == CUT_OFF:
                self.tables, self.problem = [], self.problem or found
                copy = _of_whole_pages(path, self._connection, resources)
                self._connection = resources.enter_context(closing(copy))
                self.tables = tables_of(copy)
            if not (self.problem or found):
                found = check_pages(self._connection, _PATIENCE_SEC) or ""
            self.problem = self.problem or found
        except (sqlite3.Error, OSError) as error:
            self.problem = self.problem or str(error)

    def count(self, columns: Collection[str]) -> int | None:
        """Return how many rows all tables with these columns have; None: unknown.

        SQLite counts what is shortest, which is an index: where that is whole, rows
        are counted that cannot be read any more.
        """
        if not self._sees_all or not self.tables:
            return None
        found = 0
        try:
            for table in self.tables:
                if set(columns) <= set(columns_of(self._connection, table)):
                    query = f"SELECT count(*) FROM {quoted(table)}"
                    found += self._connection.execute(query).fetchone()[0]
        except (sqlite3.Error, ValueError):
            return None
        return found

    def rows(self, table: str, columns: tuple[str, ...], order: str) -> Iterator[Row]:
        """Yield these columns of each row, NULL for one that the table has not.

        From the first on, and where that breaks off from the last backwards.
        """
        for direction in ("ASC", "DESC"):
            try:
                known = columns_of(self._connection, table)
                wanted = [quoted(c) if c in known else "NULL" for c in columns]
                found = self._connection.execute(
                    f"SELECT {', '.join(wanted)} FROM {quoted(table)}"
                    f" ORDER BY {order} {direction}"
                )
                for _, row in zip(range(self._most), found, strict=False):
                    yield row
            except (sqlite3.Error, ValueError) as error:
                self.problem = self.problem or str(error)
            else:
                return


def _of_whole_pages(
    path: Path, connection: sqlite3.Connection, resources: ExitStack
) -> sqlite3.Connection:
    """Open a copy that ends with the last whole page: SQLite fills up what is cut off.

    What is beyond is an error then, not a row that ends in zeros.
    """
    (page_size,) = connection.execute("PRAGMA page_size").fetchone()
    aside = resources.enter_context(tempfile.TemporaryDirectory())
    copy = Path(aside) / path.name
    for end in ("", "-wal"):
        with suppress(FileNotFoundError):
            shutil.copyfile(f"{path}{end}", f"{copy}{end}")
    whole = copy.stat().st_size // page_size * page_size
    with closing(sqlite3.connect(copy)) as mended:
        mended.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    os.truncate(copy, whole)
    found = sqlite3.connect(copy)
    found.text_factory = decode_text
    # SQLite would refuse a file that is shorter than it says itself.
    found.execute("PRAGMA writable_schema = ON")
    return found
