"""Reading a log file that nobody or another process has open; makes no file."""

import sqlite3
from dataclasses import replace
from pathlib import Path

from bistro_tui.engine.clock import Clock
from bistro_tui.engine.inspection import look
from bistro_tui.engine.logs.deadline import Deadline
from bistro_tui.engine.logs.paging import read_page
from bistro_tui.engine.logs.query import THE_END, LogQuery, QueryPage
from bistro_tui.engine.logs.store import VERSION, inspect
from bistro_tui.engine.sqlite import tables_of

_NOTHING = QueryPage(lines=(), next_line_id=THE_END, last_id=0)


def look_at_page(path: Path, query: LogQuery, clock: Clock) -> QueryPage:
    """Return the next page of an answer; a file that is not there has no lines.

    Raises DataDirUnusable for a file that is not a log store.
    """

    def ask(connection: sqlite3.Connection) -> QueryPage:
        tables = set(tables_of(connection))
        streams = tuple(one for one in query.streams if one.value in tables)
        if not streams:
            return _NOTHING
        return read_page(connection, replace(query, streams=streams), Deadline(clock))

    return look(path, version=VERSION, inspect=inspect, ask=ask) or _NOTHING
