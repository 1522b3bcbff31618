"""One page of lines, read from an open database."""

import contextlib
import heapq
import sqlite3
from collections.abc import Callable, Iterator

from bistro_tui.engine.ids import JobName, NodeName, TaskId
from bistro_tui.engine.logs.deadline import Deadline
from bistro_tui.engine.logs.query import (
    PAGE_BYTES,
    PAGE_LINES,
    THE_END,
    LogQuery,
    QueryPage,
)
from bistro_tui.engine.logs.rows import StoredLine
from bistro_tui.engine.logs.sources import RawLine, parts_of
from bistro_tui.engine.sqlite import decode_text, quoted

STEPS_BETWEEN_LOOKS = 50_000
"""Of SQLite's machine; some milliseconds."""


def read_page(
    connection: sqlite3.Connection, query: LogQuery, deadline: Deadline
) -> QueryPage:
    """Return the next page of an answer, as all tables are at one moment.

    Raises sqlite3.Error.
    """
    page = _Page(query)

    def has_to_end() -> bool:
        # Asking again must not come to the same end for ever.
        return page.has_moved and deadline.is_long_over()

    with _one_moment(connection, has_to_end):
        last_id = _last_id(connection, query)
        try:
            page.fill(connection, deadline)
        except sqlite3.OperationalError as error:
            # A step that took too long; what was found before it is the answer.
            if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
                raise
        return QueryPage(
            lines=tuple(page.lines), next_line_id=page.next_line_id, last_id=last_id
        )


class _Page:
    """Lines in order, and where they end."""

    def __init__(self, query: LogQuery) -> None:
        self.lines: list[StoredLine] = []
        self.next_line_id = query.lowest if query.ascending else query.highest
        self._query = query
        self._start = self.next_line_id
        self._sign = 1 if query.ascending else -1
        self._limit = min(query.limit, PAGE_LINES)
        self._size = 0
        self._found: list[tuple[int, RawLine]] = []
        """A heap: lines behind the position of some part."""
        self._tasks: dict[tuple[bytes, bytes], TaskId] = {}

    @property
    def has_moved(self) -> bool:
        """Whether the next page begins elsewhere than this one did."""
        return self.next_line_id != self._start

    def fill(self, connection: sqlite3.Connection, deadline: Deadline) -> None:
        """Read on, always in the part that has come least far.

        Ends when the page is full, at the end of the data, or when the time is over,
        but never before it is further than where it began.
        """
        sign, found = self._sign, self._found
        parts = parts_of(connection, self._query, deadline.is_over)
        behind = [
            (sign * part.position, number, part)
            for number, part in enumerate(parts)
            if part.position is not None
        ]
        heapq.heapify(behind)
        while behind:
            key, number, part = behind[0]
            if self._take(before=key):
                return
            self.next_line_id = sign * key
            if self._query.pattern is not None and len(self.lines) >= self._limit:
                return
            if self.has_moved and deadline.is_over():
                return
            for line in part.next_lines():
                heapq.heappush(found, (sign * line.line_id, line))
            if part.position is None:
                heapq.heappop(behind)
            else:
                heapq.heapreplace(behind, (sign * part.position, number, part))
        if not self._take(before=None):
            self.next_line_id = THE_END

    def _take(self, *, before: int | None) -> bool:
        """Take the found lines up to there; return whether one does not fit."""
        found = self._found
        while found and (before is None or found[0][0] < before):
            line = found[0][1]
            if self._is_full_for(line):
                self.next_line_id = line.line_id
                return True
            heapq.heappop(found)
            task = self._task(line.job, line.node)
            self.lines.append(StoredLine(line.line_id, task, line.stream, line.line))
            self._size += len(line.line)
        return False

    def _is_full_for(self, line: RawLine) -> bool:
        if not self.lines or self.lines[-1].line_id == line.line_id:
            return False
        is_too_long = self._size + len(line.line) > PAGE_BYTES
        return is_too_long or len(self.lines) >= self._limit

    def _task(self, job: bytes, node: bytes) -> TaskId:
        task = self._tasks.get((job, node))
        if task is None:
            task = TaskId(JobName(decode_text(job)), NodeName(decode_text(node)))
            self._tasks[job, node] = task
        return task


@contextlib.contextmanager
def _one_moment(
    connection: sqlite3.Connection, has_to_end: Callable[[], bool]
) -> Iterator[None]:
    """Read everything from one state of the file, and no statement for long."""
    connection.set_progress_handler(has_to_end, STEPS_BETWEEN_LOOKS)
    connection.execute("BEGIN")
    try:
        yield
    finally:
        connection.set_progress_handler(None, 0)
        connection.execute("ROLLBACK")


def _last_id(connection: sqlite3.Connection, query: LogQuery) -> int:
    greatest = 0
    for stream in query.streams:
        found = connection.execute(
            f"SELECT max(time_and_count) FROM {quoted(stream.value)}"
        ).fetchone()
        greatest = max(greatest, found[0] or 0)
    return greatest
