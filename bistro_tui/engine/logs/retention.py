"""Forgetting old lines and the attempts of their time.

Source: Bistro, utils/LogWriter (``--log_retention``, ``--log_prune_frequency``).
"""

import asyncio
import logging
import sqlite3
from collections.abc import Callable

from bistro_tui.engine.logs.line_ids import LAST_SECOND
from bistro_tui.engine.logs.store import LogStore

log = logging.getLogger("bistro_tui")


async def forget_old_lines(
    store: LogStore,
    *,
    elapsed: Callable[[], float],
    wall: Callable[[], float],
    older_than_sec: int,
    every_sec: float,
) -> None:
    """Delete lines older than that, now and then every so often; <= 0: never.

    ``elapsed`` tells seconds that nobody can set, ``wall`` what new lines are told to
    be of. What is later by that than by the seconds since the call makes no line old.
    """
    first = wall() - elapsed()
    has_warned = False
    while every_sec > 0:
        now = min(first + elapsed(), wall())
        if now > LAST_SECOND:
            # The ids of lines do not tell their age any more.
            if not has_warned:
                log.warning("no log line is forgotten by age: the clock is beyond 2038")
            has_warned = True
            await asyncio.sleep(every_sec)
            continue
        oldest_kept = max(int(now) - older_than_sec, 0)
        try:
            forgotten = await store.forget_before(oldest_kept)
        except sqlite3.Error as error:
            # The next round tries again; new lines matter more than old ones.
            log.warning("old log lines cannot be deleted: %s", error)
        else:
            if forgotten:
                log.info("forgot %d log lines older than the retention", forgotten)
        await asyncio.sleep(every_sec)
