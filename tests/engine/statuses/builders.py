"""Statuses for tests."""

from collections.abc import Mapping
from typing import Any

from bistro_tui.engine.config.backoff import BackoffDuration
from bistro_tui.engine.remote.worker_machine import WAS_NOT_RUNNING
from bistro_tui.engine.statuses.bits import Bits
from bistro_tui.engine.statuses.made import safe_backoff, worker_lost
from bistro_tui.engine.statuses.passed_on import from_text
from bistro_tui.engine.statuses.status import TaskStatus, settle

KILL_WAIT_MS = 5000
SAFE_SEC = 66


def status(
    bits: int, backoff_sec: int = 0, data: Mapping[str, Any] | None = None
) -> TaskStatus:
    """Return a status of second 100."""
    return TaskStatus(
        bits=Bits(bits), time=100.0, backoff_sec=backoff_sec, data=data or {}
    )


def was_not_running(*, now_wall: float) -> TaskStatus:
    """Return what a worker says of an attempt that it does not have."""
    return from_text(WAS_NOT_RUNNING, now_wall=now_wall)


def lost(
    next_backoff: BackoffDuration, previous: TaskStatus | None = None
) -> TaskStatus:
    """Return what is stored of an attempt whose worker was lost at second 100."""
    return settle(
        worker_lost("shard1", next_backoff=next_backoff, now_wall=100.0),
        previous=previous,
        next_backoff=safe_backoff(next_backoff, kill_wait_ms=KILL_WAIT_MS),
    )
