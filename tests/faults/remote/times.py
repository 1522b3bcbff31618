"""How long scheduler and workers wait for each other, and how long a judge waits."""

from collections.abc import Sequence
from dataclasses import dataclass

from bistro_tui.engine.remote.times import PoolTimes

BEAT_OF_WORKERS = 15.0
"""The default of a worker's --heartbeat-period-sec."""
_FLAGS = (
    "heartbeat-grace-period",
    "healthcheck-period",
    "healthcheck-grace-period",
    "lose-unhealthy-worker-after",
    "worker-check-interval",
)


@dataclass(frozen=True, kw_only=True)
class Times:
    """The times of a pool, in seconds."""

    pool: PoolTimes
    beat: float
    are_default: bool = False
    """Whether no flag is needed for them."""
    lengths: Sequence[tuple[float, float]]
    """Of faults: shorter and longer than to be late, lost, and started anew."""
    to_work: float
    """Within these a task starts, whatever has happened."""
    to_the_end: float
    """Within these all is done, once nothing happens any more."""

    @property
    def kill_wait(self) -> float:
        return self.pool.suicide_task_kill_wait_ms / 1_000

    @property
    def late(self) -> float:
        """After these a worker that is not heard is unhealthy."""
        return self.beat + self.pool.heartbeat_grace_period

    @property
    def last_task_dies(self) -> float:
        """After these a worker that hears nothing has no task alive."""
        lease = self.late + self.pool.lose_unhealthy_worker_after
        return 1.01 * (lease + self.beat) + self.kill_wait + 1.0

    @property
    def long(self) -> float:
        """A task that nobody ends is still alive when it is started elsewhere."""
        margin = self.pool.suicide_backoff_safety_margin_sec
        return self.last_task_dies + margin + max(7.0, 2 * self.late)

    @property
    def to_a_stop(self) -> float:
        """Within these ends who is asked to."""
        return self.kill_wait + 60.0

    def scheduler_flags(self) -> Sequence[str]:
        if self.are_default:
            return ()
        pool = self.pool
        margin = f"={pool.suicide_backoff_safety_margin_sec}"
        asked = f"={pool.unsure_if_running_check_initial_period}"
        return (
            *(f"--{one}={getattr(pool, one.replace('-', '_'))}" for one in _FLAGS),
            f"--CAUTION-worker-suicide-backoff-safety-margin-sec{margin}",
            f"--CAUTION-worker-suicide-task-kill-wait-ms={pool.suicide_task_kill_wait_ms}",
            f"--unsure-if-running-check-initial-period{asked}",
            f"--thrift-send-timeout-ms={pool.send_timeout_ms}",
            f"--thrift-receive-timeout-ms={pool.receive_timeout_ms}",
        )

    def worker_flags(self) -> Sequence[str]:
        return () if self.are_default else (f"--heartbeat-period-sec={self.beat}",)


def scaled(lose_after: float, lengths: Sequence[tuple[float, float]]) -> Times:
    """Return short ones, but for the time from unhealthy to lost."""
    return Times(
        pool=PoolTimes(
            heartbeat_grace_period=1.0,
            healthcheck_period=0.2,
            healthcheck_grace_period=1.0,
            lose_unhealthy_worker_after=lose_after,
            worker_check_interval=0.1,
            suicide_backoff_safety_margin_sec=0.5,
            suicide_task_kill_wait_ms=300,
            unsure_if_running_check_initial_period=0.2,
            send_timeout_ms=300,
            receive_timeout_ms=500,
        ),
        beat=0.2,
        lengths=lengths,
        to_work=120.0 + 4 * lose_after,
        to_the_end=180.0 + 4 * lose_after,
    )


SCALED = scaled(0.6, ((0.0, 0.4), (0.6, 1.6), (2.0, 3.0), (3.6, 4.6)))
"""As short as programs can keep them."""
TAKEN_OVER = scaled(4.0, SCALED.lengths)
"""A scheduler that is killed is back before the tasks of its workers have to end."""
LONG_LEASE = scaled(5.0, ((1.0, 3.0), (3.0, 5.0), (5.0, 7.0), (9.0, 11.0)))
"""A scheduler has started long before the tasks of a worker end that is away."""
DEFAULT = Times(
    pool=PoolTimes(),
    beat=BEAT_OF_WORKERS,
    are_default=True,
    lengths=((0.0, 4.0), (5.0, 20.0), (30.0, 70.0), (80.0, 100.0)),
    to_work=PoolTimes().safe_initial_wait + 120.0,
    to_the_end=PoolTimes().safe_initial_wait + 300.0,
)
