"""When a job will be done, from how long its tasks took so far. Pure."""

import math
from collections import deque
from collections.abc import Collection, Container, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

from bistro_tui.engine.ids import JobName
from bistro_tui.engine.scheduling.reasons import Reason

SAMPLE = 20
"""How many of a job's last done attempts tell how long the next one takes."""

EVENED_SEC = 5.0
"""A number of tasks that run counts for about so long: short ones come and go."""
LEAST_AT_ONCE = 0.1
"""With fewer than this, nothing has been running for some time."""

_WAITING = (
    Reason.RUNNABLE,
    Reason.RESOURCE,
    Reason.WORKER,
    Reason.BACKOFF,
    Reason.DEPENDENCY,
    Reason.RECOVERING,
    Reason.CONFIG_ERROR,
    Reason.SCHEDULER_DISABLED,
    Reason.PAUSED,
)
"""What a task that is still to be run may wait for."""


class Durations:
    """How long the last done attempts of each job took."""

    def __init__(self) -> None:
        self._by_job: dict[JobName, deque[float]] = {}

    def add(self, job: JobName, seconds: float) -> None:
        """Take note of an attempt that is done."""
        known = self._by_job.get(job)
        if known is None:
            known = self._by_job[job] = deque(maxlen=SAMPLE)
        known.append(seconds)

    def load(self, earlier: Mapping[JobName, Sequence[float]]) -> None:
        """Take note of attempts, oldest first, that were done before all others."""
        for job, seconds in earlier.items():
            later = self._by_job.get(job, ())
            self._by_job[job] = deque((*seconds, *later), maxlen=SAMPLE)

    def keep(self, jobs: Container[JobName]) -> None:
        """Forget all other jobs."""
        for job in [job for job in self._by_job if job not in jobs]:
            del self._by_job[job]

    def mean(self, job: JobName) -> float | None:
        """Return how long an attempt of ``job`` takes, None if nobody knows."""
        known = self._by_job.get(job)
        return sum(known) / len(known) if known else None

    def median(self, job: JobName) -> float | None:
        """Return how long the middle one of the last attempts took."""
        known = sorted(self._by_job.get(job, ()))
        half = len(known) // 2
        return (known[half] + known[~half]) / 2 if known else None


class AtOnce:
    """How many tasks of each job run at once, evened out over the last seconds."""

    def __init__(self) -> None:
        self._by_job: dict[JobName, float] = {}
        self._last: dict[JobName, int] = {}
        self._at = 0.0

    def look(self, running: Mapping[JobName, int], now: float) -> None:
        """Take note of how many run ``now``, in monotonic seconds."""
        weight = math.exp(-max(now - self._at, 0.0) / EVENED_SEC)
        for job, number in self._last.items():
            # So many ran since the last look.
            mean = number + (self._by_job[job] - number) * weight
            self._by_job[job] = mean
            if not number and mean < LEAST_AT_ONCE and not running.get(job):
                del self._by_job[job]
        for job, number in running.items():
            self._by_job.setdefault(job, number)
        self._last = {job: running.get(job, 0) for job in self._by_job}
        self._at = now

    def of(self, job: JobName) -> float:
        """Return about how many run; 0 where none did for some time."""
        return self._by_job.get(job, 0.0)


def after_those(
    own: Mapping[JobName, float | None],
    waits_for: Mapping[JobName, Collection[JobName]],
) -> dict[JobName, float | None]:
    """Return when each job will be done, none before those that it waits for.

    ``own`` is when it would be without them. ``waits_for``: jobs of which tasks of its
    own need something still; a job that waits for one of which nobody can tell, or for
    itself, is one of which nobody can tell either.
    """
    found = dict(own)
    names = {
        job: needed for job, needed in waits_for.items() if own.get(job) is not None
    }
    try:
        in_order = [*TopologicalSorter(names).static_order()]
    except CycleError:
        return found | dict.fromkeys(names)
    for job in in_order:
        ends = [found.get(one) for one in (job, *names.get(job, ()))]
        known = [end for end in ends if end is not None]
        found[job] = max(known) if len(known) == len(ends) else None
    return found


def seconds_left(
    counts: Mapping[Reason, int],
    mean: float | None,
    ages: Sequence[float],
    *,
    at_once: float,
    may_start: bool,
    running: int | None = None,
) -> float | None:
    """Return in how many seconds a job is expected to be done.

    ``counts`` are its tasks by reason, ``mean`` is how long one takes, ``ages`` are for
    how long those run that do, or the oldest and the newest of them where more are
    ``running``. ``at_once`` are expected to run until the end; one that
    takes longer than the others did is expected to take as long again as it is late.
    None where nothing is known, nothing runs, or more is left and not ``may_start``:
    nothing at all may.
    """
    waiting = sum(counts.get(reason, 0) for reason in _WAITING)
    if mean is None or (waiting and not may_start):
        return None
    left = [abs(mean - age) for age in ages]
    if not waiting:
        return max(left, default=None)
    may_come = (Reason.RUNNABLE, Reason.RESOURCE, Reason.WORKER)
    if at_once <= 0 or not (ages or any(counts.get(one) for one in may_come)):
        return None
    # Between two short tasks none may run just now.
    one_more = min(left, default=0.0) + mean
    all_left = sum(left)
    if running is not None and left:
        all_left *= running / len(left)
    return max((all_left + waiting * mean) / at_once, one_more, *left)
