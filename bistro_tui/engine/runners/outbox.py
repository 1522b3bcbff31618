"""What a runner of remote workers has to tell, gathered for a turn of the loop.

To tell of all workers takes long where there are many, and one of them can change as
often as it likes.
"""

import asyncio
from collections.abc import Callable, Sequence

from bistro_tui.engine.runners.protocol import (
    AttemptAdopted,
    AttemptLost,
    AttemptNotStarted,
    ReportsSink,
    RunnerReport,
    WorkersAwaited,
    WorkersChanged,
)
from bistro_tui.engine.scheduling.events import WorkerFacts

MANY = 100
"""From so many workers on they are told of only now and then."""
GAP_SEC = 0.1
"""Between two times."""
_AFTER_WORKERS = (AttemptNotStarted, AttemptLost, AttemptAdopted, WorkersAwaited)
"""What makes tasks start: not with workers that were told of before it happened."""


class Outbox:
    """All reports of a turn leave together in the next one.

    Where there are many workers, that they changed may leave later than the rest.
    """

    def __init__(
        self,
        report_all: ReportsSink,
        workers: Callable[[], tuple[WorkerFacts, ...]],
    ) -> None:
        """``workers`` returns those that are there."""
        self._report_all, self._workers = report_all, workers
        self._loop = asyncio.get_running_loop()
        self._reports: list[RunnerReport] = []
        self._are_workers_others = False
        self._telling: asyncio.Handle | None = None
        self._waiting: asyncio.TimerHandle | None = None
        """For when the workers can be told of again."""
        self._free_at = 0.0
        """Loop second from which they can."""

    def tell(self, report: RunnerReport) -> None:
        """Take a report."""
        self._reports.append(report)
        self._soon()

    def workers_are_others(self) -> None:
        """Have the workers told of before all else: nothing starts on who is gone."""
        self._are_workers_others = True
        self._soon()

    def tell_now(self) -> None:
        """Report all that waits, at once."""
        if self._telling is not None or self._waiting is not None:
            if self._telling is not None:
                self._telling.cancel()
            self._free_at = 0.0
            self._tell_all()

    def _soon(self) -> None:
        if self._telling is None:
            self._telling = self._loop.call_soon(self._tell_all)

    def _tell_all(self) -> None:
        self._telling = None
        reports, self._reports = self._reports, []
        if self._are_workers_others:
            if self._can_tell_workers(reports):
                reports.insert(0, self._changed())
            elif self._waiting is None:
                self._waiting = self._loop.call_at(self._free_at, self._can_again)
        if reports:
            self._report_all(reports)

    def _can_tell_workers(self, reports: Sequence[RunnerReport]) -> bool:
        return self._loop.time() >= self._free_at or any(
            isinstance(one, _AFTER_WORKERS) for one in reports
        )

    def _can_again(self) -> None:
        self._waiting = None
        self._free_at = 0.0
        self._soon()

    def _changed(self) -> WorkersChanged:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None
        self._are_workers_others = False
        workers = self._workers()
        gap = GAP_SEC if len(workers) >= MANY else 0.0
        # From now: the time that it took is not part of the gap.
        self._free_at = self._loop.time() + gap
        return WorkersChanged(workers)
