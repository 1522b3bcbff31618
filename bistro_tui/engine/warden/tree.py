"""Finding and ending the processes of an attempt, by way of /proc.

A process belongs to an attempt by its tag, by the BISTRO_INVOCATION in the environment
that it was executed with, or by its session. Nothing is signalled but through a
descriptor of the process, looked at again after that was opened.
"""

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from typing import NamedTuple

from bistro_tui.engine.warden.tags import tag_at

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Marks(NamedTuple):
    """How to recognise the processes of some attempts."""

    tags: frozenset[int] = frozenset()
    environment: frozenset[bytes] = frozenset()
    """Entries, each ``BISTRO_INVOCATION=`` and the id of an attempt."""
    sessions: frozenset[int] = frozenset()
    """Only those whose leader is certain not to have been reaped."""


class Look(NamedTuple):
    """What /proc says of a process."""

    state: str
    """One letter, as ``ps`` shows it."""
    parent: int
    session: int
    cpu_seconds: float
    """Its own and that of children it has waited for."""
    started: int
    """Clock ticks since boot."""
    resident: int
    """Bytes."""


def look(pid: int) -> Look | None:
    """Return what that process is; None if there is none."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            # The name in parentheses may hold anything, so look behind the last one.
            field = file.read().rpartition(b")")[2].split()
        return Look(
            field[0].decode(),
            int(field[1]),
            int(field[3]),
            sum(map(int, field[11:15])) / _TICKS,
            int(field[19]),
            int(field[21]) * _PAGE,
        )
    except (OSError, ValueError, IndexError):
        return None


def all_pids() -> Iterator[int]:
    """Return every process that /proc shows."""
    with contextlib.suppress(OSError):
        for name in os.listdir("/proc"):
            if name.isdigit():
                yield int(name)


class Children:
    """The children of this process, alive or zombie; it has one thread."""

    def __init__(self) -> None:
        self._pid = os.getpid()
        self._descriptor = -1
        with contextlib.suppress(OSError):
            path = f"/proc/{self._pid}/task/{self._pid}/children"
            # Kept open: it is read at the end of each attempt.
            self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    def pids(self) -> list[int]:
        """Return them."""
        if self._descriptor < 0:
            # A kernel without that file.
            return [pid for pid in all_pids() if self._is_ours(pid)]
        found = b""
        while more := os.pread(self._descriptor, 65_536, len(found)):
            found += more
        return [int(word) for word in found.split()]

    def _is_ours(self, pid: int) -> bool:
        found = look(pid)
        return found is not None and found.parent == self._pid


def belongs(pid: int, marks: Marks) -> bool:
    """Whether a process is alive and carries one of the marks."""
    found = look(pid)
    if found is None or found.state in "ZX":
        return False
    return (
        tag_at(pid) in marks.tags
        or found.session in marks.sessions
        or not marks.environment.isdisjoint(environment_of(pid))
    )


def kill_marked(marks: Marks, *, seconds: float = 1.0) -> int:
    """Send SIGKILL to every process that carries one of the marks; return how many.

    They are stopped first, all of them, for what forks faster than it is killed would
    never end. Gives up after so many ``seconds``; to be repeated until it returns 0,
    since a killed process takes its time to go.
    """
    deadline = time.monotonic() + seconds
    found: set[int] = set()
    while time.monotonic() < deadline:
        fresh = [pid for pid in all_pids() if pid not in found and _stop(pid, marks)]
        if not fresh:
            break
        found.update(fresh)
    return sum(send(pid, signal.SIGKILL, marks) for pid in found)


def send(pid: int, number: int, marks: Marks) -> bool:
    """Signal a process if it carries one of the marks; whether it was signalled."""
    if pid == os.getpid() or not belongs(pid, marks):
        return False
    with contextlib.suppress(OSError):
        descriptor = os.pidfd_open(pid)
        try:
            # The number may have gone to another process before it was opened.
            if belongs(pid, marks):
                signal.pidfd_send_signal(descriptor, number)
                return True
        finally:
            os.close(descriptor)
    return False


def _stop(pid: int, marks: Marks) -> bool:
    return send(pid, signal.SIGSTOP, marks)


def environment_of(pid: int) -> list[bytes]:
    """Return the entries that a process was executed with; none if that is hidden."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            return file.read().split(b"\0")
    except OSError:
        return []
