"""What earlier runs tell of this one: how long the tasks of each job took."""

import logging
import sqlite3
from collections.abc import Sequence
from functools import partial

from bistro_tui.engine.eta import SAMPLE, Durations
from bistro_tui.engine.history import done_seconds
from bistro_tui.engine.ids import JobName
from bistro_tui.engine.logs.reader import LogReader

log = logging.getLogger("bistro_tui")

JOBS_AT_ONCE = 100
"""Jobs whose earlier attempts are looked at in one go."""


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
        log.warning("durations of earlier attempts cannot be read: %s", error)
