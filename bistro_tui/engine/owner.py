"""Who runs a scheduler on a data directory, as somebody sees it who does not own it."""

import fcntl
import json
import os
import socket
import stat
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

LONGEST_NOTE = 4096


class Owner(NamedTuple):
    """A scheduler that runs, as far as its note in the lock file tells."""

    pid: int | None
    host: str
    started: float | None
    """Wall seconds."""


def owner_of(data_dir: Path) -> Owner | None:
    """Return the live scheduler of ``data_dir``, None if none has it.

    Changes nothing. The lock of a scheduler that is just starting is not touched: one
    whose note names a process that is gone is nobody's yet.
    """
    path = data_dir / "run" / "lock"
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        file = open(os.open(path, flags), "rb")  # noqa: SIM115 - closed right below
    except OSError:
        return None
    with closing(file):
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            return None
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


def note_of(content: bytes) -> Owner:
    """Return what the note in a lock file says; no pid where it cannot be read."""
    try:
        found = json.loads(content)
        pid, host, started = found["pid"], found["host"], found["started"]
        if isinstance(pid, int) and pid > 0:
            return Owner(pid, str(host), float(started))
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        pass
    return Owner(None, "", None)


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
