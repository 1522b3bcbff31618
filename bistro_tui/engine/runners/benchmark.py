"""``--benchmark-run``: tasks that take a random time and sometimes fail.

Source: Bistro, runners/BenchmarkRunner.
"""

import random

from bistro_tui.engine.clock import Clock
from bistro_tui.engine.runners.pretend import PretendingRunner
from bistro_tui.engine.runners.protocol import ReportSink
from bistro_tui.engine.statuses.report import error_backoff
from bistro_tui.engine.statuses.status import TaskStatus


class BenchmarkRunner(PretendingRunner):
    """Ends each task after 0 to twice ``duration_ms``, evenly spread.

    With probability ``failure_rate`` its status is error_backoff, ``testing``.
    """

    def __init__(
        self,
        *,
        report: ReportSink,
        clock: Clock,
        rng: random.Random,
        duration_ms: int,
        failure_rate: float,
    ) -> None:
        super().__init__(report=report, clock=clock)
        self._rng = rng
        self._duration_sec = max(0, duration_ms) / 1000
        self._failure_rate = failure_rate

    def seconds(self) -> float:
        """Return a time between 0 and twice the duration."""
        if not self._duration_sec:
            return 0.0
        return self._rng.uniform(0.0, 2 * self._duration_sec)

    def outcome(self, now: float) -> TaskStatus:
        """Return done or error_backoff, by chance."""
        if self._failure_rate and self._rng.random() < self._failure_rate:
            return error_backoff("testing", now_wall=now)
        return self.done(now)
