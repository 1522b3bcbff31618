"""The children that this process inherits, being a subreaper: whose are they?

A descendant of a task whose parent has died becomes our child. It is told apart by what
it carries; one that carries nothing is taken for one of the attempts that ran when it
was first seen, and goes when the last of them does.
"""

import os
import signal
from collections.abc import Callable, Iterable, Mapping

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
_MOST_PASSES = 5
"""Where processes die all the time, others are to have their turn."""


def mark_of(attempt: Attempt) -> bytes:
    """Return the environment entry that its processes were given."""
    for entry in attempt.start.environment:
        if entry.startswith(_MARK):
            return entry
    return b""


class Orphans:
    """Who of our children is not the main process of an attempt."""

    def __init__(
        self, mains: Mapping[int, Attempt], tell: Callable[[str], None]
    ) -> None:
        """``mains``: main processes that are not reaped, by pid; always up to date.

        ``tell`` is called with what a person should know.
        """
        self._mains = mains
        self._tell = tell
        self._children = Children()
        self._owners: dict[int, int] = {}
        """By pid; while it is not reaped it is the same process."""
        self._suspects: dict[int, set[int]] = {}
        self._not_ours: set[int] = set()
        """Those that belong to nobody we know and that we may not signal."""

    def alive(self) -> list[int]:
        """Reap the dead and return the others, as far as they are known."""
        return self._reap()[0]

    def end_survivors(self, attempt: Attempt) -> bool:
        """Kill what is left of its tree; whether there was, or may have been, any."""
        alive, are_all = self._reap()
        if not alive and are_all:
            return False
        try:
            owned, suspected = self._left_by(attempt.number, alive)
        except OSError:
            # No descriptor to look at them with, for now.
            return True
        if not owned and not suspected:
            return not are_all
        mark = mark_of(attempt)
        swept = kill_marked(
            Marks(
                tags=frozenset((attempt.start.tag,)),
                environment=frozenset((mark,) if mark else ()),
                sessions=frozenset((attempt.pid,)),
                processes=owned | suspected,
            )
        )
        for pid in suspected.intersection(swept.refused):
            self._leave_alone(pid)
        return True

    def end_all(self) -> bool:
        """Kill every child; whether there was any. For when no attempt is left."""
        alive, are_all = self._reap()
        is_left = not are_all
        for pid in alive:
            if pid in self._not_ours:
                continue
            try:
                os.kill(pid, signal.SIGKILL)
                is_left = True
            except PermissionError:
                self._leave_alone(pid)
        return is_left

    def _reap(self) -> tuple[list[int], bool]:
        """Reap the dead; return the others, and whether there are no more of them.

        Who dies after a list was read may have left a child that is not in it: of
        processes that live on in their children only, nobody might be met alive.
        """
        found: list[int] = []
        for _ in range(_MOST_PASSES):
            others = [pid for pid in self._children.pids() if pid not in self._mains]
            found = [pid for pid in others if not _reaped(pid)]
            for pid in set(others).difference(found):
                self._owners.pop(pid, None)
                self._suspects.pop(pid, None)
                self._not_ours.discard(pid)
            if len(found) == len(others):
                return found, True
        return found, False

    def _left_by(
        self, number: int, alive: Iterable[int]
    ) -> tuple[frozenset[int], frozenset[int]]:
        """Return who belongs to an attempt, and who can be nobody else's.

        OSError if that cannot be seen for want of descriptors.
        """
        owned, suspected = set[int](), set[int]()
        for pid in alive:
            if pid in self._not_ours:
                continue
            owner = self._owner(pid)
            if owner == number:
                owned.add(pid)
            elif owner is None:
                suspects = self._suspects.setdefault(
                    pid, {one.number for one in self._mains.values()}
                )
                suspects.discard(number)
                if not suspects:
                    suspected.add(pid)
        return frozenset(owned), frozenset(suspected)

    def _leave_alone(self, pid: int) -> None:
        self._not_ours.add(pid)
        self._tell(
            f"process {pid}, which a task has left behind, runs as another user: "
            "we may not end it, and do not wait for it"
        )

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
        found = look(pid, strictly=True)
        if found is not None and (main := self._mains.get(found.session)) is not None:
            return main.number
        carried = environment_of(pid, strictly=True)
        for attempt in self._mains.values():
            if (mark := mark_of(attempt)) and mark in carried:
                return attempt.number
        return None


def _reaped(pid: int) -> bool:
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return True
