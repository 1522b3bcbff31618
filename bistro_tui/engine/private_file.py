"""Small files of one line that are nobody else's from their first moment on."""

import os
import stat
from pathlib import Path

from bistro_tui.engine.datadir import PRIVATE_FILE

_LONGEST = 4096
_READ = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK


def read_private(path: Path, *, follow: bool) -> tuple[str | None, int]:
    """Return the text of a small file, None if it has none in ASCII, and its mode.

    ``follow``: whether it may be a link. Raises OSError.
    """
    descriptor = os.open(path, _READ | (0 if follow else os.O_NOFOLLOW))
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise OSError(None, "is no file", str(path))
        raw = os.read(descriptor, _LONGEST + 1)
    finally:
        os.close(descriptor)
    text = raw.decode("ascii", "replace").strip()
    is_text = bool(text) and len(raw) <= _LONGEST and text.isascii()
    return (text if is_text else None), stat.S_IMODE(found.st_mode)


def write_private(path: Path, text: str) -> None:
    """Make or replace the file, whole at once. Raises OSError."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
    descriptor = os.open(fresh, flags, PRIVATE_FILE)
    with open(descriptor, "w", encoding="ascii") as file:
        file.write(f"{text}\n")
        file.flush()
        os.fsync(descriptor)
    fresh.replace(path)
