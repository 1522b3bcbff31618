"""The children that this process inherits, being a subreaper: whose are they?

A descendant of a task whose parent has died becomes our child. It is told apart by what
it carries; one that carries nothing is taken for one of the attempts that ran when it
was first seen, and goes when the last of them does.
"""

import os
import signal
from collections.abc import Mapping

from bistro_tui.engine.warden.attempt import Attempt
from bistro_tui.engine.warden.tags import tag_at
from bistro_tui.engine.warden.tree import (
    Children,
    Marks,
    environment_of,
    kill_marked,
    look,
)

_MARK = b"BISTRO_INVOCATION="


def mark_of(attempt: Attempt) -> bytes:
    """Return the environment entry that its processes were given."""
    for name, value in attempt.start.environment:
        if name == _MARK[:-1]:
            return _MARK + value
    return b""


class Orphans:
    """Who of our children is not the main process of an attempt."""

    def __init__(self, mains: Mapping[int, Attempt]) -> None:
        """``mains``: main processes that are not reaped, by pid; always up to date."""
        self._mains = mains
        self._children = Children()
        self._owners: dict[int, int] = {}
        """By pid; while it is not reaped it is the same process."""
        self._suspects: dict[int, set[int]] = {}

    def alive(self) -> list[int]:
        """Reap the dead and return the others."""
        found: list[int] = []
        for pid in self._children.pids():
            if pid in self._mains:
                continue
            if _reaped(pid):
                self._owners.pop(pid, None)
                self._suspects.pop(pid, None)
            else:
                found.append(pid)
        return found

    def end_survivors(self, attempt: Attempt) -> int | None:
        """Kill what is left of its tree; return how many, None if nothing was left."""
        alive = self.alive()
        if not alive:
            return None
        number, killed, is_left = attempt.number, 0, False
        for pid in alive:
            owner = self._owner(pid)
            if owner == number:
                is_left = True
            elif owner is None:
                suspects = self._suspects.setdefault(
                    pid, {one.number for one in self._mains.values()}
                )
                suspects.discard(number)
                if not suspects:
                    is_left = True
                    # Our own child, not reaped: the number cannot mean another.
                    os.kill(pid, signal.SIGKILL)
                    killed += 1
        if not is_left:
            return None
        mark = mark_of(attempt)
        marks = Marks(
            tags=frozenset((attempt.start.tag,)),
            environment=frozenset((mark,) if mark else ()),
            sessions=frozenset((attempt.pid,)),
        )
        return killed + kill_marked(marks)

    def end_all(self) -> bool:
        """Kill every child; whether there was any. For when no attempt is left."""
        alive = self.alive()
        for pid in alive:
            os.kill(pid, signal.SIGKILL)
        return bool(alive)

    def _owner(self, pid: int) -> int | None:
        """Return the number of the attempt that a child belongs to."""
        owner = self._owners.get(pid)
        if owner is None:
            owner = self._find_owner(pid)
            if owner is not None:
                self._owners[pid] = owner
        return owner

    def _find_owner(self, pid: int) -> int | None:
        tag = tag_at(pid)
        for attempt in self._mains.values():
            if attempt.start.tag == tag:
                return attempt.number
        found = look(pid)
        if found is not None and (main := self._mains.get(found.session)) is not None:
            return main.number
        carried = environment_of(pid)
        for attempt in self._mains.values():
            if (mark := mark_of(attempt)) and mark in carried:
                return attempt.number
        return None


def _reaped(pid: int) -> bool:
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return True
