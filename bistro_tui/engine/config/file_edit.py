"""Changing a config file as a careful person would: whole, or not at all."""

import contextlib
import fcntl
import grp
import os
import re
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from bistro_tui.engine.config.file_read import MAX_BYTES, read_file
from bistro_tui.engine.errors import ConfigUnusable, ControlRefused

_LOCK_TRIES, _LOCK_WAIT_SEC = 500, 0.01


def edit_config_file(path: Path, edit: Callable[[str], str]) -> bool:
    """Replace the file's text by ``edit(text)``; return whether that changed it.

    Blocks for up to 5 s while another edit holds the file. A symlink's target is
    replaced; mode and owner stay. Raises ControlRefused if the file cannot be read or
    written, if it changes meanwhile, and whatever ``edit`` raises; then the file is as
    it was.
    """
    real = Path(os.path.realpath(path))
    try:
        with _locked(real) as found:
            before = read_file(real)
            changed = edit(before.decode()).encode()
            if changed == before:
                return False
            _refuse_unwritable(real, found)
            _refuse_too_long(real, changed)
            _replace(real, before, changed, found)
            return True
    except (ConfigUnusable, UnicodeError) as error:
        raise ControlRefused(str(error)) from None
    except OSError as error:
        raise ControlRefused(f"{real}: cannot be changed: {error.strerror}") from None


@contextlib.contextmanager
def _locked(real: Path) -> Iterator[os.stat_result]:
    """Hold the lock of the file that has that name now."""
    for _ in range(_LOCK_TRIES):
        fd = os.open(real, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            found = os.fstat(fd)
            # Whoever held the lock before may have put another file in its place.
            if os.path.samestat(found, os.stat(real)):
                yield found
                return
        except BlockingIOError:
            time.sleep(_LOCK_WAIT_SEC)
        finally:
            os.close(fd)
    raise ControlRefused(f"{real}: another program has locked it; try again")


def _refuse_unwritable(real: Path, found: os.stat_result) -> None:
    # For root, access() allows everything; but a file without any write bit says
    # what its owner wants.
    if not found.st_mode & 0o222 or not os.access(real, os.W_OK):
        raise ControlRefused(f"{real}: is not writable; change its mode or edit a copy")


def _refuse_too_long(real: Path, changed: bytes) -> None:
    if len(changed) > MAX_BYTES:
        most = f"{MAX_BYTES // 2**20} MiB"
        raise ControlRefused(f"{real}: would be longer than {most}, the most it may be")


def _replace(real: Path, before: bytes, changed: bytes, found: os.stat_result) -> None:
    _remove_strays(real)
    fd, name = tempfile.mkstemp(prefix=f".{real.name}.", suffix=".tmp", dir=real.parent)
    try:
        with open(fd, "wb") as file:
            file.write(changed)
            file.flush()
            _keep_owner(file.fileno(), real, found)
            shutil.copystat(real, name)  # extended attributes and labels, too
            os.utime(name)
            os.fsync(file.fileno())
        if read_file(real) != before or not os.path.samestat(found, os.stat(real)):
            raise ControlRefused(
                f"{real}: somebody else changed it just now; try again"
            )
        os.replace(name, real)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise
    _sync_directory(real.parent)


def _remove_strays(real: Path) -> None:
    """Remove what edits that were killed left; whoever has the lock is alone."""
    stray = re.compile(rf"\.{re.escape(real.name)}\.[a-z0-9_]{{8}}\.tmp")
    with contextlib.suppress(OSError), os.scandir(real.parent) as entries:
        for entry in entries:
            if stray.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                os.unlink(entry.path)


def _keep_owner(fd: int, real: Path, found: os.stat_result) -> None:
    made = os.fstat(fd)
    if (made.st_uid, made.st_gid) != (found.st_uid, found.st_gid):
        try:
            os.fchown(fd, found.st_uid, found.st_gid)
        except PermissionError:
            if made.st_uid != found.st_uid:
                message = f"{real}: belongs to another user, and would change hands"
            else:
                message = (
                    f"{real}: its group {_group(found.st_gid)} cannot be kept: you are"
                    " not in it"
                )
            raise ControlRefused(message) from None
    os.fchmod(fd, stat.S_IMODE(found.st_mode))


def _group(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def _sync_directory(directory: Path) -> None:
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
