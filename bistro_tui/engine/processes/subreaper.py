"""Processes that become our children when their parent, a warden, has died. Linux."""

import contextlib
import os

from bistro_tui.engine.warden.tree import look

LOOK_SEC = 30.0
"""How often children are looked at that nobody here has started."""


def zombie_children() -> frozenset[tuple[int, int]]:
    """Return the children of this process that wait to be reaped: pid, start tick."""
    found: set[tuple[int, int]] = set()
    for pid in _children():
        seen = look(pid)
        if seen is not None and seen.state == "Z" and seen.parent == os.getpid():
            found.add((pid, seen.started))
    return frozenset(found)


def reap(zombies: frozenset[tuple[int, int]]) -> None:
    """Reap these children, if they still are the same."""
    for pid, _ in zombies & zombie_children():
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)


class StrangeChildren:
    """Reaps children that were not ours at birth: what a script left behind.

    Whoever has started a child waits for it at once, so a zombie that is seen twice,
    half a minute apart, has nobody.
    """

    def __init__(self) -> None:
        self._seen: frozenset[tuple[int, int]] = frozenset()

    def look(self) -> None:
        """Reap what was there last time, too; to be called every LOOK_SEC."""
        zombies = zombie_children()
        reap(zombies & self._seen)
        self._seen = zombies - self._seen


def _children() -> set[int]:
    found: set[int] = set()
    try:
        for thread in os.listdir("/proc/self/task"):
            with (
                contextlib.suppress(FileNotFoundError),
                open(f"/proc/self/task/{thread}/children", "rb") as file,
            ):
                found.update(map(int, file.read().split()))
    except OSError:
        return set()
    return found
