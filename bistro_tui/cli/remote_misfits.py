"""Times of a pool of workers that go badly together, in words. Nothing is refused."""

import math
from collections.abc import Iterator

from bistro_tui.engine.remote.times import PoolTimes

HEARTBEAT_SEC = 15.0
"""What a worker's --heartbeat-period-sec is unless somebody gives it."""

_TRUST = 0.02
"""The part of its times that a worker takes off, for clocks that are wrong."""
_ANSWER_SEC = 1.0
"""What an answer may well take."""


def misfits(times: PoolTimes) -> Iterator[str]:
    """Yield what goes badly for workers that give no flags, and what would not."""
    heartbeat, grace = HEARTBEAT_SEC, times.heartbeat_grace_period
    if grace < _TRUST * (heartbeat + grace) + _ANSWER_SEC:
        yield (
            f"--heartbeat-grace-period {grace:g} leaves no time for a heartbeat's"
            " answer: workers count as unhealthy again and again, and take no tasks"
            " then; 5 is enough in a good network"
        )
    grace = times.healthcheck_grace_period
    if grace < heartbeat:
        yield (
            f"--healthcheck-grace-period {grace:g} is less than the {heartbeat:g} s"
            " between two heartbeats of a worker without --heartbeat-period-sec; with"
            " these it hears that its health checks are good, so it counts itself as"
            " unhealthy again and again, and refuses tasks then; give"
            f" {2 * heartbeat:g}, or each worker --heartbeat-period-sec"
            f" {_rounded(grace / 2):g} or less"
        )
    lose = times.lose_unhealthy_worker_after
    next_check = times.healthcheck_period + times.worker_check_interval
    if lose < next_check:
        yield (
            f"--lose-unhealthy-worker-after {lose:g} is less than the {next_check:g} s"
            " to the next health check (--healthcheck-period and"
            " --worker-check-interval): a worker that is unhealthy only once is lost,"
            f" and its tasks with it; give {math.ceil(2 * next_check)} or more"
        )


def misfit_of_worker(heartbeat_period: float) -> str:
    """Return what is bad about that period where the scheduler has no flags."""
    grace = PoolTimes().healthcheck_grace_period
    if heartbeat_period <= grace:
        return ""
    return (
        f"--heartbeat-period-sec {heartbeat_period:g} is more than the {grace:g} s that"
        " a health check may be late: this worker hears too late that its own are good,"
        " counts itself as unhealthy again and again, and refuses tasks then; give"
        f" {grace / 2:g} or less, or the scheduler a --healthcheck-grace-period of"
        f" {math.ceil(2 * heartbeat_period)}"
    )


def _rounded(seconds: float) -> float:
    return float(f"{seconds:.1g}")
