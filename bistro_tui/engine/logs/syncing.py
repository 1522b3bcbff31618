"""Has the disk take what the log store has written, about a second after it was.

The store itself waits for the disk at checkpoints only: a power cut could take back all
that came since the last one. Nobody waits for these syncs; if one fails, SQLite hears
of that at its own next one, and goes on as after any failed sync.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bistro_tui.engine.database_files import sync_file

log = logging.getLogger("bistro_tui")

EVERY_SEC = 1.0


class Syncing:
    """Syncs a file on a thread of its own, and only when something was written."""

    def __init__(
        self,
        path: Path,
        *,
        sync: Callable[[Path], None] = sync_file,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Start the thread; RuntimeError if there can be no more.

        ``sync`` is called on the thread and may raise OSError.
        """
        self._path = path
        self._sync = sync
        self._sleep = sleep
        self._has_trouble = False
        self._unsynced = asyncio.Event()
        # A run that was killed may have left something.
        self._unsynced.set()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="bistro log sync")
        # Now, as long as a thread that is refused stops nothing that is under way.
        self._thread.submit(int)

    def written(self) -> None:
        """Something was written to the file."""
        self._unsynced.set()

    async def run(self) -> None:
        """Sync for ever, at most once a second; what fails is tried again."""
        loop = asyncio.get_running_loop()
        while True:
            await self._unsynced.wait()
            await self._sleep(EVERY_SEC)
            # What is written from here on may come too late for this one.
            self._unsynced.clear()
            try:
                await loop.run_in_executor(self._thread, self._sync, self._path)
            except OSError as error:
                if not self._has_trouble:
                    log.warning(
                        "%s cannot be synced: %s; a power cut would take the newest"
                        " task logs. It is tried again every second",
                        *(self._path, error.strerror or error),
                    )
                self._has_trouble = True
                self._unsynced.set()
            else:
                self._has_trouble = False

    def close(self) -> None:
        """End the thread, when it is through with what it does."""
        self._thread.shutdown(wait=False)
