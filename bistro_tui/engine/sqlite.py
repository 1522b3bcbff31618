"""One SQLite file: looked at before it is written to, then one connection for all.

Exactly one connection of this program writes to a file, and it does the checkpoints
too: SQLite before 3.51.3 can corrupt a WAL that two connections write to.
"""

import asyncio
import contextlib
import os
import shutil
import sqlite3
import tempfile
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias, TypeVar, cast
from urllib.parse import quote

import aiosqlite

from bistro_tui.engine.errors import DataDirUnusable

APPLICATION_ID = 0x62545549
"""``bTUI``: marks the databases that we made."""

Param: TypeAlias = str | bytes | int | float | None
Row: TypeAlias = tuple[Any, ...]
Statement: TypeAlias = tuple[str, Sequence[Sequence[Param]]]
"""An INSERT, UPDATE or DELETE, and parameters for each time it is executed."""

ROWS_A_STATEMENT = 500
"""SQLite takes 32,766 parameters in one; ours have up to a dozen a row."""

BUSY_SEC = 5.0
"""How long to wait for another program that has the file locked."""

_HEADER = b"SQLite format 3\0"
_QUICK_CHECK_BYTES = 256 * 2**20
_SALVAGE = (
    "it was not touched; move it away to begin anew, or try"
    " `sqlite3 FILE .recover | sqlite3 NEW`"
)


class Rows(NamedTuple):
    """Rows for one table, to be written by as few statements as possible.

    One statement for many rows is one call to the database's thread and one stretch
    without the interpreter's lock; one for each row is both as often as there are rows.
    """

    head: str
    """``REPLACE INTO … VALUES``."""
    row: str
    """``(?, ?)``, for one row."""
    width: int
    """Parameters of a row."""
    values: list[Param]
    """Of all rows, one after the other."""

    def statements(self) -> Iterator[tuple[str, list[Param]]]:
        """Return what to execute, and with which parameters."""
        step = ROWS_A_STATEMENT * self.width
        for begin in range(0, len(self.values), step):
            values = self.values[begin : begin + step]
            rows = ", ".join([self.row] * (len(values) // self.width))
            yield f"{self.head} {rows}", values


class Foreign(Exception):
    """A look at a database shows that it is not one of ours; the text says why."""


Inspector: TypeAlias = Callable[[sqlite3.Connection], None]
"""Looks at an existing database, read-only; raises Foreign."""

T = TypeVar("T")


class Database:
    """An open database. Its methods may raise sqlite3.Error."""

    def __init__(self, path: Path, connection: aiosqlite.Connection) -> None:
        self.path = path
        self._connection = connection
        self._writing = asyncio.Lock()

    @classmethod
    async def open(
        cls,
        path: Path,
        *,
        version: int,
        synchronous: str,
        inspect: Inspector,
        schema: Callable[[sqlite3.Connection], Iterable[str]],
    ) -> "Database":
        """Open or make the database at ``path`` (0600).

        A file that is corrupt, of another program or of a newer version than
        ``version`` is refused with DataDirUnusable and not written to. ``schema``
        gives the statements that an accepted file still needs.
        """
        try:
            missing = await asyncio.to_thread(_examine, path, version, inspect, schema)
            # A statement that is kept for reuse keeps what was bound to it last, and
            # those of ``Rows`` come in hundreds of lengths, with megabytes in each.
            connection = await aiosqlite.connect(
                path, isolation_level=None, timeout=BUSY_SEC, cached_statements=0
            )
        except (sqlite3.Error, OSError) as error:
            raise unusable(path, error) from error
        database = cls(path, connection)
        try:
            await database._set_up(version, synchronous, missing)
        except BaseException as error:
            await database.close()
            if isinstance(error, sqlite3.Error):
                raise unusable(path, error) from error
            raise
        return database

    async def write(self, *statements: Statement) -> None:
        """Execute all statements in one transaction, committed when this returns."""
        async with self._transaction():
            for sql, rows in statements:
                if rows:
                    await self._connection.executemany(sql, rows)

    async def insert(self, *tables: Rows, together: bool = True) -> None:
        """Write all rows, committed when this returns.

        In one transaction, unless ``together`` is false: then some may be written and
        others not when it fails.
        """
        statements = [one for rows in tables for one in rows.statements()]
        if together and len(statements) > 1:
            async with self._transaction():
                for sql, values in statements:
                    await self.read(sql, values)
            return
        async with self._writing:
            for sql, values in statements:
                await self.read(sql, values)

    async def read(self, sql: str, parameters: Sequence[Param] = ()) -> list[Row]:
        """Return all rows of a query; text that is not UTF-8 does not matter."""
        rows = await self._connection.execute_fetchall(sql, parameters)
        return cast("list[Row]", rows)

    async def close(self) -> None:
        """Finish what was asked for, close the file and end the thread."""
        await self._connection.close()

    async def _set_up(self, version: int, synchronous: str, missing: list[str]) -> None:
        self._connection.text_factory = decode_text
        for pragma in (
            "journal_mode = WAL",
            f"synchronous = {synchronous}",
            "wal_autocheckpoint = 4000",
            f"journal_size_limit = {64 * 2**20}",
            "trusted_schema = OFF",
        ):
            await self.read(f"PRAGMA {pragma}")
        if missing:
            async with self._transaction():
                for sql in (*missing, f"PRAGMA user_version = {version}"):
                    await self.read(sql)

    @contextlib.asynccontextmanager
    async def _transaction(self) -> AsyncIterator[None]:
        async with self._writing:
            try:
                await self.read("BEGIN IMMEDIATE")
                yield
                await self.read("COMMIT")
            except BaseException:
                # SQLite may have rolled back by itself; then there is none left.
                with contextlib.suppress(sqlite3.Error):
                    await self.read("ROLLBACK")
                raise


def look(
    path: Path,
    *,
    version: int,
    inspect: Inspector,
    ask: Callable[[sqlite3.Connection], T],
) -> T | None:
    """Return what ``ask`` finds in a database that others may be writing to.

    None: there is no file, or an empty one. Nothing is written, nor made beside the
    file. Raises DataDirUnusable for a file that is not ours.
    """
    try:
        with open(path, "rb") as file:
            header = file.read(len(_HEADER))
        if not header:
            return None
        if header != _HEADER:
            raise DataDirUnusable(path, "is not an SQLite database", _SALVAGE)
        with _seen(path) as connection:
            connection.text_factory = decode_text
            _refuse_strange(path, connection, version)
            inspect(connection)
            return ask(connection)
    except FileNotFoundError:
        return None
    except Foreign as foreign:
        raise DataDirUnusable(path, str(foreign), _SALVAGE) from None
    except (sqlite3.Error, OSError) as error:
        raise unusable(path, error) from error


@contextlib.contextmanager
def _seen(path: Path) -> Iterator[sqlite3.Connection]:
    """Open read-only what may be open elsewhere, as it is at this moment."""
    wal, shared = Path(f"{path}-wal"), Path(f"{path}-shm")
    with contextlib.ExitStack() as resources:
        if shared.exists():
            uri = f"file:{quote(str(path))}?mode=ro"
        elif wal.exists() and wal.stat().st_size:
            # SQLite would make the missing file, so it may do that to a copy.
            aside = Path(resources.enter_context(tempfile.TemporaryDirectory()))
            for one in (path, wal):
                shutil.copyfile(one, aside / one.name)
            uri = f"file:{quote(str(aside / path.name))}?mode=ro"
        else:
            uri = f"file:{quote(str(path))}?immutable=1"
        connection = sqlite3.connect(uri, uri=True, timeout=BUSY_SEC)
        yield resources.enter_context(contextlib.closing(connection))


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


def unusable(path: Path, error: Exception) -> DataDirUnusable:
    """Return what to tell a person about a database that failed."""
    if isinstance(error, OSError):
        return DataDirUnusable(
            path, f"cannot be opened: {error.strerror}", "make it readable and writable"
        )
    text = str(error)
    if "locked" in text or "busy" in text:
        return DataDirUnusable(
            path, "in use by another program", "stop that program first"
        )
    if "readonly" in text or "unable to open" in text:
        return DataDirUnusable(
            path, f"cannot be written: {text}", "make the file and its directory yours"
        )
    return DataDirUnusable(path, f"is damaged: {text}", _SALVAGE)


def _examine(
    path: Path,
    version: int,
    inspect: Inspector,
    schema: Callable[[sqlite3.Connection], Iterable[str]],
) -> list[str]:
    """Return the statements that the database needs; refuse a bad one unchanged."""
    flags = os.O_RDWR | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC
    descriptor = os.open(path, flags, 0o600)
    with open(descriptor, "rb") as file:
        header = file.read(100)
        size = os.fstat(descriptor).st_size
    if not header and size == 0:
        with contextlib.closing(sqlite3.connect(":memory:")) as empty:
            return [f"PRAGMA application_id = {APPLICATION_ID}", *schema(empty)]
    if not header.startswith(_HEADER):
        raise DataDirUnusable(path, "is not an SQLite database", _SALVAGE)
    with contextlib.closing(_connect_to_look(path)) as connection:
        connection.text_factory = decode_text
        _refuse_strange(path, connection, version)
        if size <= _QUICK_CHECK_BYTES:
            (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            if verdict != "ok":
                raise DataDirUnusable(path, f"is damaged: {verdict}", _SALVAGE)
        try:
            inspect(connection)
        except Foreign as foreign:
            raise DataDirUnusable(path, str(foreign), _SALVAGE) from None
        return list(schema(connection))


def _connect_to_look(path: Path) -> sqlite3.Connection:
    """Open read-only, leaving no trace: not even a WAL file beside the database."""
    wal = Path(f"{path}-wal")
    mode = "mode=ro" if wal.exists() and wal.stat().st_size else "immutable=1"
    return sqlite3.connect(
        f"file:{quote(str(path))}?{mode}", uri=True, timeout=BUSY_SEC
    )


def _refuse_strange(path: Path, connection: sqlite3.Connection, version: int) -> None:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (found,) = connection.execute("PRAGMA user_version").fetchone()
    if application not in {0, APPLICATION_ID}:
        raise DataDirUnusable(path, "is a database of another program", _SALVAGE)
    if found > version:
        raise DataDirUnusable(
            path,
            f"was written by a newer bistro-tui (version {found}, this one knows"
            f" {version})",
            "it was not touched; use that newer program, or another --data-dir",
        )
