"""Finding and killing what outlived a task's main process, by way of /proc.

The process group is killed by number; this finds the rest: other process groups of
the same session, and processes that made a session of their own but still carry the
attempt's BISTRO_INVOCATION.
"""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
MOST_ROUNDS = 5
"""Each round finds what was forked while the one before was killing."""


@dataclass(frozen=True, slots=True)
class Tree:
    """How to recognise the processes of one attempt."""

    session: int
    """The pid of its main process, not yet reaped, so nobody else's session."""
    invocation: str

    @property
    def marker(self) -> bytes:
        """The environment entry that every descendant inherits."""
        return b"BISTRO_INVOCATION=" + self.invocation.encode()


class Sweeper:
    """Looks through /proc on a thread, once for all attempts that wait for it."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: list[tuple[Tree, Callable[[], None]]] = []
        self._is_busy = False
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="leftovers")

    def sweep(self, tree: Tree, done: Callable[[], None]) -> None:
        """Kill what is left of ``tree``; ``done`` is called later, on the loop."""
        self._waiting.append((tree, done))
        if not self._is_busy:
            self._is_busy = True
            self._loop.call_soon(self._begin)

    def close(self) -> None:
        """End the thread; nothing may wait for a sweep any more."""
        self._thread.shutdown(wait=True)

    def _begin(self) -> None:
        batch, self._waiting = self._waiting, []
        future = self._thread.submit(kill_leftovers, [tree for tree, _ in batch])
        future.add_done_callback(
            lambda ended: self._loop.call_soon_threadsafe(self._ended, ended, batch)
        )

    def _ended(
        self, ended: Future[int], batch: list[tuple[Tree, Callable[[], None]]]
    ) -> None:
        if self._waiting:
            self._begin()
        else:
            self._is_busy = False
        for _, done in batch:
            done()
        ended.result()


def kill_leftovers(trees: list[Tree]) -> int:
    """Send SIGKILL to every living process of these trees; return how many."""
    sessions = {tree.session for tree in trees}
    markers = {tree.marker for tree in trees}
    killed = 0
    for _ in range(MOST_ROUNDS):
        found = sum(
            _kill_if_left(int(entry), sessions, markers)
            for entry in _names(PROC)
            if entry.isdigit() and int(entry) != os.getpid()
        )
        if not found:
            break
        killed += found
        time.sleep(0.005)
    return killed


def _kill_if_left(pid: int, sessions: set[int], markers: set[bytes]) -> bool:
    if not _is_left(pid, sessions, markers):
        return False
    with contextlib.suppress(OSError):
        pidfd = os.pidfd_open(pid)
        try:
            # Looked at again: between the first look and the descriptor the number
            # may have gone to a process that is not ours.
            if _is_left(pid, sessions, markers):
                signal.pidfd_send_signal(pidfd, signal.SIGKILL)
                return True
        finally:
            os.close(pidfd)
    return False


def _is_left(pid: int, sessions: set[int], markers: set[bytes]) -> bool:
    try:
        # The name in parentheses may hold anything, so look behind the last one.
        fields = (PROC / str(pid) / "stat").read_bytes().rpartition(b")")[2].split()
        state, session = fields[0], int(fields[3])
        if state in b"ZX":
            return False
        if session in sessions:
            return True
        environment = (PROC / str(pid) / "environ").read_bytes()
    except (OSError, ValueError, IndexError):
        return False
    return not markers.isdisjoint(environment.split(b"\0"))


def _names(directory: Path) -> list[str]:
    try:
        return os.listdir(directory)
    except OSError:
        return []
