"""Where the lines of one attempt begin and end among those of its task.

Its output stands between the first and the last of its rows in the table ``statuses``,
for all tables have their ids from one counter.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from bistro_tui.engine.ids import InvocationId, TaskId
from bistro_tui.engine.logs.attempts import LONGEST_SEC, TABLE
from bistro_tui.engine.logs.line_ids import LAST_ID, first_id_of
from bistro_tui.engine.logs.rows import Written
from bistro_tui.engine.logs.sink import Stream
from bistro_tui.engine.sqlite import columns_of, text_param

_SKEW_SEC = 3_600
"""Clocks of two hosts are rarely further apart."""

_SLACK_SEC = 2
"""A line may be a moment away from the second that its attempt tells of."""


class Span(NamedTuple):
    """Ids, both inclusive."""

    low: int
    high: int


NOTHING = Span(1, 0)


def span_of(
    connection: sqlite3.Connection,
    task: TaskId,
    invocation: InvocationId,
    *,
    is_running: bool,
    queued: Iterable[Written] = (),
) -> Span:
    """Return where the lines of that attempt are; ``NOTHING`` if it is unknown.

    ``queued``: lines that are not in the store yet. Of an attempt without rows in
    ``statuses``, the seconds of its start and its end have to do.
    """
    times = _times(connection, invocation)
    if times is None and not is_running:
        return NOTHING
    started, ended = times or (float(invocation.start_time), None)
    return span_between(
        connection, task, invocation, started=started, ended=ended, queued=queued
    )


def span_between(
    connection: sqlite3.Connection,
    task: TaskId,
    invocation: InvocationId,
    *,
    started: float,
    ended: float | None,
    queued: Iterable[Written] = (),
) -> Span:
    """Return the same for one that is known; ``ended`` None: it may still run."""
    earliest = int(min(started, invocation.start_time)) - _SLACK_SEC
    latest = LAST_ID if ended is None else first_id_of(int(ended) + 1 + _SLACK_SEC) - 1
    around = Span(first_id_of(earliest), latest)
    events = [*_stored_events(connection, task, around), *_queued(queued, task, around)]
    exact = _between(events, invocation)
    if exact is not None:
        return exact
    high = LAST_ID if ended is None else first_id_of(int(ended) + 1) - 1
    return Span(first_id_of(int(started)), high)


def span_of_events(
    connection: sqlite3.Connection,
    task: TaskId,
    invocation: InvocationId,
    *,
    queued: Iterable[Written] = (),
) -> Span:
    """Return the same where nothing is known but rows in ``statuses``.

    The attempt may have its name from another host, with another clock.
    """
    queued = tuple(queued)
    begin = first_id_of(invocation.start_time - _SKEW_SEC)
    end = first_id_of(invocation.start_time + _SKEW_SEC)
    for around in (Span(begin, LAST_ID), Span(0, end)):
        events = [
            *_stored_events(connection, task, around),
            *_queued(queued, task, around),
        ]
        found = _between(events, invocation)
        if found is not None:
            return found
    return NOTHING


def _between(events: Sequence[tuple[int, bytes]], found: InvocationId) -> Span | None:
    """Return from its first row to before the first of another one behind that."""
    mark = (
        f'"invocation_start_time": {found.start_time}, "invocation_rand": {found.rand}'
    ).encode()
    ours = (mark + b",", mark + b"}")
    low: int | None = None
    for line_id, line in events:
        is_ours = any(one in line for one in ours)
        if low is None:
            low = line_id if is_ours else None
        elif not is_ours:
            return Span(low, line_id - 1)
    return None if low is None else Span(low, LAST_ID)


def _times(
    connection: sqlite3.Connection, invocation: InvocationId
) -> tuple[float, float | None] | None:
    if not columns_of(connection, TABLE):
        return None
    found = connection.execute(
        f"SELECT started, ended FROM {TABLE} WHERE start_time = ? AND rand = ?",
        invocation,
    ).fetchone()
    if found is None or not all(_is_second(one) for one in found):
        return None
    return found[0], found[1]


def _is_second(found: object) -> bool:
    return isinstance(found, (int, float)) and abs(found) < LONGEST_SEC


def _stored_events(
    connection: sqlite3.Connection, task: TaskId, span: Span
) -> list[tuple[int, bytes]]:
    rows = connection.execute(
        "SELECT time_and_count, coalesce(CAST(line AS BLOB), x'')"
        f" FROM {Stream.STATUSES.value}"
        " WHERE job_id = CAST(? AS TEXT) AND node_id = CAST(? AS TEXT)"
        " AND time_and_count BETWEEN ? AND ? ORDER BY time_and_count",
        (text_param(task.job), text_param(task.node), *span),
    )
    return list(rows)


def _queued(
    queued: Iterable[Written], task: TaskId, span: Span
) -> Iterable[tuple[int, bytes]]:
    for one in queued:
        if one.stream is Stream.STATUSES and one.task == task:
            for line_id, line in enumerate(one.lines, one.first_id):
                if span.low <= line_id <= span.high:
                    yield line_id, line
