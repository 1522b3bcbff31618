"""Finding and ending the processes of an attempt, by way of /proc.

A process belongs to an attempt by its tag, by the BISTRO_INVOCATION in the environment
that it was executed with, by its session, or by an ancestor that does: an attempt that
runs a scheduler has descendants which carry only the marks of that one. Where the
kernel lets us, signals go through a descriptor of the process, which is looked at again
after that was opened.
"""

import contextlib
import errno
import os
import signal
import time
from collections.abc import Iterator
from typing import NamedTuple

from bistro_tui.engine.warden.tags import tag_at

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
NO_PROCESS = frozenset((errno.ESRCH, errno.ENOENT, errno.EINVAL))
"""What a number gets that no process has; the last two: it is that of a thread."""

_GOING_SEC = 0.001
"""How often to look whether a killed process has gone; most go at once."""

_LACK = (errno.EMFILE, errno.ENFILE, errno.ENOMEM)
"""Errors that say nothing about a process, but keep us from seeing it."""


class Marks(NamedTuple):
    """How to recognise the processes of some attempts."""

    tags: frozenset[int] = frozenset()
    environment: frozenset[bytes] = frozenset()
    """Entries, each ``BISTRO_INVOCATION=`` and the id of an attempt."""
    sessions: frozenset[int] = frozenset()
    """Only those whose leader is certain not to have been reaped."""
    processes: frozenset[int] = frozenset()
    """By pid; only those that are certain not to have been reaped."""


class Swept(NamedTuple):
    """What became of the processes that ``kill_marked`` was to end."""

    signalled: int
    """How many were sent SIGKILL."""
    alive: tuple[int, ...]
    """All that were found alive, signalled or not: we may not signal what another user
    runs, and what was killed takes its time to go."""
    hindrance: str = ""
    """Why there may be more that could not be seen; empty: there were no others."""
    refused: tuple[int, ...] = ()
    """Those of ``alive`` that we may not signal."""

    @property
    def is_clean(self) -> bool:
        """Whether none was left to begin with, for certain."""
        return not self.alive and not self.hindrance


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


def look(pid: int, *, strictly: bool = False) -> Look | None:
    """Return what that process is; None if there is none, or it cannot be seen.

    ``strictly``: OSError if nobody can tell for want of descriptors or memory.
    """
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
    except (OSError, ValueError, IndexError) as error:
        _raise_if_lack(error, strictly=strictly)
        return None


def all_pids(*, strictly: bool = False) -> Iterator[int]:
    """Return every process that /proc shows; ``strictly`` as in ``look``."""
    try:
        names = os.listdir("/proc")
    except OSError as error:
        _raise_if_lack(error, strictly=strictly)
        return
    for name in names:
        if name.isdigit():
            yield int(name)


def environment_of(pid: int, *, strictly: bool = False) -> list[bytes]:
    """Return the entries that a process was executed with; none if that is hidden.

    ``strictly`` as in ``look``.
    """
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            return file.read().split(b"\0")
    except OSError as error:
        _raise_if_lack(error, strictly=strictly)
        return []


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


def kill_marked(marks: Marks, *, seconds: float = 1.0) -> Swept:
    """Send SIGKILL to all processes with one of the marks, and to their descendants.

    Returns whom it met. They are stopped first, all of them, for what forks faster than
    it is killed would never end; then those are killed last by whom alone others are
    known, when these have gone. Gives up after so many ``seconds``; to be repeated
    until the result is clean, since a killed process takes its time to go.
    """
    deadline = time.monotonic() + seconds
    sweep = _Sweep(marks)
    hindrance = ""
    try:
        while sweep.stop_more() and time.monotonic() < deadline:
            pass
        sweep.kill(deadline)
    except OSError as error:
        hindrance = f"/proc cannot be read: {error.strerror}"
    refused = tuple(sweep.refused)
    return Swept(sweep.signalled, tuple(sweep.met), hindrance, refused)


def find_marked(marks: Marks) -> tuple[int, ...]:
    """Return every process with one of the marks, and all of its descendants.

    OSError if nobody can tell for want of descriptors or memory.
    """
    return tuple(_Sweep(marks).find())


class _Met(NamedTuple):
    """A process that is one of ours."""

    started: int
    """Tells it from a later one of the same number."""
    parent: int
    """What it was found below; 0: it carries a mark itself."""
    known_by: int
    """The parent, or the leader of its session; 0: nobody else need live to know it."""


class _Sweep:
    """Some processes, stopped one after the other and then killed together."""

    def __init__(self, marks: Marks) -> None:
        self._marks = marks
        self._own = os.getpid()
        self.met: dict[int, _Met] = {}
        """By pid; those that were alive when we tried to stop them."""
        self.signalled = 0
        """How many were sent SIGKILL."""
        self.refused: list[int] = []

    def stop_more(self) -> bool:
        """Stop those that were not met before; whether there were any."""
        fresh = self.find()
        for pid, met in fresh.items():
            if self._send(pid, met, signal.SIGSTOP) is not None:
                self.met[pid] = met
        return bool(fresh)

    def kill(self, deadline: float) -> None:
        """Kill all that were met, or those of them that can be by then."""
        left = dict(self.met)
        while left:
            needed = {met.known_by for met in left.values()}
            # All, where a number that was used twice made a circle.
            free = [pid for pid in left if pid not in needed] or list(left)
            wave = {pid: left.pop(pid) for pid in free}
            going = {
                pid: met
                for pid, met in wave.items()
                if self._kill(pid, met) and met.known_by in left
            }
            while going := {p: met for p, met in going.items() if _is_there(p, met)}:
                if time.monotonic() >= deadline:
                    # The others stay stopped, and tell whose these are next time.
                    return
                time.sleep(_GOING_SEC)

    def _kill(self, pid: int, met: _Met) -> bool:
        was_sent = self._send(pid, met, signal.SIGKILL)
        if was_sent:
            self.signalled += 1
        elif was_sent is False:
            self.refused.append(pid)
        return was_sent is True

    def find(self) -> dict[int, _Met]:
        """Return those that are alive and were not met before."""
        alive: dict[int, Look] = {}
        below: dict[int, list[int]] = {}
        for pid in all_pids(strictly=True):
            found = look(pid, strictly=True)
            if found is not None and found.state not in "ZX":
                alive[pid] = found
                below.setdefault(found.parent, []).append(pid)
        old = {
            pid
            for pid, met in self.met.items()
            if pid in alive and alive[pid].started == met.started
        }
        fresh = {
            pid: _Met(found.started, 0, self._leader(pid, found))
            for pid, found in alive.items()
            if pid not in old and pid != self._own and self._carries(pid, found)
        }
        spared = self._line(alive)
        heads = [*old, *fresh]
        while heads:
            head = heads.pop()
            for pid in below.get(head, ()):
                if pid not in old and pid not in fresh and pid not in spared:
                    fresh[pid] = _Met(alive[pid].started, head, head)
                    heads.append(pid)
        return fresh

    def _carries(self, pid: int, found: Look) -> bool:
        return found.session in self._marks.sessions or self._is_marked(pid)

    def _leader(self, pid: int, found: Look) -> int:
        """Return the leader of its session if that is all that it is known by, or 0."""
        return 0 if found.session == pid or self._is_marked(pid) else found.session

    def _is_marked(self, pid: int) -> bool:
        marks = self._marks
        return (
            tag_at(pid) in marks.tags
            or pid in marks.processes
            or not marks.environment.isdisjoint(environment_of(pid, strictly=True))
        )

    def _line(self, alive: dict[int, Look]) -> set[int]:
        """Return this process and its ancestors: a task may have started it."""
        line, pid = set[int](), self._own
        while pid in alive and pid not in line:
            line.add(pid)
            pid = alive[pid].parent
        return line

    def _send(self, pid: int, met: _Met, number: int) -> bool | None:
        """Signal a process; False if we may not, None if it is gone."""
        descriptor = -1
        try:
            descriptor = _open(pid)
            try:
                is_same = self._is(pid, met)
            except OSError:
                if descriptor < 0:
                    raise
                # It took the last descriptor that there was.
                os.close(descriptor)
                descriptor = -1
                is_same = self._is(pid, met)
            if not is_same:
                return None
            if descriptor >= 0:
                signal.pidfd_send_signal(descriptor, number)
            else:
                os.kill(pid, number)
        except ProcessLookupError:
            return None
        except PermissionError:
            return False
        finally:
            if descriptor >= 0:
                os.close(descriptor)
        return True

    def _is(self, pid: int, met: _Met) -> bool:
        """Whether it is alive and, as far as can be known, the one that was met."""
        found = look(pid, strictly=True)
        if found is None or found.state in "ZX" or found.started != met.started:
            return False
        if met.parent:
            # A parent that was met may have been killed by others a moment ago.
            return found.parent == met.parent or pid in self.met
        return self._carries(pid, found)


def _is_there(pid: int, met: _Met) -> bool:
    found = look(pid, strictly=True)
    return (
        found is not None and found.state not in "ZX" and found.started == met.started
    )


def _open(pid: int) -> int:
    """Return a descriptor of a process; -1 where there are none, or none is left.

    ProcessLookupError if there is no such process.
    """
    try:
        return os.pidfd_open(pid)
    except OSError as error:
        if error.errno in NO_PROCESS:
            raise ProcessLookupError(*error.args) from None
        return -1
    except AttributeError:
        return -1


def _raise_if_lack(error: Exception, *, strictly: bool) -> None:
    if strictly and isinstance(error, OSError) and error.errno in _LACK:
        raise error
