"""Whether workers may still run tasks of a data directory."""

import os
from pathlib import Path

from bistro_tui.engine.private_file import read_private, write_private
from bistro_tui.engine.remote.identity import NOBODY, InstanceId
from bistro_tui.engine.remote.served import ANYTHING, Served, parsed

_NAME = "workers_served"


class WorkersServed:
    """A file in ``run/``, there once a worker was let in.

    What is changed is on disk when that returns. A file that cannot be read says that
    workers may have tasks.
    """

    def __init__(self, run: Path) -> None:
        self._path = run / _NAME
        self._is_on_disk = True

    def read(self) -> Served:
        """Return what it says."""
        try:
            text, _ = read_private(self._path, follow=False)
        except FileNotFoundError:
            return Served()
        except OSError:
            return ANYTHING
        return parsed(text)

    def write(self, served: Served) -> None:
        """Have it say that. Raises OSError."""
        if self._is_on_disk and self.read() == served:
            return
        self._is_on_disk = False
        write_private(self._path, served.text)
        self._sync()
        self._is_on_disk = True

    @property
    def ever(self) -> bool:
        """Whether any worker may still run something."""
        return self.read().safe_wait is not None

    @property
    def safe_wait(self) -> float:
        """After so many seconds nothing of before can run; 0 if that is not known."""
        return self.read().safe_wait or 0.0

    def note(self, safe_wait: float, *, scheduler: InstanceId = NOBODY) -> None:
        """Take note that workers may have tasks, of ``scheduler`` too. Raises OSError.

        The longest ``safe_wait`` counts until nothing is left running.
        """
        self.write(self.read().giving(scheduler, safe_wait))

    def rest(self, scheduler: InstanceId) -> None:
        """Take note that ``scheduler`` leaves nothing running. Raises OSError."""
        if self.ever:
            self.write(self.read().resting(scheduler))

    def _sync(self) -> None:
        directory = os.open(self._path.parent, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)


class ServedNow:
    """What one scheduler takes note of; each time after the first costs nothing."""

    def __init__(
        self, served: WorkersServed, scheduler: InstanceId, safe_wait: float
    ) -> None:
        """``safe_wait``: for how long workers keep tasks by what they are told now."""
        self._served, self._scheduler, self._safe_wait = served, scheduler, safe_wait
        self._has_let_in = self._has_given = False

    def let_in(self) -> None:
        """Take note that a worker hears of this scheduler. Raises OSError."""
        if not self._has_let_in:
            served = self._served.read()
            self._served.write(served.letting_in(self._scheduler, self._safe_wait))
            self._has_let_in = True

    def give(self) -> None:
        """Take note that a worker may get or have a task. Raises OSError."""
        if not self._has_given:
            self._served.note(self._safe_wait, scheduler=self._scheduler)
            self._has_given = True

    def rest(self) -> None:
        """Take note that nothing is left on any worker. Raises OSError."""
        self._served.rest(self._scheduler)
