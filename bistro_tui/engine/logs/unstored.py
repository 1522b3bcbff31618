"""Pages of lines, those among them that are still on their way to the store."""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from bistro_tui.engine.logs.deadline import Deadline
from bistro_tui.engine.logs.paging import read_page
from bistro_tui.engine.logs.query import (
    PAGE_BYTES,
    PAGE_LINES,
    THE_END,
    LogQuery,
    QueryPage,
)
from bistro_tui.engine.logs.rows import StoredLine, Written


@dataclass(frozen=True, slots=True, kw_only=True)
class Unstored:
    """What the writer has beside the store at one moment."""

    stored_up_to: int
    """Lines with ids up to this one are in the store, or nowhere."""
    written: Sequence[Written] = ()
    """Oldest first; the store may have some of them by now."""


def read_page_with(
    connection: sqlite3.Connection,
    query: LogQuery,
    unstored: Unstored,
    deadline: Deadline,
) -> QueryPage:
    """Return the next page of an answer as ``read_page`` does, with what is unstored.

    Raises sqlite3.Error.
    """
    queued = list(_matching(query, unstored))
    if query.ascending:
        page = _ascending(connection, query, unstored.stored_up_to, queued, deadline)
    else:
        page = _descending(connection, query, unstored.stored_up_to, queued, deadline)
    # What the store has above that came after this look at what is not in it.
    last_id = min(page.last_id, unstored.stored_up_to)
    for one in unstored.written:
        if one.stream in query.streams:
            last_id = max(last_id, one.last_id)
    return replace(page, last_id=last_id)


def _ascending(
    connection: sqlite3.Connection,
    query: LogQuery,
    stored_up_to: int,
    queued: Sequence[StoredLine],
    deadline: Deadline,
) -> QueryPage:
    stored = replace(query, stop_id=min(query.highest, stored_up_to))
    page = read_page(connection, stored, deadline)
    if page.next_line_id != THE_END:
        return page
    taken = _fitting(queued, _limit(query) - len(page.lines))
    rest = queued[taken:]
    return replace(
        page,
        lines=(*page.lines, *queued[:taken]),
        next_line_id=rest[0].line_id if rest else THE_END,
    )


def _descending(
    connection: sqlite3.Connection,
    query: LogQuery,
    stored_up_to: int,
    queued: Sequence[StoredLine],
    deadline: Deadline,
) -> QueryPage:
    newest = queued[::-1]
    taken = _fitting(newest, _limit(query))
    lines, rest = tuple(newest[:taken]), newest[taken:]
    room = _limit(query) - taken
    stored = replace(
        query, line_id=min(query.highest, stored_up_to), limit=max(1, room)
    )
    page = read_page(connection, stored, deadline)
    if rest:
        return replace(page, lines=lines, next_line_id=rest[0].line_id)
    if not room and page.lines:
        return replace(page, lines=lines, next_line_id=page.lines[0].line_id)
    return replace(page, lines=(*lines, *page.lines))


def _limit(query: LogQuery) -> int:
    return min(query.limit, PAGE_LINES)


def _fitting(lines: Sequence[StoredLine], most: int) -> int:
    """Return how many of these fit on a page that has room for ``most``."""
    size = 0
    for number, line in enumerate(lines[: max(0, most)]):
        size += len(line.line)
        if number and size > PAGE_BYTES:
            return number
    return min(len(lines), max(0, most))


def _matching(query: LogQuery, unstored: Unstored) -> Iterator[StoredLine]:
    """Yield the lines of the answer that are not in the store, oldest first."""
    jobs, nodes = frozenset(query.jobs), frozenset(query.nodes)
    low = max(query.lowest, unstored.stored_up_to + 1)
    pattern = query.pattern
    for first_id, task, stream, lines in unstored.written:
        if stream not in query.streams:
            continue
        if (jobs and task.job not in jobs) or (nodes and task.node not in nodes):
            continue
        for line_id, line in enumerate(lines, first_id):
            if low <= line_id <= query.highest and (
                pattern is None or pattern.matches(line)
            ):
                yield StoredLine(line_id, task, stream, line)
