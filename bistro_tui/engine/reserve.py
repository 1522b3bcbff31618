"""Room on the disk that is kept for statuses, and given up when there is none left."""

import contextlib
import os
import stat
from pathlib import Path

BYTES = 2**20
_FLAGS = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Reserve:
    """A file of that size. A run that was killed leaves it for the next one."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / "reserve"
        self._was_taken = False

    @property
    def is_held(self) -> bool:
        """Whether it was taken, and nobody has removed it since."""
        return self._was_taken and self._is_there()

    def take(self) -> None:
        """Make the file (0600); OSError, with nothing taken, when that fails."""
        descriptor = os.open(self._path, _FLAGS, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, BYTES)
        except OSError:
            with contextlib.suppress(OSError):
                self._path.unlink()
            raise
        finally:
            os.close(descriptor)
        self._was_taken = True

    def give_up(self) -> bool:
        """Let others have the room; return whether there was any.

        Also that which a run before had taken.
        """
        self._was_taken = False
        if not self._is_there():
            return False
        try:
            self._path.unlink()
        except OSError:
            return False
        return True

    def _is_there(self) -> bool:
        try:
            found = self._path.lstat()
        except OSError:
            return False
        return stat.S_ISREG(found.st_mode) and found.st_size >= BYTES
