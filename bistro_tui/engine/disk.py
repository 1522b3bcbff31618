"""Whether the data directory can be written to, looked at every other second."""

import asyncio
import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from bistro_tui.engine.database_files import STATUSES, TASK_LOGS, WAL_BYTES
from bistro_tui.engine.reserve import Reserve
from bistro_tui.engine.room import LOW_BYTES, is_for_want_of_room, is_full, lacks_room
from bistro_tui.engine.sqlite import is_out_of_space

LOOK_SEC = 2.0
LOOK_AGAIN_SEC = 0.5
"""How often it is looked at while something is wrong."""

_LARGE_PART = 4
"""A log store of more than this part of the disk is named when that is full."""


class DiskState(NamedTuple):
    """What a look found."""

    trouble: str = ""
    """Why nothing can be written, and what to do; empty: all is well."""
    is_full: bool = False
    brief: str = ""
    """The same without what that means, ``disk full: free space for DIR``."""
    warning: str = ""
    """What takes up more room than it should."""


class Disk:
    """The disk below a data directory, and the owner of the reserve there."""

    def __init__(self, path: Path, *, on_change: Callable[[DiskState], None]) -> None:
        """``on_change`` hears of every state that differs from the one before."""
        self._path = path
        self._reserve = Reserve(path)
        self._identity = _identity(path)
        self._on_change = on_change
        self._hurry = asyncio.Event()
        self.state = DiskState()

    async def run(self) -> None:
        """Look for ever."""
        while True:
            await self.look()
            delay = LOOK_AGAIN_SEC if self.state.trouble else LOOK_SEC
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(delay):
                    await self._hurry.wait()
            self._hurry.clear()

    async def look(self) -> None:
        """Look once, and take the reserve back if there is room for it."""
        self._is_now(await asyncio.to_thread(self._look))

    def look_soon(self) -> None:
        """Look before the time, for something could not be done."""
        self._hurry.set()

    async def make_room(self, error: Exception) -> bool:
        """Give up the reserve if ``error`` is for want of room.

        Returns whether that made any, so that the next try may succeed.
        """
        trouble, has_some = await asyncio.to_thread(self._lack, error)
        if trouble is None:
            # What is wrong with the disk is told instead of what it does to a store.
            await self.look()
            self._hurry.set()
            return False
        self._is_now(trouble)
        return has_some

    def _is_now(self, state: DiskState) -> None:
        if state.is_full and self.state.is_full:
            # It is told once, not again as sizes change.
            return
        if state != self.state:
            self.state = state
            self._on_change(state)

    def _lack(self, error: Exception) -> tuple[DiskState | None, bool]:
        """Return the state of a full disk, and whether there is room now.

        None: it is not full.
        """
        is_here = _is_same(self._path, self._identity)
        if is_out_of_space(error) or (is_here and lacks_room(self._path)):
            return self._full(), is_here and self._reserve.give_up()
        return None, False

    def _look(self) -> DiskState:
        try:
            if _identity(self._path) != self._identity:
                raise FileNotFoundError
            found = os.statvfs(self._path)
        except OSError:
            return _vanished(self._path)
        if found.f_flag & os.ST_RDONLY:
            return _read_only(self._path, "Read-only file system")
        if is_full(found):
            return self._full()
        if not self._reserve.is_held:
            try:
                self._reserve.take()
            except OSError as error:
                if is_for_want_of_room(error):
                    return self._full()
                return _read_only(self._path, error.strerror or str(error))
        return DiskState(warning=self._long_wals())

    def _full(self) -> DiskState:
        remedy, large = f"free space for {self._path}", self._large_logs()
        return _troubled("disk full", remedy, more=large, is_full=True)

    def _large_logs(self) -> str:
        """Return what to say of a log store that is a large part of the disk."""
        path = self._path / TASK_LOGS
        try:
            found = os.statvfs(self._path)
            size = path.stat().st_size
        except OSError:
            return ""
        if size * _LARGE_PART <= found.f_blocks * found.f_frsize:
            return ""
        return f"; {path.name} has {size / 2**20:.1f} MiB of it (--log-max-bytes)"

    def _long_wals(self) -> str:
        for name in (STATUSES, TASK_LOGS):
            path = self._path / f"{name}-wal"
            try:
                size = path.stat().st_size
            except OSError:
                continue
            if size > WAL_BYTES + LOW_BYTES:
                return (
                    f"{path} has {size >> 20} MiB: another program has been reading"
                    " that database for long; it shrinks when that ends"
                )
        return ""


def _identity(path: Path) -> tuple[int, int]:
    found = os.stat(path)
    return found.st_dev, found.st_ino


def _is_same(path: Path, identity: tuple[int, int]) -> bool:
    try:
        return _identity(path) == identity
    except OSError:
        return False


def _vanished(path: Path) -> DiskState:
    remedy = f"put {path} back, which is gone or was replaced"
    return _troubled("data directory gone", remedy)


def _read_only(path: Path, reason: str) -> DiskState:
    return _troubled("data directory read-only", f"make {path} writable ({reason})")


def _troubled(
    what: str, remedy: str, *, more: str = "", is_full: bool = False
) -> DiskState:
    trouble = (
        f"{what}: starts paused — {remedy}; goes on by itself{more}. Running tasks go"
        " on, and what they come to is shown once it is stored"
    )
    return DiskState(trouble, is_full, f"{what}: {remedy}{more}")
