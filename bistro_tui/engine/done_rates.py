"""How many tasks of each job get done in a minute. Pure."""

from collections import Counter, deque
from collections.abc import Sequence

from bistro_tui.engine.ids import JobName, TaskId
from bistro_tui.engine.statuses.status import TaskStatus

SPAN_SEC = 300.0
"""Over how long is counted."""
STEP_SEC = 10.0
_Ended = tuple[TaskId, TaskStatus, str, float, str]
"""As of an attempt that is over: task, stored status, exit text, seconds."""

_FEWEST = 3
"""With fewer done tasks in that time nobody can tell."""


class DoneRates:
    """Counts what was done in the last minutes; times are monotonic seconds."""

    def __init__(self, now: float) -> None:
        """Begin at that moment, before the first start."""
        self._steps: deque[tuple[float, Counter[JobName]]] = deque([(now, Counter())])
        """(when it began, done since then by job), oldest first."""

    def ended(self, ended: Sequence[_Ended]) -> None:
        """Take note of attempts that are over."""
        jobs = [one[0].job for one in ended if one[1].is_done]
        self._steps[-1][1].update(jobs)

    def sampled(self, now: float) -> None:
        """Take note of the time; to be called every second or so."""
        steps = self._steps
        if now - steps[-1][0] >= STEP_SEC:
            steps.append((now, Counter()))
            while now - steps[0][0] >= SPAN_SEC + STEP_SEC:
                steps.popleft()

    def per_minute(self, job: JobName, now: float) -> float | None:
        """Return how many tasks a minute were done; None: too few to tell."""
        done = sum(counts[job] for _, counts in self._steps)
        first = next((began for began, counts in self._steps if counts[job]), now)
        seconds = max(now - first, STEP_SEC)
        return 60 * done / seconds if done >= _FEWEST else None
