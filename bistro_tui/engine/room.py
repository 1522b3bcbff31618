"""Whether a directory has room for anything more."""

import errno
import os
import tempfile
from pathlib import Path

LOW_BYTES = 2**18
"""With less than this, a disk counts as full: a commit takes some of it."""

_OUT_OF_ROOM = (errno.ENOSPC, errno.EDQUOT)


def is_for_want_of_room(error: OSError) -> bool:
    """Return whether it says that a disk or a quota is full."""
    return error.errno in _OUT_OF_ROOM


def is_full(found: os.statvfs_result) -> bool:
    """Return whether a file system has too few bytes left, or no file more."""
    if found.f_flag & os.ST_RDONLY:
        return False
    free = found.f_frsize * (found.f_bavail if os.geteuid() else found.f_bfree)
    return free < LOW_BYTES or (found.f_files > 0 and not found.f_ffree)


def lacks_room(directory: Path) -> bool:
    """Return whether nothing more can be written there for want of room.

    To be asked after an error that does not say so itself: for SQLite, a quota that is
    used up and a WAL that cannot be made are I/O errors like any other.
    """
    try:
        if is_full(os.statvfs(directory)):
            return True
        with tempfile.TemporaryFile(dir=directory, buffering=0) as file:
            file.write(bytes(LOW_BYTES))
    except OSError as error:
        return is_for_want_of_room(error)
    return False
