"""The event loop of the engine: it needs no new thread while it serves, nor to end.

A host that has no process to spare has no thread to spare either, and then asyncio's
own pool fails: in the middle of reading a config, and again when the loop is closed.
"""

import asyncio
import contextlib
import threading
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

THREADS = 4
"""All of them started at once; they read and write files for some milliseconds."""

T = TypeVar("T")


class EngineLoop(asyncio.SelectorEventLoop):
    """A loop that has its threads from the beginning."""

    _was_made = False

    def __init__(self) -> None:
        super().__init__()
        self._was_made = True
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="bistro pool")
        self.set_default_executor(self._pool)
        # A pool starts a thread only when none is idle, so none may be.
        all_are_there = threading.Barrier(THREADS + 1)
        try:
            for _ in range(THREADS):
                self._pool.submit(all_are_there.wait)
        except RuntimeError:
            # Those that are there would wait, and the program for them, for ever.
            all_are_there.abort()
            self.close()
            raise
        all_are_there.wait()

    def is_closed(self) -> bool:
        """Return whether it is closed, or never came to be.

        asyncio closes at last what is not, and fails where only a part was made.
        """
        return not self._was_made or super().is_closed()

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        """Wait for the threads in this one; nothing else is left to be done."""
        self._pool.shutdown(wait=True)


def run_engine(serving: Coroutine[Any, Any, T]) -> T:
    """Return what ``serving`` returns, as ``asyncio.run`` does."""
    with contextlib.closing(serving), asyncio.Runner(loop_factory=EngineLoop) as runner:
        return runner.run(serving)
