"""Room on the disk that is kept for statuses, and given up when there is none left."""

import contextlib
import os
from pathlib import Path

BYTES = 2**20
_FLAGS = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Reserve:
    """A file of that size. A run that was killed leaves it for the next one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.is_held = False

    def take(self) -> None:
        """Make the file (0600); OSError, with nothing taken, when that fails."""
        descriptor = os.open(self._path, _FLAGS, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, BYTES)
        except OSError:
            self.give_up()
            raise
        finally:
            os.close(descriptor)
        self.is_held = True

    def give_up(self) -> None:
        """Let others have the room."""
        self.is_held = False
        with contextlib.suppress(OSError):
            self._path.unlink()
