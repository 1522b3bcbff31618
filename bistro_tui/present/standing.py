"""In what words a scheduler that is not held up is told of: screen and commands alike.

Pure.
"""

from collections.abc import Iterable

from bistro_tui.engine.view import JobRow
from bistro_tui.present.tally import tally_of

RUNNING = "running"
ALL_DONE = "all done"
IDLE = "idle"
NOTHING_ENABLED = "nothing enabled"
NOTHING_TO_DO = "nothing to do"


def standing(
    *, is_done: bool, is_stuck: bool, runs: bool, is_owing: bool, is_enabled: bool
) -> str:
    """Return the one word, or two, for a scheduler whose state is ``running``.

    ``is_done`` and ``is_stuck``: it can get no further, with every owed task done or
    not. ``is_owing``: there are owed tasks, done or not. ``is_enabled``: so is a job.
    """
    if runs or not (is_done or is_stuck):
        return RUNNING
    if is_stuck:
        return IDLE
    if is_owing:
        return ALL_DONE
    return NOTHING_TO_DO if is_enabled else NOTHING_ENABLED


def is_owing(jobs: Iterable[JobRow]) -> bool:
    """Return whether any task of these is owed, or was and is done."""
    for job in jobs:
        if job.enabled and not job.errors:
            tally = tally_of(job.counts)
            if sum(tally) > tally.off:
                return True
    return False
