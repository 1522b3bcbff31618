"""The file into which a task writes its status."""

import contextlib
import os
import shutil
import stat
from pathlib import Path

from bistro_tui.engine.statuses.report import READ_BYTES


def create_private_file(path: Path, content: bytes = b"") -> None:
    """Make a new 0600 file; OSError when it cannot be made or exists already."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(path, flags, 0o600)
    with open(descriptor, "wb") as file:
        file.write(content)


def read_status_file(path: Path) -> bytes | None:
    """Return what the task left, or None when there is no readable regular file.

    Reads at most READ_BYTES and never blocks, whatever the task put in its place.
    """
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags)
    except OSError:
        return None
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        content = b""
        with contextlib.suppress(OSError):
            while chunk := os.read(descriptor, READ_BYTES - len(content)):
                content += chunk
        return content
    finally:
        os.close(descriptor)


def remove_file(path: Path) -> None:
    """Remove a file of an attempt, or whatever the task put in its place."""
    try:
        path.unlink()
    except IsADirectoryError:
        shutil.rmtree(path, ignore_errors=True)
    except OSError:
        # Gone already, or not ours to remove: the next start of the host will.
        return
