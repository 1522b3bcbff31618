"""One SQLite file of ours: one connection for all, opened again after an error.

Exactly one connection of this program writes to a file, and it does the checkpoints
too: SQLite before 3.51.3 can corrupt a WAL that two connections write to.

What was written counts if the files still have their names after the commit. After a
failed sync nothing counts until the file was opened again and its WAL emptied.
"""

import asyncio
import contextlib
import os
import sqlite3
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, TypeAlias, TypeVar, cast
from urllib.parse import quote

import aiosqlite

from bistro_tui.engine.database_files import (
    WAL_BYTES,
    WAL_PAGES,
    DatabaseFiles,
    Vanished,
    most_wal_pages,
    write_again,
)
from bistro_tui.engine.errors import DataDirUnusable
from bistro_tui.engine.inspection import Inspector, Schema, examine
from bistro_tui.engine.sqlite import (
    BUSY_SEC,
    Param,
    Row,
    code_of,
    decode_text,
    unusable,
)

T = TypeVar("T")

Statement: TypeAlias = tuple[str, Sequence[Sequence[Param]]]
"""An INSERT, UPDATE or DELETE, and parameters for each time it is executed."""

ROWS_A_STATEMENT = 500
"""SQLite takes 32,766 parameters in one; ours have up to a dozen a row."""

_UNSOUND = {
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_PROTOCOL,
}
"""Errors after which the connection is not trusted any more."""


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


class _Holder(aiosqlite.Connection):
    """A connection and its thread, on which it is opened again where that must be."""

    def __init__(self) -> None:
        # It is begun with a connection that cannot fail: a thread whose first one does
        # would still report to the loop after that has ended.
        super().__init__(lambda: sqlite3.connect(":memory:"), iter_chunk_size=0)

    async def run(self, function: Callable[..., T], *arguments: object) -> T:
        """Return what the function does on the thread."""
        execute = cast("Callable[..., Awaitable[T]]", self._execute)
        return await execute(function, *arguments)

    def holds(self, connection: sqlite3.Connection) -> None:
        """Hold this connection from now on; on the thread."""
        self._conn.close()
        self._connection = connection


class Database:
    """An open database. Its methods may raise sqlite3.Error.

    After some errors it is opened again before the next write; until that succeeds,
    all writes fail.
    """

    def __init__(
        self,
        path: Path,
        *,
        version: int,
        synchronous: str,
        inspect: Inspector,
        schema: Schema,
        is_expendable: bool,
        shrinks: bool,
        wal_pages: int,
    ) -> None:
        self.path = path
        self._version = version
        self._synchronous = synchronous
        self._inspect = inspect
        self._schema = schema
        self._is_expendable = is_expendable
        self._shrinks = shrinks
        self._wal_pages = wal_pages
        self._connection: sqlite3.Connection | None = None
        """For the thread alone, as all that is below."""
        self._files = DatabaseFiles(path)
        self._holder = _Holder()
        self._broken_by: sqlite3.Error | None = None
        """Why it has to be opened again."""
        self._is_full = False

    @classmethod
    async def open(
        cls,
        path: Path,
        *,
        version: int,
        synchronous: str,
        inspect: Inspector,
        schema: Schema,
        is_expendable: bool = False,
        shrinks: bool = False,
        wal_pages: int = WAL_PAGES,
    ) -> "Database":
        """Open or make the database at ``path`` (0600).

        A file that is corrupt, of another program or of a newer version than
        ``version`` is refused with DataDirUnusable and not written to. ``schema``
        gives the statements that an accepted file still needs. An expendable file is
        made anew when it vanishes later. One that ``shrinks`` can give free pages
        back, if it is made now. After ``wal_pages`` the WAL is taken in.
        """
        database = cls(
            path,
            version=version,
            synchronous=synchronous,
            inspect=inspect,
            schema=schema,
            is_expendable=is_expendable,
            shrinks=shrinks,
            wal_pages=wal_pages,
        )
        holder = await database._holder
        try:
            await database._holder.run(database._open)
        except BaseException as error:
            await holder.close()
            if isinstance(error, (sqlite3.Error, OSError)):
                raise unusable(path, error) from error
            raise
        return database

    async def write(self, *statements: Statement) -> None:
        """Execute all statements in one transaction, committed when this returns."""

        def write(connection: sqlite3.Connection) -> None:
            for sql, rows in statements:
                if rows:
                    connection.executemany(sql, rows)

        await self._holder.run(self._write, write)

    async def insert(self, *tables: Rows, together: bool = True) -> None:
        """Write all rows, committed when this returns.

        In one transaction, unless ``together`` is false: then some may be written and
        others not when it fails.
        """
        statements = [one for rows in tables for one in rows.statements()]
        if not statements:
            return

        def insert(connection: sqlite3.Connection) -> None:
            for sql, values in statements:
                connection.execute(sql, values)

        is_one = together and len(statements) > 1
        await self._holder.run(self._write, insert, is_one)

    async def change(self, sql: str, parameters: Sequence[Param] = ()) -> None:
        """Execute one statement that writes, committed when this returns."""

        def change(connection: sqlite3.Connection) -> None:
            connection.execute(sql, parameters).fetchall()

        await self._holder.run(self._write, change, False)

    async def read(self, sql: str, parameters: Sequence[Param] = ()) -> list[Row]:
        """Return all rows of a query; text that is not UTF-8 does not matter."""
        return await self._holder.run(self._read, sql, parameters)

    async def look(self, ask: Callable[[sqlite3.Connection], T]) -> T:
        """Return what ``ask`` finds, on a thread and through a connection that reads.

        For what is too much to hand over row by row; ended when it is not waited for.
        """
        uri = f"file:{quote(os.fsencode(self.path))}?mode=ro"
        connection = sqlite3.connect(
            uri, uri=True, timeout=BUSY_SEC, check_same_thread=False
        )
        looking = asyncio.ensure_future(asyncio.to_thread(ask, connection))
        try:
            return await asyncio.shield(looking)
        except asyncio.CancelledError:
            connection.interrupt()
            raise
        finally:

            def end(done: "asyncio.Future[T]") -> None:
                connection.close()
                if not done.cancelled():
                    done.exception()

            looking.add_done_callback(end)

    async def close(self) -> None:
        """Finish what was asked for, close the file and end the thread."""
        try:
            await self._holder.run(self._close)
        finally:
            await self._holder.close()

    # On the thread. It is the same one for ever, whatever is opened again on it.

    def _read(self, sql: str, parameters: Sequence[Param] = ()) -> list[Row]:
        if self._connection is None:
            raise sqlite3.OperationalError(f"{self.path} could not be opened again")
        return self._connection.execute(sql, parameters).fetchall()

    def _write(
        self, write: Callable[[sqlite3.Connection], None], is_one: bool = True
    ) -> None:
        """Write as one transaction, or statement by statement if not ``is_one``."""
        connection = self._connection
        if connection is None or self._broken_by is not None:
            connection = self._mend()
        elif self._is_full:
            # What is in the database leaves room in the WAL, also without space.
            with contextlib.suppress(sqlite3.Error):
                self._read("PRAGMA wal_checkpoint(PASSIVE)")
        try:
            if is_one:
                connection.execute("BEGIN IMMEDIATE")
            write(connection)
            connection.commit()
            self._files.check()
        except BaseException as error:
            # SQLite may have rolled back by itself; then this does nothing.
            with contextlib.suppress(sqlite3.Error):
                connection.rollback()
            if isinstance(error, sqlite3.Error):
                self._judge(error)
            raise
        self._is_full = False

    def _judge(self, error: sqlite3.Error) -> None:
        code = code_of(error)
        self._is_full = code == sqlite3.SQLITE_FULL
        if isinstance(error, Vanished) or code in _UNSOUND:
            self._broken_by = error

    def _open(self) -> None:
        missing = self._examine()
        if self._synchronous == "FULL":
            # Whoever wrote it may have died before its last sync, or after one failed.
            # What is read from it now will be shown, and the next commit must not be
            # synced with it.
            write_again(self._files.wal)
        self._connect(missing)

    def _examine(self) -> list[str]:
        return examine(
            self.path,
            self._version,
            self._inspect,
            self._schema,
            is_synced=self._synchronous == "FULL",
        )

    def _connect(self, missing: Sequence[str] = ()) -> sqlite3.Connection:
        """Open the file and execute what it still needs."""
        pages = min(self._wal_pages, most_wal_pages(self.path))
        # A statement that is kept for reuse keeps what was bound to it last, and
        # those of ``Rows`` come in hundreds of lengths, with megabytes in each.
        connection = sqlite3.connect(
            f"file:{quote(os.fsencode(self.path))}?mode=rw",
            uri=True,
            isolation_level=None,
            timeout=BUSY_SEC,
            cached_statements=0,
        )
        try:
            connection.text_factory = decode_text
            for pragma in (
                # Nothing may have been written to the file before this one.
                f"auto_vacuum = {'INCREMENTAL' if self._shrinks else 'NONE'}",
                "journal_mode = WAL",
                f"synchronous = {self._synchronous}",
                f"wal_autocheckpoint = {pages}",
                f"journal_size_limit = {WAL_BYTES * pages // WAL_PAGES}",
                "trusted_schema = OFF",
            ):
                connection.execute(f"PRAGMA {pragma}").fetchall()
            if missing:
                version = f"PRAGMA user_version = {self._version}"
                for sql in ("BEGIN IMMEDIATE", *missing, version, "COMMIT"):
                    connection.execute(sql)
            # Where there was none before, the WAL comes with the first look.
            connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
            self._files.remember()
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        self._holder.holds(connection)
        return connection

    def _mend(self) -> sqlite3.Connection:
        """Open the file again and have all of its WAL in it; sqlite3.Error if not.

        A failed sync may have dropped pages that were not on disk yet. What of the WAL
        that was not taken in by the close is written again, then into the database.
        """
        is_ours = self._files.is_same(self.path)
        if not is_ours and not self._is_expendable:
            raise Vanished(self.path)
        try:
            if isinstance(self._broken_by, Vanished):
                # A WAL that lost its name is still there for who has it open.
                with contextlib.suppress(sqlite3.Error):
                    self._read("PRAGMA wal_checkpoint(TRUNCATE)")
            self._close()
            if is_ours:
                # A reader, or another failed sync, has kept it from being removed.
                write_again(self._files.wal)
            else:
                self._files.remove_left()
            connection = self._connect() if is_ours else self._connect(self._examine())
            [(is_busy, *_)] = self._read("PRAGMA wal_checkpoint(TRUNCATE)")
        except DataDirUnusable as error:
            raise sqlite3.OperationalError(str(error)) from error
        except OSError as error:
            raise sqlite3.OperationalError(f"{self.path}: {error.strerror}") from error
        except sqlite3.Error as error:
            self._broken_by = error
            raise
        if is_busy:
            raise sqlite3.OperationalError(
                f"{self.path}: another program reads it and has to end that first"
            )
        self._broken_by, self._is_full = None, False
        return connection

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
