"""How long scheduler and worker wait for each other. Pure.

Source: Bistro, remote/RemoteWorker.cpp and remote/RemoteWorkers.cpp (flags).
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolTimes:
    """The scheduler's settings, in seconds; names are those of the flags.

    Bistro has whole seconds of at least 1. Here fractions are taken as they are, and
    what is not above 0 counts as 1.
    """

    heartbeat_grace_period: float = 60.0
    healthcheck_period: float = 60.0
    healthcheck_grace_period: float = 60.0
    lose_unhealthy_worker_after: float = 500.0
    worker_check_interval: float = 5.0
    startup_wait_for_workers: float | None = None
    """None: the safe wait."""
    suicide_backoff_safety_margin_sec: float = 60.0
    suicide_task_kill_wait_ms: int = 5_000
    allow_bump_unhealthy_worker: bool = False
    unsure_if_running_check_initial_period: float = 1.0
    connect_timeout_ms: int = 1_000
    send_timeout_ms: int = 1_000
    receive_timeout_ms: int = 2_000

    @property
    def max_healthcheck_gap(self) -> float:
        """How old the newest good health check of a healthy worker may be."""
        return (
            self.healthcheck_period
            + self.healthcheck_grace_period
            + self.worker_check_interval
        )

    @property
    def safe_initial_wait(self) -> float:
        """After so long, a worker that did not come back has no task alive."""
        return (
            self.max_healthcheck_gap
            + self.lose_unhealthy_worker_after
            + self.worker_check_interval
            + self.suicide_backoff_safety_margin_sec
            + self.suicide_task_kill_wait_ms // 1_000
            + 1
        )

    @property
    def call_timeout(self) -> float:
        """How long an answer to a call is waited for."""
        return (self.send_timeout_ms + self.receive_timeout_ms) / 1_000
