"""The journals that wardens of earlier runs left, and whether those still write them.

A journal is known by its open file: its name may mean another one by now.
"""

import contextlib
import fcntl
import os
import re
import signal
from collections.abc import Iterable
from pathlib import Path

from bistro_tui.engine.warden.files import create_private_file
from bistro_tui.engine.warden.journal import JournalContent, parse_journal

_NAME = re.compile(r"warden\.[0-9]+\.[0-9]+(\.[0-9]+)?", re.ASCII)
STORED = ".stored"
"""Ends the name of a journal all of whose attempts have a status in the store."""
DAMAGED = ".damaged"
"""Ends the name of a copy that is kept for people to look at."""


class LeftJournal:
    """One of them, open. ``close`` it."""

    def __init__(self, path: Path) -> None:
        """Open it; OSError if that fails."""
        flags = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        self.path = path
        self._descriptor = os.open(path, flags)

    @property
    def identity(self) -> tuple[int, int]:
        """What tells its file from all others, whatever the names."""
        found = os.fstat(self._descriptor)
        return found.st_dev, found.st_ino

    @property
    def is_stored(self) -> bool:
        """Whether nothing of it is to be adopted any more."""
        return self.path.name.endswith(STORED)

    @property
    def is_gone(self) -> bool:
        """Whether its warden removed it: all is settled, or is in a successor."""
        return not os.fstat(self._descriptor).st_nlink

    def read(self) -> JournalContent:
        """Return what it says; OSError if it cannot be read."""
        size = os.fstat(self._descriptor).st_size
        return parse_journal(os.pread(self._descriptor, size, 0))

    def is_held(self) -> bool:
        """Whether its warden lives; once it does not, nobody else can hold it."""
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False

    def signal_warden(self, number: int) -> bool:
        """Signal the process that writes it; False if that is not certainly the one."""
        pid = self.read().pid
        if pid is None or pid == os.getpid():
            return False
        with contextlib.suppress(OSError):
            descriptor = os.pidfd_open(pid)
            try:
                if self._is_open_in(pid):
                    signal.pidfd_send_signal(descriptor, number)
                    return True
            finally:
                os.close(descriptor)
        return False

    def mark_stored(self) -> None:
        """Have a later start know that nothing of it is to be adopted; OSError."""
        stored = self.path.with_name(self.path.name + STORED)
        os.rename(self.path, stored)
        self.path = stored

    def keep_copy(self) -> Path:
        """Keep its text under another name for people to look at; return that.

        OSError if that fails.
        """
        kept = self.path.with_name(self.path.name + DAMAGED)
        try:
            os.link(self.path, kept)
        except FileExistsError:
            pass
        except OSError:
            # Not every file system has hard links.
            self._copy_to(kept)
        return kept

    def remove(self) -> None:
        """Remove it; OSError if that fails."""
        self.path.unlink(missing_ok=True)

    def close(self) -> None:
        """Let go of it."""
        os.close(self._descriptor)

    def _copy_to(self, kept: Path) -> None:
        fresh = kept.with_name(kept.name + ".new")
        fresh.unlink(missing_ok=True)
        size = os.fstat(self._descriptor).st_size
        create_private_file(os.fsencode(fresh), os.pread(self._descriptor, size, 0))
        os.replace(fresh, kept)

    def _is_open_in(self, pid: int) -> bool:
        directory, wanted = f"/proc/{pid}/fd", self.identity
        for name in os.listdir(directory):
            with contextlib.suppress(OSError):
                found = os.stat(f"{directory}/{name}")
                if (found.st_dev, found.st_ino) == wanted:
                    return True
        return False


def find_journals(run: Path) -> tuple[list[LeftJournal], list[str]]:
    """Return the journals in ``run``, and what is wrong with those that do not open.

    To be called before a warden of this run is started.
    """
    found: list[LeftJournal] = []
    troubles: list[str] = []
    for name in sorted(os.listdir(run)):
        if _NAME.fullmatch(name.removesuffix(STORED)):
            try:
                found.append(LeftJournal(run / name))
            except FileNotFoundError:
                continue
            except OSError as error:
                troubles.append(f"{run / name}: cannot be opened: {error.strerror}")
    return found, troubles


def find_successors(journals: Iterable[LeftJournal]) -> list[LeftJournal]:
    """Return the files in which their wardens went on, where one grew too long.

    Those of this run's wardens are none, even if they have the name of an old one.
    """
    known = {journal.identity for journal in journals}
    writers = {journal.path.name: journal.read().pid for journal in journals}
    found = []
    for run in {journal.path.parent for journal in journals}:
        for fresh in find_journals(run)[0]:
            writer = writers.get(fresh.path.name.rpartition(".")[0])
            is_successor = fresh.identity not in known and writer is not None
            if is_successor and fresh.read().pid == writer:
                found.append(fresh)
            else:
                fresh.close()
    return found
