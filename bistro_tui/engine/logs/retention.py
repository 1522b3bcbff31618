"""Forgetting old lines.

Source: Bistro, utils/LogWriter (``--log_retention``, ``--log_prune_frequency``).
"""

import asyncio
import logging
import sqlite3

from bistro_tui.engine.clock import Clock
from bistro_tui.engine.logs.line_ids import first_id_of
from bistro_tui.engine.logs.store import LogStore

log = logging.getLogger("bistro_tui")


async def forget_old_lines(
    store: LogStore, *, clock: Clock, older_than_sec: int, every_sec: int
) -> None:
    """Delete lines older than that, now and then every so often; <= 0: never."""
    while every_sec > 0:
        oldest_kept = int(clock.now().wall) - older_than_sec
        try:
            forgotten = await store.forget_before(first_id_of(oldest_kept))
        except sqlite3.Error as error:
            # The next round tries again; new lines matter more than old ones.
            log.warning("old log lines cannot be deleted: %s", error)
        else:
            if forgotten:
                log.info("forgot %d log lines older than the retention", forgotten)
        await asyncio.sleep(every_sec)
