"""How long a worker may keep its tasks when it hears nothing more. Pure.

The scheduler starts a lost worker's tasks anew only after the worker must have ended
them. A worker that is stopped cannot count, so its wardens are told beforehand.
"""

from bistro_tui.engine.remote.messages import HeartbeatReply
from bistro_tui.engine.remote.worker_state import Gaps, Standing, WorkerState

_TRUST = 0.98
"""Each clock may be wrong by 1 %: the worker counts its periods as so much shorter."""


def worker_gaps(reply: HeartbeatReply, heartbeat_period: float) -> Gaps:
    """Return the worker's own gaps: it is gone before its scheduler gives it up.

    Bistro's worker is earlier by the scheduler's check interval alone, which with
    periods below that interval is never; at most half of the time is taken off for it.
    """
    lose = reply.lose_unhealthy_worker_after
    return Gaps(
        max_healthcheck_gap=_TRUST * reply.max_healthcheck_gap,
        max_heartbeat_gap=_TRUST * (heartbeat_period + reply.heartbeat_grace_period),
        lose_after=_TRUST * max(lose - reply.worker_check_interval, lose / 2),
    )


def lease_until(standing: Standing, gaps: Gaps) -> float:
    """Return the earliest moment at which the worker can be lost if nothing is heard.

    ``standing`` is one that ``compute`` has just agreed to.
    """
    if standing.state is WorkerState.MUST_DIE:
        return standing.became_unhealthy
    if standing.state is WorkerState.HEALTHY:
        return standing.fresh_until(gaps) + gaps.lose_after
    lost = standing.became_unhealthy + gaps.lose_after
    if standing.state is WorkerState.UNHEALTHY and not standing.has_been_healthy:
        return max(standing.fresh_until(gaps), lost)
    return lost
