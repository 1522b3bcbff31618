"""Whether workers may still run tasks of a data directory."""

import json
import math
import os
from pathlib import Path

from bistro_tui.engine.private_file import read_private, write_private
from bistro_tui.engine.remote.identity import NOBODY, InstanceId

_NAME = "workers_served"
_SERVING = "serving"


class WorkersServed:
    """A file in ``run/``, there once a worker was let in.

    It tells of the scheduler that left nothing running, if the last one did so: then
    the next one has nobody to wait for. Otherwise it tells how long workers may keep
    their tasks by what they were told: the next one may have other settings.
    """

    def __init__(self, run: Path) -> None:
        self._path = run / _NAME

    @property
    def ever(self) -> bool:
        """Whether any worker was, and may still run something."""
        return os.path.lexists(self._path) and self.at_rest == NOBODY

    @property
    def at_rest(self) -> InstanceId:
        """The last scheduler if it left nothing running; else ``NOBODY``."""
        try:
            text, _ = read_private(self._path, follow=False)
            start_time, rand = json.loads(text or "")
        except (OSError, ValueError, TypeError, RecursionError):
            return NOBODY
        if type(start_time) is not int or type(rand) is not int:
            return NOBODY
        return InstanceId(start_time, rand)

    @property
    def safe_wait(self) -> float:
        """After so many seconds nothing of before can run; 0 if that is not known."""
        try:
            text, _ = read_private(self._path, follow=False)
            word, seconds = (text or "").split()
            found = float(seconds)
        except (OSError, ValueError):
            return 0.0
        return found if word == _SERVING and math.isfinite(found) else 0.0

    def note(self, safe_wait: float) -> None:
        """Take note that one is, on disk when this returns. Raises OSError.

        The longest ``safe_wait`` counts until nothing is left running.
        """
        if not self.ever or safe_wait > self.safe_wait:
            write_private(self._path, f"{_SERVING} {safe_wait:g}")
            self._sync()

    def rest(self, scheduler: InstanceId) -> None:
        """Take note that ``scheduler`` leaves nothing running. Raises OSError."""
        if self.ever:
            write_private(self._path, json.dumps(scheduler))
            self._sync()

    def _sync(self) -> None:
        directory = os.open(self._path.parent, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
