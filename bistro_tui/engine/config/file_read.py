"""Reading a config file: a whole one, quickly, whatever stands under its name."""

import errno
import fcntl
import os
import signal
import stat
import sys
import time
from pathlib import Path

from bistro_tui.engine.errors import ConfigUnusable
from bistro_tui.engine.near import nearest

MAX_BYTES = 16 * 2**20
"""Reading and checking more would hold a machine for minutes."""

_TRIES = 5
_PAUSE_SEC = 0.01
"""Between tries; all of them together stay below what a person notices."""
_SUFFIXES = (".json", ".toml", ".yaml", ".yml")


def read_file(path: Path) -> bytes:
    """Return the content of a regular file of at most MAX_BYTES; never blocks.

    A file that changes meanwhile is read again, a few times. Raises ConfigUnusable
    with a message for people.
    """
    content, _ = _read(path)
    return content


def read_if_whole(path: Path) -> bytes | None:
    """Return the same, None if somebody is still writing it, as far as we can know.

    Half of a text may look like a whole one: a table less in TOML, a key less in YAML.
    """
    content, is_whole = _read(path)
    return content if is_whole else None


def _read(path: Path) -> tuple[bytes, bool]:
    try:
        # Opening a device can do things, so look before; and again after, because the
        # name may stand for something else by then.
        _check_regular(path, os.stat(path))
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        with open(fd, "rb") as file:
            return _read_quietly(path, file.fileno())
    except OSError as error:
        raise ConfigUnusable(_explain(path, error)) from None
    except ValueError as error:
        raise ConfigUnusable(f"{path}: cannot be read: {error}") from None


def _has_writer(fd: int) -> bool:
    if sys.platform != "linux":
        return False
    try:
        # The kernel gives a read lease only on a file that nobody has open for writing.
        # Who opens it just now is held up until it is given back, and we are told by a
        # signal: one that is ignored, where SIGIO would end us.
        fcntl.fcntl(fd, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError as error:
        # Another answer: a file of somebody else, or a file system without leases.
        return error.errno == errno.EAGAIN
    return False


def _check_regular(path: Path, found: os.stat_result) -> None:
    if stat.S_ISDIR(found.st_mode):
        raise ConfigUnusable(
            f"{path}: is a directory; give the config file in it{_config_inside(path)}"
        )
    if not stat.S_ISREG(found.st_mode):
        raise ConfigUnusable(f"{path}: is not a regular file; give a file")
    if found.st_size > MAX_BYTES:
        raise ConfigUnusable(
            f"{path}: has {found.st_size} bytes, more than a config may have "
            f"({MAX_BYTES}); is it the right file?"
        )


def _read_quietly(path: Path, fd: int) -> tuple[bytes, bool]:
    """Return the content, and whether it was not being changed while it was read."""
    content = b""
    for attempt in range(_TRIES):
        if attempt:
            time.sleep(_PAUSE_SEC)
        before = os.fstat(fd)
        _check_regular(path, before)
        os.lseek(fd, 0, os.SEEK_SET)
        content = _read_up_to(fd, MAX_BYTES + 1)
        # In this order: a writer that comes later has changed nothing that was read.
        is_quiet = not _has_writer(fd)
        after = os.fstat(fd)
        is_same = len(content) == after.st_size and _stamp(before) == _stamp(after)
        if is_quiet and is_same:
            return content, True
    if len(content) > MAX_BYTES:
        raise ConfigUnusable(f"{path}: grows beyond {MAX_BYTES} bytes")
    return content, False


def _stamp(found: os.stat_result) -> tuple[int, int, int]:
    return (found.st_mtime_ns, found.st_ctime_ns, found.st_size)


def _read_up_to(fd: int, limit: int) -> bytes:
    chunks = []
    while limit > 0 and (chunk := os.read(fd, limit)):
        chunks.append(chunk)
        limit -= len(chunk)
    return b"".join(chunks)


def _explain(path: Path, error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return f"{path}: no such file{_near_name(path)}"
    if isinstance(error, NotADirectoryError):
        return f"{path}: no such file: a part of the path is not a directory"
    if isinstance(error, PermissionError):
        return f"{path}: no permission to read it; check its mode and directories"
    return f"{path}: cannot be read: {error.strerror or error}"


def _near_name(path: Path) -> str:
    try:
        names = os.listdir(path.parent)
    except OSError:
        return f"; there is no directory {path.parent}"
    near = nearest(path.name, names[:1000])
    return f"; did you mean {path.parent / near}?" if near else ""


def _config_inside(path: Path) -> str:
    try:
        names = sorted(name for name in os.listdir(path) if name.endswith(_SUFFIXES))
    except OSError:
        return ""
    return f", such as {path / names[0]}" if names else ""
