"""Reading a log file that nobody or another process has open; makes no file."""

import sqlite3
from dataclasses import replace
from pathlib import Path

from bistro_tui.engine.clock import Clock
from bistro_tui.engine.inspection import look
from bistro_tui.engine.logs.deadline import Deadline
from bistro_tui.engine.logs.paging import read_page
from bistro_tui.engine.logs.query import THE_END, LogQuery, QueryPage
from bistro_tui.engine.logs.sink import Stream
from bistro_tui.engine.logs.store import VERSION, inspect
from bistro_tui.engine.sqlite import tables_of

_MOST_JOBS = 1_000
_JOBS = (
    "WITH RECURSIVE found(job) AS (SELECT min(job_id) FROM {0} UNION ALL"
    " SELECT (SELECT min(job_id) FROM {0} WHERE job_id > job) FROM found"
    f" WHERE job IS NOT NULL LIMIT {_MOST_JOBS}) SELECT job FROM found"
    " WHERE typeof(job) = 'text'"
)
"""By the index, whatever number of lines a job has."""

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


def look_at_jobs(path: Path) -> list[str]:
    """Return names of jobs that there are lines of, in order; of too many, some.

    Raises DataDirUnusable for a file that is not a log store.
    """

    def ask(connection: sqlite3.Connection) -> list[str]:
        tables = set(tables_of(connection))
        found: set[str] = set()
        for stream in Stream:
            if stream.value in tables:
                rows = connection.execute(_JOBS.format(stream.value))
                found.update(job for (job,) in rows)
        return sorted(found)

    return look(path, version=VERSION, inspect=inspect, ask=ask) or []
