"""Reads the log store beside the writer, on threads and connections of its own.

The ends of logs have a thread for themselves, so that no search keeps them waiting.
"""

import asyncio
import heapq
import os
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple, TypeVar
from urllib.parse import quote

from bistro_tui.engine.clock import Clock
from bistro_tui.engine.ids import JobName, NodeName, TaskId
from bistro_tui.engine.logs.deadline import Deadline
from bistro_tui.engine.logs.paging import read_page
from bistro_tui.engine.logs.query import OUTPUT, LogQuery, QueryPage
from bistro_tui.engine.logs.rows import StoredLine
from bistro_tui.engine.sqlite import Param, decode_text, text_param

SEARCHES_AT_ONCE = 2
_BUSY_SEC = 0.2
"""Only a file that is being repaired or replaced is locked for readers."""

T = TypeVar("T")


class LogReader:
    """Answers questions about stored lines. Its methods may raise sqlite3.Error.

    To be made when the store is open; nothing is opened before the first question.
    """

    def __init__(self, path: Path, *, clock: Clock) -> None:
        self._clock = clock
        self._tails = _Readers(path, "log tails", 1)
        self._searches = _Readers(path, "log search", SEARCHES_AT_ONCE)

    async def query(self, query: LogQuery) -> QueryPage:
        """Return the next page of an answer, within 0.2 s of when it is its turn."""
        return await self._searches.run(
            lambda connection: read_page(connection, query, Deadline(self._clock))
        )

    async def newest(
        self, task: TaskId | None, *, after: int, up_to: int, limit: int
    ) -> list[StoredLine]:
        """Return the newest output lines with ``after`` < id <= ``up_to``.

        Oldest first, stdout and stderr merged; ``task`` None means of all tasks.
        """
        return await self._tails.run(
            lambda connection: newest(
                connection, task, after=after, up_to=up_to, limit=limit
            )
        )

    async def run(self, ask: Callable[[sqlite3.Connection], T]) -> T:
        """Return what ``ask`` finds; it has to be quick, for others wait for it."""
        return await self._searches.run(ask)

    async def close(self) -> None:
        """End what is being asked, close the file and end the threads."""
        await self._tails.close()
        await self._searches.close()


def newest(
    connection: sqlite3.Connection,
    task: TaskId | None,
    *,
    after: int,
    up_to: int,
    limit: int,
) -> list[StoredLine]:
    """Return the newest output lines with ``after`` < id <= ``up_to``.

    Oldest first, stdout and stderr merged; ``task`` None means of all tasks.
    """
    where = ""
    chosen: tuple[Param, ...] = ()
    if task is not None:
        where = "job_id = CAST(? AS TEXT) AND node_id = CAST(? AS TEXT) AND"
        chosen = (text_param(task.job), text_param(task.node))
    found: list[StoredLine] = []
    for stream in OUTPUT:
        rows = connection.execute(
            "SELECT job_id, node_id, time_and_count, CAST(line AS BLOB)"
            f" FROM {stream.value} WHERE {where}"
            " time_and_count > ? AND time_and_count <= ?"
            " ORDER BY time_and_count DESC LIMIT ?",
            (*chosen, after, up_to, limit),
        )
        found.extend(
            StoredLine(
                line_id,
                TaskId(JobName(job or ""), NodeName(node or "")),
                stream,
                line or b"",
            )
            for job, node, line_id, line in rows
        )
    return heapq.nlargest(limit, found)[::-1]


class _Readers:
    """Some threads, and a connection for each that only reads."""

    def __init__(self, path: Path, name: str, number: int) -> None:
        self._path = path
        self._threads = ThreadPoolExecutor(number, thread_name_prefix=f"bistro {name}")
        self._lock = threading.Lock()
        self._idle: list[_Opened] = []
        self._busy: set[sqlite3.Connection] = set()
        self._is_closed = False

    async def run(self, ask: Callable[[sqlite3.Connection], T]) -> T:
        """Return what ``ask`` finds, on one of the threads."""
        if self._is_closed:
            raise _closed()
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._run, ask)

    async def close(self) -> None:
        """Interrupt what is running, refuse what waits; harmless when repeated."""
        with self._lock:
            self._is_closed = True
            for connection in self._busy:
                connection.interrupt()
        await asyncio.to_thread(self._threads.shutdown)
        while self._idle:
            self._idle.pop().connection.close()

    def _run(self, ask: Callable[[sqlite3.Connection], T]) -> T:
        opened = self._take()
        try:
            found = ask(opened.connection)
        except BaseException:
            # What is wrong with this connection may be right with the next one.
            with self._lock:
                self._busy.discard(opened.connection)
            opened.connection.close()
            raise
        with self._lock:
            self._busy.discard(opened.connection)
            self._idle.append(opened)
        return found

    def _take(self) -> "_Opened":
        file = self._file()
        with self._lock:
            if self._is_closed:
                raise _closed()
            opened = self._idle.pop() if self._idle else None
            if opened is not None and opened.file != file:
                # Somebody removed it under us, and the writer made a new one.
                opened.connection.close()
                opened = None
            if opened is None:
                opened = _Opened(self._open(), file)
            self._busy.add(opened.connection)
        return opened

    def _file(self) -> tuple[int, int]:
        try:
            found = os.stat(self._path)
        except OSError as error:
            raise sqlite3.OperationalError(f"{self._path}: {error.strerror}") from error
        return found.st_dev, found.st_ino

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"file:{quote(os.fsencode(self._path))}?mode=ro",
            uri=True,
            isolation_level=None,
            timeout=_BUSY_SEC,
            check_same_thread=False,
        )
        connection.text_factory = decode_text
        return connection


class _Opened(NamedTuple):
    """A connection, and which file it has open."""

    connection: sqlite3.Connection
    file: tuple[int, int]


def _closed() -> sqlite3.Error:
    return sqlite3.ProgrammingError("the log store is closed")
