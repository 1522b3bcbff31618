"""The files of an attempt: its status, its config, the record of its end."""

import base64
import contextlib
import json
import os
import shutil
import stat
from typing import Any

READ_BYTES = 65_539
"""Most that is read of a status: the longest legal one, its line end, one too many."""

KEPT_OUTPUT = 1 << 20
"""Bytes of a stream that the record of an end keeps: the last ones."""


_READING = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_MAKING = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def create_private_file(path: bytes, content: bytes = b"") -> None:
    """Make a new 0600 file; OSError when it cannot be made or exists already.

    Its directory is made when something has cleaned it away.
    """
    try:
        descriptor = os.open(path, _MAKING, 0o600)
    except FileNotFoundError:
        _make_private_directory(os.path.dirname(path))
        descriptor = os.open(path, _MAKING, 0o600)
    if not content:
        os.close(descriptor)
        return
    try:
        while content:
            content = content[os.write(descriptor, content) :]
    except OSError:
        remove_file(path)
        raise
    finally:
        os.close(descriptor)


def read_status_file(path: bytes) -> bytes | None:
    """Return what the task left, or None when there is no readable regular file.

    Reads at most READ_BYTES and never blocks, whatever the task put in its place.
    """
    try:
        descriptor = os.open(path, _READING)
    except OSError:
        return None
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        # Of a regular file, one call returns all there is, up to what is asked for.
        return os.read(descriptor, READ_BYTES)
    except OSError:
        return b""
    finally:
        os.close(descriptor)


def remove_file(path: bytes) -> None:
    """Remove a file of an attempt, or whatever the task put in its place."""
    try:
        os.unlink(path)
    except IsADirectoryError:
        shutil.rmtree(path, ignore_errors=True)
    except OSError:
        # Gone already, or not ours to remove: the next start of the host will.
        return


def end_record_path(status_file: bytes) -> bytes:
    """Return where the end of an attempt is recorded when no scheduler hears of it."""
    return status_file.removesuffix(b".status") + b".exit"


def write_end_record(
    status_file: bytes, fields: dict[str, Any], stdout: bytes, stderr: bytes
) -> None:
    """Leave how an attempt ended beside its status file; OSError if that fails."""
    record = {
        **fields,
        "stdout": base64.b64encode(stdout[-KEPT_OUTPUT:]).decode(),
        "stderr": base64.b64encode(stderr[-KEPT_OUTPUT:]).decode(),
    }
    path = end_record_path(status_file)
    fresh = path + b".new"
    remove_file(fresh)
    create_private_file(fresh, json.dumps(record).encode())
    os.replace(fresh, path)


def _make_private_directory(path: bytes) -> None:
    with contextlib.suppress(FileExistsError):
        os.mkdir(path, 0o700)
    found = os.lstat(path)
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise PermissionError(f"{os.fsdecode(path)}: is not a directory of yours")
