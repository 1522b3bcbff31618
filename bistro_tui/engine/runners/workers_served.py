"""Whether workers may still run tasks of a data directory."""

import os
from pathlib import Path
from typing import Protocol, Self

from bistro_tui.engine.datadir import DataDir
from bistro_tui.engine.private_file import read_private, write_private
from bistro_tui.engine.remote.given import Given
from bistro_tui.engine.remote.identity import NOBODY, InstanceId
from bistro_tui.engine.remote.served import ANYTHING, Served, parsed

_NAME = "workers_served"
_LONGEST = 1 << 24
_TOKEN = "worker.token"
"""Made in ``secrets/`` when workers are first listened for, after the file."""


class WorkersServed:
    """A file in ``run/``, there once workers were listened for.

    What is changed is on disk when that returns. A file that cannot be read, or that
    was removed, says that workers may have tasks.
    """

    def __init__(self, run: Path, *, token: Path | None = None) -> None:
        """``token``: is there only where the file has to be."""
        self._path, self._token = run / _NAME, token
        self._is_on_disk = True

    @classmethod
    def of(cls, data_dir: DataDir) -> Self:
        """Return that of a data directory."""
        # A token that was put into a new one by hand says nothing of workers.
        token = None if data_dir.is_new else data_dir.path / "secrets" / _TOKEN
        return cls(data_dir.run, token=token)

    def begin(self) -> None:
        """Have the file there, before there is a token. Raises OSError."""
        if not os.path.lexists(self._path):
            found, self._is_on_disk = self.read(), False
            self.write(found)

    def read(self) -> Served:
        """Return what it says."""
        try:
            text, _ = read_private(self._path, follow=False, longest=_LONGEST)
        except FileNotFoundError:
            is_missed = self._token is not None and os.path.lexists(self._token)
            return ANYTHING if is_missed else Served()
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


class Knows(Protocol):
    """Knows which workers may have tasks, and what was noted of that."""

    @property
    def is_note_behind(self) -> bool:
        """Whether ``given`` has to be on disk before a worker gets or has a task."""
        ...

    def given(self) -> tuple[Given, ...] | None:
        """Return who may have tasks; None: nobody knows."""
        ...

    def noted(self, given: tuple[Given, ...] | None) -> None:
        """Take note that this is on disk."""
        ...


class ServedNow:
    """What one scheduler takes note of; what is on disk already costs nothing."""

    def __init__(
        self,
        served: WorkersServed,
        scheduler: InstanceId,
        safe_wait: float,
        *,
        pool: Knows,
    ) -> None:
        """``safe_wait``: for how long workers keep tasks by what they are told now."""
        self._served, self._scheduler, self._safe_wait = served, scheduler, safe_wait
        self._pool = pool
        self._has_let_in = self._has_given = False

    def let_in(self) -> None:
        """Take note that a worker hears of this scheduler. Raises OSError."""
        if not self._has_let_in:
            served = self._served.read()
            self._served.write(served.letting_in(self._scheduler, self._safe_wait))
            self._has_let_in = True

    def give(self) -> None:
        """Take note that a worker may get or have a task. Raises OSError."""
        if self._has_given and not self._pool.is_note_behind:
            return
        given, served = self._pool.given(), self._served.read()
        self._served.write(served.giving(self._scheduler, self._safe_wait, given))
        self._pool.noted(given)
        self._has_given = True

    def rest(self) -> None:
        """Take note that nothing is left on any worker. Raises OSError."""
        self._served.rest(self._scheduler)
