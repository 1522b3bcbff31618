"""The list of retry delays and the step from one delay to the next.

Source: Bistro, config/JobBackoffSettings.
"""

from dataclasses import dataclass
from typing import NamedTuple

NO_MORE_BACKOFF_SEC = 60
"""The delay that goes with "no more backoffs" (Bistro, JobBackoffSettings)."""


class BackoffDuration(NamedTuple):
    """A delay, and whether the list ends there."""

    seconds: int
    no_more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """Strictly increasing delays in seconds, and what follows the last one."""

    steps: tuple[int, ...] = (15, 30, 60, 300, 900, 3600, 7200, 21600, 86400)
    repeat: bool = True
    """True: the last delay again and again; False: the task fails for good."""

    def next(self, current_sec: int) -> BackoffDuration:
        """Return the first step above ``current_sec`` (0 when there was none).

        Past the last step, ``repeat`` gives the last step again; otherwise there are
        no more backoffs, and the delay that goes with that is 60 s.
        Source: Bistro, JobBackoffSettings::getNext.
        """
        for step in self.steps:
            if step > current_sec:
                return BackoffDuration(step, no_more=False)
        if self.repeat and self.steps:
            return BackoffDuration(self.steps[-1], no_more=False)
        return BackoffDuration(NO_MORE_BACKOFF_SEC, no_more=True)
