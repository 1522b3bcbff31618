"""What a scheduler thinks of a worker, and the worker of itself, by one rule. Pure.

Each side keeps its own ``Standing`` on its own clock. A task starts only where both say
``HEALTHY``.

Source: Bistro, remote/RemoteWorkerState.
"""

import math
from dataclasses import dataclass, replace
from enum import IntEnum


class WorkerState(IntEnum):
    """The numbers are those of ``HeartbeatReply.worker_state``."""

    NEW = 0
    """Nobody has told the scheduler yet what it runs."""
    HEALTHY = 1
    """It may be given tasks."""
    UNHEALTHY = 2
    """It keeps what it runs, and gets nothing new."""
    MUST_DIE = 3
    """It is lost, for ever."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gaps:
    """How long a worker may be silent, in seconds of the side that asks."""

    max_healthcheck_gap: float
    max_heartbeat_gap: float
    lose_after: float
    """An unhealthy worker is lost after so long; infinity: never."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """All that the state of a worker is computed from; moments are of one clock."""

    became_unhealthy: float
    """When it stopped being healthy, at first when it became known."""
    state: WorkerState = WorkerState.NEW
    healthcheck_sent: float = -math.inf
    """When the newest health check that came back good was sent."""
    heartbeat: float = -math.inf
    """When it was heard of last."""
    has_been_healthy: bool = False

    def fresh_until(self, gaps: Gaps) -> float:
        """Return the last moment at which it can be healthy if nothing is heard."""
        return min(
            self.healthcheck_sent + gaps.max_healthcheck_gap,
            self.heartbeat + gaps.max_heartbeat_gap,
        )

    def lost_after(self, gaps: Gaps) -> float:
        """Return the last moment before it can be lost if nothing more is heard of it.

        Infinity: never. Of one that is lost already it means nothing.
        """
        if self.state is WorkerState.HEALTHY:
            return self.fresh_until(gaps) + gaps.lose_after
        lost_after = self.became_unhealthy + gaps.lose_after
        if self.state is WorkerState.NEW:
            return lost_after
        return max(lost_after, self.fresh_until(gaps))

    def moved(self, state: WorkerState, since: float) -> "Standing":
        """Return it in ``state``; ``since`` counts if that ends its being healthy."""
        ends = self.state is WorkerState.HEALTHY and state is not WorkerState.HEALTHY
        return replace(
            self,
            state=state,
            became_unhealthy=since if ends else self.became_unhealthy,
            has_been_healthy=self.has_been_healthy or state is WorkerState.HEALTHY,
        )


def compute(
    standing: Standing, gaps: Gaps, now: float, *, is_allowed: bool
) -> tuple[WorkerState, bool]:
    """Return the state at ``now``, and if only ``is_allowed`` keeps it unhealthy.

    ``is_allowed``: it may become healthy for the first time. A healthy worker is
    unhealthy for at least one call before it is lost; one that only is not allowed
    never is.
    """
    if standing.state is WorkerState.MUST_DIE:
        return WorkerState.MUST_DIE, False
    is_blocked = False
    if standing.state is WorkerState.NEW:
        found = WorkerState.NEW
    elif now > standing.fresh_until(gaps):
        found = WorkerState.UNHEALTHY
    elif not is_allowed and not standing.has_been_healthy:
        found, is_blocked = WorkerState.UNHEALTHY, True
    else:
        found = WorkerState.HEALTHY
    if (
        not is_blocked
        and found is not WorkerState.HEALTHY
        and standing.state is not WorkerState.HEALTHY
        and now > standing.became_unhealthy + gaps.lose_after
    ):
        return WorkerState.MUST_DIE, False
    return found, is_blocked
