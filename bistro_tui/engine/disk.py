"""Whether the data directory can be written to, looked at every other second."""

import asyncio
import contextlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from bistro_tui.engine.database import WAL_BYTES
from bistro_tui.engine.reserve import Reserve
from bistro_tui.engine.sqlite import is_out_of_space

LOOK_SEC = 2.0
LOOK_AGAIN_SEC = 0.5
"""How often it is looked at while something is wrong."""

LOW_BYTES = 2**18
"""With less than this, the disk counts as full: a commit takes some of it."""


class DiskState(NamedTuple):
    """What a look found."""

    trouble: str = ""
    """Why nothing can be written, and what to do; empty: all is well."""
    is_full: bool = False
    warning: str = ""
    """What takes up more room than it should."""


class Disk:
    """The disk below a data directory, and the owner of the reserve there."""

    def __init__(self, path: Path, *, on_change: Callable[[DiskState], None]) -> None:
        """``on_change`` hears of every state that differs from the one before."""
        self._path = path
        self._reserve = Reserve(path / "reserve")
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

    async def make_room(self, error: Exception) -> bool:
        """Give up the reserve if ``error`` is for want of room.

        Returns whether that made any, so that the next try may succeed.
        """
        was_held = self._reserve.is_held
        trouble = await asyncio.to_thread(self._lack, error)
        if not trouble:
            self._hurry.set()
            return False
        self._is_now(DiskState(trouble=trouble, is_full=True))
        return was_held

    def _is_now(self, state: DiskState) -> None:
        if state != self.state:
            self.state = state
            self._on_change(state)

    def _lack(self, error: Exception) -> str:
        """Return what to tell people of a full disk; empty: it is not full."""
        if is_out_of_space(error) or self._has_no_room():
            self._reserve.give_up()
            return self._full()
        return ""

    def _has_no_room(self) -> bool:
        """Return whether a small file finds no room here.

        A quota that is used up is an I/O error like any other to SQLite.
        """
        try:
            if _identity(self._path) == self._identity:
                with tempfile.TemporaryFile(dir=self._path) as file:
                    file.write(bytes(4096))
        except OSError as error:
            return is_out_of_space(error)
        return False

    def _look(self) -> DiskState:
        try:
            if _identity(self._path) != self._identity:
                raise FileNotFoundError
            found = os.statvfs(self._path)
        except OSError:
            return DiskState(trouble=_vanished(self._path))
        free = found.f_frsize * (found.f_bavail if os.geteuid() else found.f_bfree)
        if found.f_flag & os.ST_RDONLY:
            return DiskState(trouble=_read_only(self._path, "Read-only file system"))
        if free < LOW_BYTES or (found.f_files and not found.f_ffree):
            return DiskState(trouble=self._full(), is_full=True)
        if not self._reserve.is_held:
            try:
                self._reserve.take()
            except OSError as error:
                if is_out_of_space(error):
                    return DiskState(trouble=self._full(), is_full=True)
                reason = error.strerror or str(error)
                return DiskState(trouble=_read_only(self._path, reason))
        return DiskState(warning=self._long_wals())

    def _full(self) -> str:
        return (
            "disk full: starts paused; running tasks go on, and what they come to is"
            f" shown once it is stored. Free some space for {self._path}: it resumes"
            " by itself"
        )

    def _long_wals(self) -> str:
        for name in ("statuses.sql3-wal", "task_logs.sql3-wal"):
            path = self._path / name
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


def _vanished(path: Path) -> str:
    return (
        f"{path} is gone or was replaced: starts paused; running tasks go on, and what"
        " they come to is shown once it is stored. Put the directory back, or restart"
    )


def _read_only(path: Path, reason: str) -> str:
    return (
        f"{path} cannot be written to ({reason}): starts paused; running tasks go on,"
        " and what they come to is shown once it is stored. It resumes by itself when"
        " it can be written to again"
    )
