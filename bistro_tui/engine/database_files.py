"""The files of a database: their names, which ones they are, and that they are kept."""

import contextlib
import os
import sqlite3
from pathlib import Path

STATUSES = "statuses.sql3"
TASK_LOGS = "task_logs.sql3"

LONGEST_DIRECTORY = 504 - max(len("/" + name) for name in (STATUSES, TASK_LOGS))
"""Bytes of the path of a directory for them. SQLite opens no file of a longer path
than 504, which are 512 without what it adds to a name, as ``-journal``."""

WAL_PAGES = 4_000
"""A WAL of this length is taken into the database, by who writes."""

WAL_BYTES = 64 * 2**20
"""A WAL that was longer is cut to this; it is longer only while somebody reads."""

_PAGE_BYTES = 4_096
_CHUNK_BYTES = 2**20
_LEAST_PAGES = 50
_PART_OF_DISK = 32
"""A WAL that is to be taken in has no more than this part of a small disk."""


class Vanished(sqlite3.OperationalError):
    """A file of the database has lost its name: what is written now may be nowhere."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"put {path} back, which is gone or was replaced")


class DatabaseFiles:
    """The files of an open database, by what their names stood for when it was opened.

    A look after a commit is enough: before it, what is found could change again.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.wal = wal_of(path)
        self._known: dict[Path, tuple[int, int] | None] = {}

    def remember(self) -> None:
        """Take what is there for the files that are open."""
        self._known = {one: _identity(one) for one in (self.path, self.wal)}

    def is_same(self, path: Path) -> bool:
        """Return whether the name still stands for the file that is open."""
        return path not in self._known or _identity(path) == self._known[path]

    def check(self) -> None:
        """Raise Vanished unless both names are right."""
        for path in (self.path, self.wal):
            if not self.is_same(path):
                raise Vanished(path)

    def remove_left(self) -> None:
        """Remove what would be taken for a part of the database that comes next."""
        if self.is_same(self.wal):
            for left in (self.wal, Path(f"{self.path}-shm")):
                left.unlink(missing_ok=True)


def wal_of(path: Path) -> Path:
    """Return where the WAL of the database at ``path`` is."""
    return Path(f"{path}-wal")


def most_wal_pages(path: Path) -> int:
    """Return how many pages a WAL may get on that disk: a small part of it."""
    try:
        found = os.statvfs(path)
    except OSError:
        return WAL_PAGES
    if not found.f_blocks:
        return WAL_PAGES
    pages = found.f_blocks * found.f_frsize // _PAGE_BYTES
    return max(_LEAST_PAGES, pages // _PART_OF_DISK)


def sync_file(path: Path) -> None:
    """Return when the disk has the file; OSError if that failed. A missing one is well.

    Not for a file that has POSIX locks of this process: closing it here drops them.
    A WAL has none.
    """
    with contextlib.suppress(FileNotFoundError):
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            os.fdatasync(descriptor)
        finally:
            os.close(descriptor)


def write_again(path: Path) -> None:
    """The same, whatever failed before: the bytes of the file are written once more.

    After a failed sync the system takes what it could not write for written, and every
    later sync is well, also that of another process. Nobody may write to the file now.
    """
    with contextlib.suppress(FileNotFoundError):
        descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            at, size = 0, os.fstat(descriptor).st_size
            while at < size and (chunk := os.pread(descriptor, _CHUNK_BYTES, at)):
                at += os.pwrite(descriptor, chunk, at)
            os.fdatasync(descriptor)
        finally:
            os.close(descriptor)


def _identity(path: Path) -> tuple[int, int] | None:
    """Return what tells a file from all others; None where there is none."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino
