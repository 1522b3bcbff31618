"""Where jobs stand in the config file as it is now, looked up when somebody asks."""

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING

from bistro_tui.engine.config.file_read import read_file
from bistro_tui.engine.config.formats import format_of
from bistro_tui.engine.errors import ConfigUnusable
from bistro_tui.engine.ids import JobName

if TYPE_CHECKING:
    from bistro_tui.engine.config.job_place import JobPlace

_KEPT = 100
"""Places that are remembered as long as the file is the same."""


class JobPlaces:
    """The places of one file."""

    def __init__(self) -> None:
        self._stamp: tuple[int, ...] = ()
        self._known: dict[tuple[JobName, bool], JobPlace] = {}

    async def of(self, path: Path, job: JobName, *, hides_secrets: bool) -> "JobPlace":
        """Return where a job is written in the file now; NOWHERE if nobody can tell."""
        return await asyncio.to_thread(self._find, path, job, hides_secrets)

    def _find(self, path: Path, job: JobName, hides_secrets: bool) -> "JobPlace":
        # Only who asks needs it.
        from bistro_tui.engine.config.job_place import NOWHERE, place_of_job

        try:
            found = os.stat(path)
            stamp = (found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
            if stamp != self._stamp or len(self._known) >= _KEPT:
                self._stamp, self._known = stamp, {}
            known = self._known
            place = known.get((job, hides_secrets))
            if place is None:
                text = read_file(path).decode()
                place = known[job, hides_secrets] = place_of_job(
                    text, format_of(path), job, hides_secrets=hides_secrets
                )
        except (OSError, ConfigUnusable, UnicodeError):
            return NOWHERE
        return place
