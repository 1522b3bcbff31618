"""Who runs a scheduler on a data directory, as somebody sees it who does not own it."""

import fcntl
import json
import os
import socket
import stat
import time
from contextlib import closing, suppress
from io import BufferedReader
from pathlib import Path
from typing import NamedTuple

LONGEST_NOTE = 4096
NO_NOTE = "left no note of itself"


class Owner(NamedTuple):
    """A scheduler that runs, as far as its note in the lock file tells."""

    pid: int | None
    host: str
    started: float | None
    """Wall seconds."""
    config: str = ""
    """The path of the config that it runs; empty if it does not say."""


def owner_of(data_dir: Path) -> Owner | None:
    """Return the live scheduler of ``data_dir``, None if none has it.

    Changes nothing. The lock of a scheduler that is just starting is not touched: one
    whose note names a process that is gone is nobody's yet.
    """
    file = _open_lock(data_dir)
    if file is None:
        return None
    with closing(file):
        owner = note_of(file.read(LONGEST_NOTE))
        if is_gone(owner):
            return None
        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return owner
        except OSError:
            pass
    return None


def noted_in(data_dir: Path) -> tuple[Owner, int] | None:
    """Return what the lock file says, and its inode; None where there is none.

    Whether anybody has that lock is not looked at.
    """
    file = _open_lock(data_dir)
    if file is None:
        return None
    with closing(file):
        return note_of(file.read(LONGEST_NOTE)), os.fstat(file.fileno()).st_ino


def is_a_workers(data_dir: Path) -> bool:
    """Whether who has the directory, or had it at last, is a worker."""
    found = noted_in(data_dir)
    # A scheduler notes its config; a worker before it may have left its file there.
    is_a_scheduler = found is not None and found[0].config
    return not is_a_scheduler and (data_dir / "run" / "worker").exists()


def note_of(content: bytes) -> Owner:
    """Return what the note in a lock file says; no pid where it cannot be read."""
    try:
        found = json.loads(content)
        pid, host, started = found["pid"], found["host"], found["started"]
        if isinstance(pid, int) and pid > 0:
            return Owner(pid, str(host), float(started), str(found.get("config", "")))
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        pass
    return Owner(None, "", None)


def in_words(owner: Owner) -> str:
    """Return ``pid 7 on HOST, started 2026-01-31 12:00:00``, in this machine's zone.

    Without the time if no calendar has it; empty if there is no pid.
    """
    if owner.pid is None:
        return ""
    who = f"pid {owner.pid} on {owner.host}"
    if owner.started is None:
        return who
    with suppress(ValueError, OverflowError, OSError):
        return f"{who}, started {time.strftime('%F %T', time.localtime(owner.started))}"
    return who


def is_gone(owner: Owner) -> bool:
    """Whether it is certain that no such process runs."""
    if owner.pid is None or owner.host != socket.gethostname():
        # Another host, or a container with processes of its own: the lock tells.
        return False
    try:
        os.kill(owner.pid, 0)
    except (ProcessLookupError, OverflowError):
        return True
    except PermissionError:
        pass
    return False


def _open_lock(data_dir: Path) -> BufferedReader | None:
    """Return the open lock file, None where there is no regular file of that name."""
    path = data_dir / "run" / "lock"
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        file = open(os.open(path, flags), "rb")  # noqa: SIM115 - the caller closes it
    except OSError:
        return None
    if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        return file
    file.close()
    return None
