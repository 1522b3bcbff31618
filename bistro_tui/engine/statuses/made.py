"""Statuses that no task wrote: what scheduler and workers say for it.

Source: Bistro, statuses/TaskStatus and runners/RemoteWorkerRunner (lost tasks).
"""

from bistro_tui.engine.config.backoff import BackoffDuration
from bistro_tui.engine.statuses import bits as status_bits
from bistro_tui.engine.statuses.bits import Bits
from bistro_tui.engine.statuses.saved_backoff import SAVED_BACKOFF
from bistro_tui.engine.statuses.status import Complaint, TaskStatus

RUNNING = Bits.RUNNING
NEVER_STARTED = Bits.ERROR
WORKER_LOST = status_bits.ERROR_BACKOFF | Bits.OVERWRITEABLE | Bits.HAS_SAVED_BACKOFF

SAFETY_MARGIN_SEC = 60
"""Bistro's default of --CAUTION_worker_suicide_backoff_safety_margin_sec."""


def running(*, now_wall: float) -> TaskStatus:
    """Return the status of a task that was just started."""
    return TaskStatus(bits=RUNNING, time=now_wall)


def never_started(exception: str, *, now_wall: float) -> TaskStatus:
    """Return an error without backoff: whoever should have run it knows it did not."""
    data = Complaint({"exception": exception})
    return TaskStatus(bits=NEVER_STARTED, time=now_wall, data=data)


def worker_lost(
    worker_shard: str, *, next_backoff: BackoffDuration, now_wall: float
) -> TaskStatus:
    """Return the status of a task whose worker is gone, to be settled as any other.

    ``next_backoff`` is what the attempt recorded at its start; the job's progression
    goes on from it. Settle it with ``safe_backoff``.
    """
    return TaskStatus(
        bits=WORKER_LOST,
        time=now_wall,
        data=Complaint(
            {
                "worker_shard": worker_shard,
                "exception": "Remote worker lost (crashed? network down?)",
                SAVED_BACKOFF: next_backoff.seconds,
            }
        ),
    )


def safe_backoff(
    next_backoff: BackoffDuration,
    *,
    kill_wait_ms: int,
    margin_sec: int = SAFETY_MARGIN_SEC,
) -> BackoffDuration:
    """Return the delay of a lost task, long enough for its worker to end it first.

    That is the job's own delay, but at least the margin, the whole seconds between
    SIGTERM and SIGKILL, and one more. Whether the list has ended stays as it is.
    """
    safe_sec = margin_sec + max(kill_wait_ms, 0) // 1000 + 1
    return next_backoff._replace(seconds=max(next_backoff.seconds, safe_sec))
