"""A new file for what was saved, beside the damaged one."""

import contextlib
import os
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bistro_tui.engine.errors import DataDirUnusable
from bistro_tui.engine.inspection import APPLICATION_ID

_MOST_TRIES = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """What became of one file."""

    damaged: Path
    fresh: Path | None
    """The new file; None: nothing could be saved, and there is none."""
    problem: str
    """What is broken; empty: nothing that could be seen."""
    rows: dict[str, int]
    """Table → rows that were saved."""
    missing_rows: int | None
    """How many more SQLite counts; None if it cannot."""
    broken_rows: int
    """Rows that are there and could not be read."""
    gone_pages: int
    """Pages that should have rows, and have not."""


def beside(path: Path, word: str) -> Iterator[Path]:
    """Yield names for a new file or directory beside ``path``, best first."""
    for number in range(1, _MOST_TRIES):
        suffix = f"-{number}" if number > 1 else ""
        yield path.with_name(f"{path.stem}.{word}{suffix}{path.suffix}")


@contextlib.contextmanager
def new_database(
    damaged: Path, *, version: int, schema: Iterable[str]
) -> Iterator[tuple[Path, sqlite3.Connection]]:
    """Make a database beside ``damaged`` (0600); gone again if the block raises.

    Nothing is overwritten. What was written is on disk when the block ends.
    """
    path = _new_file(damaged)
    try:
        with contextlib.closing(sqlite3.connect(path)) as connection:
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {version}")
            for statement in schema:
                connection.execute(statement)
            yield path, connection
            connection.commit()
    except BaseException:
        path.unlink(missing_ok=True)
        Path(f"{path}-journal").unlink(missing_ok=True)
        raise


def _new_file(damaged: Path) -> Path:
    for path in beside(damaged, "salvaged"):
        try:
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        except FileExistsError:
            continue
        return path
    raise DataDirUnusable(
        damaged.parent, "is full of salvaged files", "remove some of them"
    )
