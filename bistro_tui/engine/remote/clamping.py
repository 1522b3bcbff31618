"""Periods that are not above 0. Pure."""

from dataclasses import replace

from bistro_tui.engine.remote.times import PoolTimes


def clamped(times: PoolTimes) -> PoolTimes:
    """Return ``times`` with 1 in place of what is not above 0.

    Source: Bistro, remote/RemoteWorkerState (parameters).
    """

    def at_least(value: float) -> float:
        return value if value > 0 else 1.0

    return replace(
        times,
        heartbeat_grace_period=at_least(times.heartbeat_grace_period),
        healthcheck_period=at_least(times.healthcheck_period),
        healthcheck_grace_period=at_least(times.healthcheck_grace_period),
        lose_unhealthy_worker_after=at_least(times.lose_unhealthy_worker_after),
        worker_check_interval=at_least(times.worker_check_interval),
        suicide_backoff_safety_margin_sec=at_least(
            times.suicide_backoff_safety_margin_sec
        ),
        suicide_task_kill_wait_ms=max(1, times.suicide_task_kill_wait_ms),
        unsure_if_running_check_initial_period=at_least(
            times.unsure_if_running_check_initial_period
        ),
    )
