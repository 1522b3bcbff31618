"""The tasks that failed or wait for their backoff, some at a time. Pure."""

from collections import deque
from collections.abc import Iterator
from heapq import heappush, heapreplace
from typing import NamedTuple

from bistro_tui.engine.ids import JobName, TaskId
from bistro_tui.engine.scheduling.job_tasks import CODE
from bistro_tui.engine.scheduling.reasons import Reason
from bistro_tui.engine.scheduling.state import State
from bistro_tui.engine.statuses.status import TaskStatus

CHUNK = 2_000
"""Tasks that are passed over in one go: less than a millisecond."""

_REASONS = (Reason.FAILED, Reason.BACKOFF)
_FAILING = bytes(code in {CODE[one] for one in _REASONS} for code in range(256))


class Failing(NamedTuple):
    """One of these tasks, and the status that says so."""

    task: TaskId
    reason: Reason
    status: TaskStatus


class NewestFailing:
    """Finds those whose status is newest, a chunk of one job at a time.

    Jobs take turns: whoever stops early has seen something of each.
    """

    def __init__(self, state: State, job: JobName | None, limit: int) -> None:
        """``job`` None: of all; ``limit``: how many are kept, at least 1."""
        self._state = state
        self._limit = limit
        self._found: list[tuple[float, int, Failing]] = []
        """A heap: the oldest first, and of equal ones the one that came last."""
        self._seen = 0
        jobs = state.jobs if job is None else (job,)
        self._scans = deque(map(self._scan, jobs))

    def look(self) -> bool:
        """Look at one more chunk; return whether there are others."""
        while self._scans:
            scan = self._scans.popleft()
            if next(scan, None) is not None:
                self._scans.append(scan)
                return True
        return False

    def newest(self) -> list[Failing]:
        """Return what was found so far, newest first."""
        return [one for *_, one in sorted(self._found, reverse=True)]

    def _scan(self, job: JobName) -> Iterator[bool]:
        begin = 0
        while True:
            # While others have the loop, the config or the nodes may become others.
            tasks = self._state.jobs.get(job)
            if tasks is None or begin >= len(tasks.standing):
                return
            if not any(tasks.count(reason) for reason in _REASONS):
                return
            known = self._state.book.of_job(job)
            asked = tasks.standing[begin : begin + CHUNK].translate(_FAILING)
            at = asked.find(1)
            while at >= 0:
                name = tasks.slots.names[begin + at]
                status = known.get(name)
                if status is not None:
                    reason = tasks.reason(begin + at)
                    self._keep(Failing(TaskId(job, name), reason, status))
                at = asked.find(1, at + 1)
            begin += CHUNK
            yield True

    def _keep(self, one: Failing) -> None:
        self._seen += 1
        entry = one.status.time, -self._seen, one
        if len(self._found) < self._limit:
            heappush(self._found, entry)
        elif entry[0] > self._found[0][0]:
            heapreplace(self._found, entry)
