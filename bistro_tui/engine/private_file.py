"""Small files of one line that are nobody else's from their first moment on."""

import codecs
import errno
import os
import stat
from pathlib import Path

from bistro_tui.engine.datadir import PRIVATE_FILE

_LONGEST = 4096
_READ = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK


def read_private(
    path: Path, *, follow: bool, longest: int = _LONGEST
) -> tuple[str | None, int]:
    """Return the text of a small file, None if it has none in ASCII, and its mode.

    ``follow``: whether it may be a link. ``longest``: the most bytes it may have.
    Raises OSError.
    """
    try:
        descriptor = os.open(path, _READ | (0 if follow else os.O_NOFOLLOW))
    except OSError as error:
        if error.errno == errno.ELOOP and not follow and path.is_symlink():
            raise OSError(errno.ELOOP, "is a symbolic link", str(path)) from error
        raise
    try:
        found = os.fstat(descriptor)
        if stat.S_ISDIR(found.st_mode):
            raise OSError(errno.EISDIR, "is a directory", str(path))
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "is no plain file", str(path))
        raw = os.read(descriptor, longest + 1)
    finally:
        os.close(descriptor)
    # Some editors begin a text with this mark, and show nothing of it.
    text = raw.removeprefix(codecs.BOM_UTF8).decode("ascii", "replace").strip()
    is_text = bool(text) and len(raw) <= longest and text.isascii()
    return (text if is_text else None), stat.S_IMODE(found.st_mode)


def words_of(error: OSError) -> str:
    """Return which file it is about and what is wrong with it, without a number."""
    if error.strerror is None:
        return str(error)
    about = "" if error.filename is None else f"{error.filename}: "
    return f"{about}{error.strerror}"


def write_private(path: Path, text: str, *, is_synced: bool = True) -> None:
    """Make or replace the file, whole at once. Raises OSError.

    ``is_synced``: what it has is on disk before it takes that name.
    """
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
    descriptor = os.open(fresh, flags, PRIVATE_FILE)
    with open(descriptor, "w", encoding="ascii") as file:
        file.write(f"{text}\n")
        file.flush()
        if is_synced:
            os.fsync(descriptor)
    fresh.replace(path)
