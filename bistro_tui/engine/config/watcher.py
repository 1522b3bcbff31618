"""Noticing that a config file has other content, however it got there.

The system's change notices make it quick; looking again every ``poll_ms`` makes it
sure. Only the content decides, so same-second edits, older times, renames and swapped
symlinks all count, and a mere ``touch`` does not.
"""

import asyncio
import contextlib
import os
import threading
from pathlib import Path
from types import TracebackType

from bistro_tui.engine.config.file_read import read_file
from bistro_tui.engine.config.known_jobs import NO_KNOWN_JOBS, KnownJobs
from bistro_tui.engine.config.load import LoadedConfig, digest_of, load_settled
from bistro_tui.engine.config.notices import watch_for_notices
from bistro_tui.engine.errors import ConfigUnusable

QUIET_SEC = 1.0
"""Loads are at least this far apart, unless asked for."""


class ConfigWatcher:
    """Gives each new content of a config file, loaded; an async context and iterator.

    After a quiet second a change comes at once; later ones together, one a second,
    the last one wins. ``poke`` asks for a load now, changed or not. Entering starts a
    thread, leaving ends it. One task iterates; ``poke`` is for the same loop.
    """

    def __init__(
        self,
        path: Path,
        *,
        poll_ms: int,
        digest: str,
        known: KnownJobs = NO_KNOWN_JOBS,
    ) -> None:
        """Take the file, and digest and jobs of what is loaded already."""
        self._path = Path(os.path.abspath(path))
        self._poll_sec = max(poll_ms, 1) / 1000
        self._digest = digest
        self._known = known
        self._poked = False
        self._last_load = float("-inf")
        self._stop = threading.Event()
        self._changed = asyncio.Event()
        self._thread: threading.Thread | None = None

    async def __aenter__(self) -> "ConfigWatcher":
        """Begin to watch."""
        loop = asyncio.get_running_loop()

        def notify() -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed already
                loop.call_soon_threadsafe(self._changed.set)

        self._thread = threading.Thread(
            target=watch_for_notices,
            args=(self._path, self._stop, notify),
            name="config watcher",
            daemon=True,
        )
        self._thread.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the thread; it looks for that every few milliseconds."""
        self._stop.set()
        if self._thread is not None:
            await asyncio.shield(asyncio.to_thread(self._thread.join, 2.0))

    def __aiter__(self) -> "ConfigWatcher":
        """Iterate over the contents to come."""
        return self

    async def __anext__(self) -> LoadedConfig:
        """Wait for the next content and return it, good or bad."""
        while True:
            await self._wait_for_a_hint()
            poked, self._poked = self._poked, False
            self._changed.clear()
            if not poked and await asyncio.to_thread(self._is_unchanged):
                continue
            loaded = await load_settled(self._path, self._known)
            if loaded.config is not None:
                self._known = loaded.known
            self._last_load = asyncio.get_running_loop().time()
            if poked or loaded.digest != self._digest:
                self._digest = loaded.digest
                return loaded

    def poke(self) -> None:
        """Have the file loaded and given at once, even if it is the same."""
        self._poked = True
        self._changed.set()

    async def _wait_for_a_hint(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._poll_sec):
                await self._changed.wait()
        loop = asyncio.get_running_loop()
        while not self._poked:
            wait = self._last_load + QUIET_SEC - loop.time()
            if wait <= 0:
                return
            self._changed.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._changed.wait()

    def _is_unchanged(self) -> bool:
        try:
            return digest_of(read_file(self._path)) == self._digest
        except ConfigUnusable:
            return False
