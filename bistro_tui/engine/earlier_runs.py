"""What earlier runs tell of this one: how long the tasks of each job took."""

import contextlib
import logging
import sqlite3
from collections.abc import Sequence
from functools import partial

from bistro_tui.engine.database_files import STATUSES, TASK_LOGS
from bistro_tui.engine.eta import SAMPLE, Durations
from bistro_tui.engine.history import done_seconds
from bistro_tui.engine.ids import JobName
from bistro_tui.engine.logs.attempts import TABLE
from bistro_tui.engine.logs.reader import LogReader

log = logging.getLogger("bistro_tui")

JOBS_AT_ONCE = 100
"""Jobs whose earlier attempts are looked at in one go."""

_COUNT = f"SELECT count(*) FROM {TABLE}"

_UNREAD = "durations of earlier attempts cannot be read"


async def load_durations(
    reader: LogReader, jobs: Sequence[JobName], durations: Durations
) -> None:
    """Have ``durations`` know the last done attempts of these jobs.

    Where they cannot be read that is logged: they only tell when a job will be done.
    """
    try:
        for begin in range(0, len(jobs), JOBS_AT_ONCE):
            some = jobs[begin : begin + JOBS_AT_ONCE]
            ask = partial(done_seconds, jobs=some, number=SAMPLE)
            durations.load(await reader.run(ask))
    except (sqlite3.Error, OSError) as error:
        log.warning("%s: %s", _UNREAD, error)
    except Exception:
        # Whatever is wrong with these is no reason to end a scheduler.
        log.exception("%s", _UNREAD)


async def warn_of_missing_statuses(reader: LogReader) -> None:
    """Say that a run begins with no status although there are attempts, if any are."""

    def count(connection: sqlite3.Connection) -> int:
        (found,) = connection.execute(_COUNT).fetchone()
        return int(found)

    # Whatever is wrong with the log store is told by who needs it.
    with contextlib.suppress(sqlite3.Error, OSError):
        if number := await reader.run(count):
            log.warning(
                "%s is missing; %s remembers %s: everything runs again",
                *(STATUSES, TASK_LOGS),
                "1 attempt" if number == 1 else f"{number:,} attempts",
            )
