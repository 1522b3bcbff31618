"""The last that attempts said, read from the log store."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from bistro_tui.engine.ids import InvocationId, TaskId
from bistro_tui.engine.logs.attempts import LONGEST_SEC, TABLE
from bistro_tui.engine.logs.line_ids import LAST_ID, first_id_of
from bistro_tui.engine.logs.rows import Written
from bistro_tui.engine.logs.sink import Stream
from bistro_tui.engine.logs.spans import span_between
from bistro_tui.engine.sqlite import columns_of, text_param

LONGEST = 1_000
"""Bytes of a last line that are told."""

_LOOKED_AT = 200
"""Blank lines that are passed over in search of one that is not."""


class LastWords(NamedTuple):
    """How the last attempt at a task ended."""

    exit: str
    line: bytes
    """The last one that is not blank, of stderr, else of stdout; without its end."""
    line_id: int
    """0: there is none."""
    is_known: bool
    """Whether the attempt was found: then this stays true."""
    worker: str = ""
    """Where it ran; empty where nobody knows."""
    invocation: InvocationId | None = None
    """Which attempt it was; None where nobody knows."""


class _Attempt(NamedTuple):
    invocation: InvocationId
    started: float
    ended: float
    exit: str
    worker: str


def last_words(
    connection: sqlite3.Connection,
    tasks: Sequence[TaskId],
    queued: Mapping[TaskId, Sequence[Written]],
) -> list[LastWords]:
    """Return the last words of each, a tenth of a millisecond for one.

    ``queued``: what the store may not have yet, by task. Raises sqlite3.Error.
    """
    has_attempts = bool(columns_of(connection, TABLE))
    return [
        _of(
            connection,
            task,
            _last_attempt(connection, task) if has_attempts else None,
            queued.get(task, ()),
        )
        for task in tasks
    ]


def _of(
    connection: sqlite3.Connection,
    task: TaskId,
    attempt: _Attempt | None,
    queued: Sequence[Written],
) -> LastWords:
    # Its lines are the newest of its task: only where they begin is in question.
    begin = first_id_of(int(attempt.started)) if attempt is not None else 0
    line_id, line = _last_line(connection, task, begin, queued)
    if attempt is not None and line_id >> 32 == begin >> 32:
        # Another attempt may have ended in that second.
        invocation, started, ended, *_ = attempt
        span = span_between(
            connection, task, invocation, started=started, ended=ended, queued=queued
        )
        if line_id < span.low:
            line_id, line = _last_line(connection, task, span.low, queued)
    said = line[:LONGEST].rstrip()
    if attempt is None:
        return LastWords("", said, line_id, False)
    return LastWords(
        attempt.exit, said, line_id, True, attempt.worker, attempt.invocation
    )


def _last_attempt(connection: sqlite3.Connection, task: TaskId) -> _Attempt | None:
    found = connection.execute(
        f"SELECT start_time, rand, started, ended, exit, detail, worker FROM {TABLE}"
        " WHERE job_id = CAST(? AS TEXT) AND node_id = CAST(? AS TEXT)"
        " ORDER BY start_time DESC, started DESC, rand DESC LIMIT 1",
        (text_param(task.job), text_param(task.node)),
    ).fetchone()
    if found is None:
        return None
    *numbers, exit_text, detail, worker = found
    if not all(isinstance(one, (int, float)) for one in numbers):
        # Another hand has written that.
        return None
    start_time, rand, started, ended = numbers
    if max(abs(started), abs(ended)) >= LONGEST_SEC:
        return None
    return _Attempt(
        InvocationId(start_time, rand),
        started,
        ended,
        str(exit_text or detail or ""),
        str(worker or ""),
    )


def _last_line(
    connection: sqlite3.Connection,
    task: TaskId,
    begin: int,
    queued: Sequence[Written],
) -> tuple[int, bytes]:
    """Return the last line that is not blank of stderr, else of stdout; else 0."""
    for stream in (Stream.STDERR, Stream.STDOUT):
        found = _queued_newest(queued, stream, begin)
        if found is None:
            found = _stored_newest(connection, task, stream, begin)
        if found is not None:
            return found
    return 0, b""


def _queued_newest(
    queued: Iterable[Written], stream: Stream, begin: int
) -> tuple[int, bytes] | None:
    found = None
    for one in queued:
        if one.stream is stream:
            for line_id, line in enumerate(one.lines, one.first_id):
                if line_id >= begin and line.strip():
                    found = line_id, line
    return found


def _stored_newest(
    connection: sqlite3.Connection, task: TaskId, stream: Stream, begin: int
) -> tuple[int, bytes] | None:
    rows = connection.execute(
        f"SELECT time_and_count, substr(CAST(line AS BLOB), 1, {LONGEST})"
        f" FROM {stream.value}"
        " WHERE job_id = CAST(? AS TEXT) AND node_id = CAST(? AS TEXT)"
        " AND time_and_count BETWEEN ? AND ?"
        " ORDER BY time_and_count DESC LIMIT ?",
        (text_param(task.job), text_param(task.node), begin, LAST_ID, _LOOKED_AT),
    )
    for line_id, line in rows:
        if line and line.strip():
            return line_id, line
    return None


def workers_of(connection: sqlite3.Connection, task: TaskId) -> frozenset[str]:
    """Return where attempts at a task ran that are over. Raises sqlite3.Error."""
    if not columns_of(connection, TABLE):
        return frozenset()
    rows = connection.execute(
        f"SELECT DISTINCT worker FROM {TABLE}"
        " WHERE job_id = CAST(? AS TEXT) AND node_id = CAST(? AS TEXT)",
        (text_param(task.job), text_param(task.node)),
    )
    return frozenset(str(worker) for (worker,) in rows if worker)
