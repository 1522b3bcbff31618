"""What is common to all SQLite files: values, names, and errors in words."""

import resource
import shlex
import sqlite3
from pathlib import Path
from typing import Any, TypeAlias

from bistro_tui.engine.errors import DataDirUnusable, DiskFull
from bistro_tui.engine.room import is_for_want_of_room, lacks_room

Param: TypeAlias = str | bytes | int | float | None
Row: TypeAlias = tuple[Any, ...]

BUSY_SEC = 5.0
"""How long to wait for another program that has the file locked."""


def decode_text(raw: bytes) -> str:
    """Return stored text; the reverse of ``text_param``, and total."""
    try:
        return raw.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return raw.decode("utf-8", "replace")


def text_param(text: str) -> str | bytes:
    """Return ``text`` in a form that SQLite takes, for ``CAST(? AS TEXT)``.

    A lone surrogate has no UTF-8 form and would be an exception otherwise.
    """
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            return text.encode("utf-8", "surrogatepass")
    return text


def quoted(identifier: str) -> str:
    """Return an identifier for SQL, whatever is in it; ValueError for a NUL."""
    if "\0" in identifier:
        raise ValueError("a name in a database cannot hold a NUL")
    return '"' + identifier.replace('"', '""') + '"'


def columns_of(connection: sqlite3.Connection, table: str) -> list[str]:
    """Return the column names of a table; none when there is no such table."""
    found = connection.execute("SELECT name FROM pragma_table_info(?)", (table,))
    return [name for (name,) in found]


def tables_of(connection: sqlite3.Connection) -> list[str]:
    """Return the names of all tables."""
    found = connection.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'table'"
        " AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
    )
    return [name for (name,) in found]


def is_out_of_space(error: Exception) -> bool:
    """Return whether something could not be written because a disk or quota is full."""
    if isinstance(error, OSError):
        return is_for_want_of_room(error)
    return code_of(error) == sqlite3.SQLITE_FULL


def unusable(path: Path, error: Exception) -> DataDirUnusable:
    """Return what to tell a person about a database that failed."""
    may_lack_room = code_of(error) in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN)
    if is_out_of_space(error) or (may_lack_room and lacks_room(path.parent)):
        return DiskFull(path, "it cannot be opened")
    if isinstance(error, OSError):
        return DataDirUnusable(
            path, f"cannot be opened: {error.strerror}", "make it readable and writable"
        )
    match code_of(error):
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED | sqlite3.SQLITE_PROTOCOL:
            return DataDirUnusable(
                path, "in use by another program", "stop that program first"
            )
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM:
            return DataDirUnusable(
                path,
                f"cannot be written: {error}",
                "make the file and its directory yours",
            )
        case sqlite3.SQLITE_IOERR:
            return DataDirUnusable(
                path,
                f"cannot be read or written: {error}",
                "the disk or its file system fails: look at the messages of the kernel"
                " (`dmesg`); the file may be well",
            )
        case _:
            return damaged(path, f"is damaged: {error}")


def damaged(path: Path, problem: str) -> DataDirUnusable:
    """Return what to tell a person about a database that has lost something."""
    directory = shlex.quote(str(path.parent))
    return DataDirUnusable(
        path,
        problem,
        f"it was not touched; `bistro-tui doctor --salvage --data-dir {directory}`"
        " saves what can still be read; or put a backup back, or move it away to begin"
        " anew",
    )


def in_words(error: Exception) -> str:
    """Return an error of a database that is open, with what helps if it is damaged."""
    if code_of(error) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return f"{error}; stop the scheduler, then `bistro-tui doctor --salvage`"
    if getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_IOERR_WRITE:
        # SQLite does not say for want of what it could not be written.
        most = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
        if most != resource.RLIM_INFINITY:
            return f"{error} (is a file as large as ulimit -f {most // 1024} lets?)"
    return str(error)


def code_of(error: Exception) -> int:
    """Return the primary result code of SQLite; 0 for an error that has none."""
    code: int = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF
