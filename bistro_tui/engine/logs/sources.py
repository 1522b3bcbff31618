"""Where the lines of an answer come from: parts of the log tables, each in id order.

A part is a whole table, or one task's lines of it by the index. It is read in windows
of rows, so that one knows at any time how far one has come.
"""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from bistro_tui.engine.logs.patterns import Pattern
from bistro_tui.engine.logs.query import LogQuery
from bistro_tui.engine.logs.sink import Stream
from bistro_tui.engine.sqlite import quoted, text_param

MOST_PARTS = 300
"""More tasks than that are looked for in all lines instead of each by the index."""
FIRST_ROWS = 64
"""Of the first windows of all parts together; they are taken whatever time it is."""
WINDOW_ROWS = 1_024
WINDOW_BYTES = 2**16
"""What is searched in one go; also the longest line, about."""

_JOINED = "CAST(group_concat(text, char(10)) AS BLOB)"
_LINE = "coalesce(CAST(line AS BLOB), x'')"


class RawLine(NamedTuple):
    """A row, its names not decoded yet."""

    line_id: int
    job: bytes
    node: bytes
    stream: Stream
    line: bytes


class Part:
    """A part of one table, from a position on."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        stream: Stream,
        query: LogQuery,
        *,
        task: tuple[bytes, bytes] | None,
        rows: int,
        is_over: Callable[[], bool],
    ) -> None:
        """``task``: only its lines, by the index; ``rows``: of the first window."""
        self._connection = connection
        self._stream = stream
        self._is_ascending = query.ascending
        self._pattern: Pattern | None = query.pattern
        self._jobs = frozenset() if task else frozenset(map(_raw, query.jobs))
        self._nodes = frozenset() if task else frozenset(map(_raw, query.nodes))
        self._low, self._high = query.lowest, query.highest
        self._rows = rows
        self._is_over = is_over
        order = "ASC" if query.ascending else "DESC"
        table, where, self._task = quoted(stream.value), "", tuple[bytes, ...]()
        if task is not None:
            table += f" INDEXED BY {_index(stream)}"
            where = "job_id = CAST(? AS TEXT) AND node_id = CAST(? AS TEXT) AND "
            self._task = task
        rest = (
            f" FROM {table} WHERE {where}time_and_count BETWEEN ? AND ?"
            f" ORDER BY time_and_count {order} LIMIT ?"
        )
        self._select = (
            "SELECT time_and_count, coalesce(CAST(job_id AS BLOB), x''),"
            f" coalesce(CAST(node_id AS BLOB), x''), {_LINE}{rest}"
        )
        self._scan = (
            f"SELECT count(*), min(id), max(id), {_JOINED}"
            f" FROM (SELECT time_and_count AS id, {_LINE} AS text{rest})"
        )

    @property
    def position(self) -> int | None:
        """The id from which on nothing is known yet; None at the end."""
        if self._low > self._high:
            return None
        return self._low if self._is_ascending else self._high

    def next_lines(self) -> Iterator[RawLine]:
        """Yield what is found in the next window; it has at least one row."""
        rows = self._rows
        if self._pattern is not None and self._pattern.can_join:
            rows = self._skip_or_shrink(self._pattern)
        if rows:
            yield from self._read(rows)

    def _skip_or_shrink(self, pattern: Pattern) -> int:
        """Pass over a window without any match; else return how many rows to read."""
        asked = self._rows
        found = self._connection.execute(self._scan, self._params(asked)).fetchone()
        count, first, last, joined = found
        if not count:
            self._finish()
            return 0
        self._grow(count, len(joined))
        if len(joined) > 2 * WINDOW_BYTES:
            # Searching all that could take long, or much memory.
            return min(int(count), self._rows)
        if pattern.may_match(joined):
            return int(count)
        self._pass(last if self._is_ascending else first)
        if count < asked:
            self._finish()
        return 0

    def _read(self, rows: int) -> Iterator[RawLine]:
        found = self._connection.execute(self._select, self._params(rows))
        if self._pattern is not None and not self._pattern.can_join:
            yield from self._one_by_one(found, rows)
            return
        lines = found.fetchall()
        size = sum(len(line) for *_, line in lines)
        self._grow(len(lines), size)
        if self._pattern is not None and size > 2 * WINDOW_BYTES:
            yield from self._one_by_one(lines, rows)
            return
        if lines:
            self._pass(lines[-1][0])
        if len(lines) < rows:
            self._finish()
        if self._pattern is not None:
            indexes = self._pattern.matching([line for *_, line in lines])
            lines = [lines[index] for index in indexes]
        yield from self._chosen(lines)

    def _one_by_one(
        self, lines: "sqlite3.Cursor | Sequence[_Row]", rows: int
    ) -> Iterator[RawLine]:
        """Search one line after the other, for as long as there is time."""
        assert self._pattern is not None
        number = size = 0
        for one in lines:
            number += 1
            size += len(one[-1])
            self._pass(one[0])
            if self._pattern.matches(one[-1]):
                yield from self._chosen([one])
            if self._is_over():
                return
        self._grow(number, size)
        if number < rows:
            self._finish()

    def _chosen(self, lines: "Sequence[_Row]") -> Iterator[RawLine]:
        jobs, nodes, stream = self._jobs, self._nodes, self._stream
        for line_id, job, node, line in lines:
            if (not jobs or job in jobs) and (not nodes or node in nodes):
                yield RawLine(line_id, job, node, stream, line)

    def _params(self, rows: int) -> tuple[bytes | int, ...]:
        return (*self._task, self._low, self._high, rows)

    def _grow(self, rows: int, size: int) -> None:
        """Choose the next window by how long the lines of this one were."""
        fitting = WINDOW_BYTES * rows // max(1, size)
        self._rows = max(1, min(4 * self._rows, fitting, WINDOW_ROWS))

    def _pass(self, line_id: int) -> None:
        if self._is_ascending:
            self._low = line_id + 1
        else:
            self._high = line_id - 1

    def _finish(self) -> None:
        self._low, self._high = 1, 0


_Row = tuple[int, bytes, bytes, bytes]


def parts_of(
    connection: sqlite3.Connection, query: LogQuery, is_over: Callable[[], bool]
) -> list[Part]:
    """Return parts that have all the lines of the answer among them."""
    most = MOST_PARTS // len(query.streams)
    chosen: list[tuple[Stream, tuple[bytes, bytes] | None]] = []
    for stream in dict.fromkeys(query.streams):
        tasks = _tasks(connection, stream, query, most)
        if tasks is None:
            chosen.append((stream, None))
        else:
            chosen += ((stream, task) for task in tasks)
    rows = max(1, FIRST_ROWS // max(1, len(chosen)))
    return [
        Part(connection, stream, query, task=task, rows=rows, is_over=is_over)
        for stream, task in chosen
    ]


def _tasks(
    connection: sqlite3.Connection, stream: Stream, query: LogQuery, most: int
) -> list[tuple[bytes, bytes]] | None:
    """Return the tasks to look for by the index; None: look at every line."""
    if not (query.jobs or query.nodes) or not _has_index(connection, stream):
        return None
    jobs: Sequence[bytes] = [*dict.fromkeys(map(_raw, query.jobs))]
    nodes: Sequence[bytes] = [*dict.fromkeys(map(_raw, query.nodes))]
    if not jobs:
        jobs = _some(_names(connection, stream), most)
    found: list[tuple[bytes, bytes]] = []
    for job in jobs:
        here = nodes or _some(_names(connection, stream, job), most)
        found += ((job, node) for node in here)
        if len(found) > most:
            return None
    return found


def _names(
    connection: sqlite3.Connection, stream: Stream, job: bytes | None = None
) -> Iterator[bytes]:
    """Yield the names of jobs with lines, or of a job's nodes; a seek for each."""
    column = "job_id" if job is None else "node_id"
    where = "" if job is None else "job_id = CAST(? AS TEXT) AND "
    among = () if job is None else (job,)
    after, last = ">=", b""
    while True:
        found = connection.execute(
            f"SELECT CAST({column} AS BLOB) FROM {quoted(stream.value)}"
            f" INDEXED BY {_index(stream)}"
            f" WHERE {where}{column} {after} CAST(? AS TEXT) ORDER BY {column} LIMIT 1",
            (*among, last),
        ).fetchone()
        # A value that is no text sorts behind all texts, and is found for ever.
        if found is None or (after == ">" and found[0] <= last):
            return
        after, last = ">", found[0]
        yield last


def _some(names: Iterator[bytes], most: int) -> list[bytes]:
    """Return the names, or one more than ``most`` of them."""
    return [name for name, _ in zip(names, range(most + 1), strict=False)]


def _has_index(connection: sqlite3.Connection, stream: Stream) -> bool:
    found = connection.execute(
        "SELECT name FROM pragma_index_info(?) ORDER BY seqno",
        (f"{stream.value}_job_node_idx",),
    )
    return [name for (name,) in found][:2] == ["job_id", "node_id"]


def _index(stream: Stream) -> str:
    return quoted(f"{stream.value}_job_node_idx")


def _raw(name: str) -> bytes:
    param = text_param(name)
    return param.encode() if isinstance(param, str) else param
