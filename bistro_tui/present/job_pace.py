"""How fast jobs get on: what a person's own screen has seen of them."""

from collections import deque
from collections.abc import Iterable, Mapping

from bistro_tui.engine.view import EndedRow, JobName, JobRow, Reason, RunningRow, TaskId

_STEP = 15.0
_KEPT = 12
_LEAST = 5.0


class Pace:
    """Done tasks a minute over the last minutes that were looked at."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, Mapping[JobName, int]]] = deque(maxlen=_KEPT)

    def look(self, jobs: Iterable[JobRow], now: float) -> None:
        """Take note of how many tasks are done; ``now`` is in wall seconds."""
        if self._seen and 0 <= now - self._seen[-1][0] < _STEP:
            return
        if self._seen and now < self._seen[-1][0]:
            # The clock was set back: what was seen before is of no use.
            self._seen.clear()
        done = Reason.DONE
        self._seen.append((now, {job.name: job.counts.get(done, 0) for job in jobs}))

    def per_minute(self, job: JobRow, now: float) -> float | None:
        """Return how many tasks a minute; None: too little was seen to tell."""
        for at, done in self._seen:
            before = done.get(job.name)
            if before is None or now - at < _LEAST:
                continue
            gained = job.counts.get(Reason.DONE, 0) - before
            return gained * 60 / (now - at) if gained >= 0 else None
        return None


def next_retries(
    ended: Iterable[EndedRow], running: Iterable[RunningRow], now: float
) -> Mapping[JobName, float]:
    """Return when the next backoff of each job ends, as far as attempts tell.

    ``ended``: the newest first. Of a task only its newest attempt counts, and not if it
    runs again. Wall seconds.
    """
    again: set[TaskId] = {row.task for row in running}
    found: dict[JobName, float] = {}
    for row in ended:
        if row.task in again:
            continue
        again.add(row.task)
        due = row.retry_at
        if due is None or row.result is not Reason.BACKOFF or due <= now:
            continue
        job = row.task.job
        found[job] = min(due, found.get(job, due))
    return found
