"""What a scheduler answers to the heartbeats and statuses of a worker. Pure.

Source: Bistro, remote/RemoteWorkers (processHeartbeat) and server/ThriftMonitor
(updateStatus).
"""

from bistro_tui.engine.remote.identity import InstanceId, WorkerSetId
from bistro_tui.engine.remote.messages import (
    HEALTH_CHECK,
    PROTOCOL_VERSION,
    HeartbeatReply,
    UpdateStatus,
)
from bistro_tui.engine.remote.pool_actions import StatusKind, StatusVerdict, Verdict
from bistro_tui.engine.remote.records import WorkerRecord
from bistro_tui.engine.remote.times import PoolTimes
from bistro_tui.engine.remote.worker_state import WorkerState


def reply_to(
    record: WorkerRecord | None,
    now: float,
    times: PoolTimes,
    scheduler: InstanceId,
    current: WorkerSetId,
) -> HeartbeatReply:
    """Return the answer to a heartbeat that was accepted.

    None: of a worker that was lost, and is not remembered otherwise.
    """
    state = WorkerState.MUST_DIE if record is None else record.state
    return HeartbeatReply(
        id=scheduler,
        max_healthcheck_gap=times.max_healthcheck_gap,
        heartbeat_grace_period=times.heartbeat_grace_period,
        lose_unhealthy_worker_after=times.lose_unhealthy_worker_after,
        worker_check_interval=times.worker_check_interval,
        worker_state=state.value,
        protocol_version=PROTOCOL_VERSION,
        worker_set=current,
        healthcheck_age=None if record is None else record.healthcheck_age(now),
        suicide_kill_wait_ms=times.suicide_task_kill_wait_ms,
    )


def judge(
    message: UpdateStatus,
    kind: StatusKind,
    scheduler: InstanceId,
    record: WorkerRecord | None,
) -> StatusVerdict:
    """Return what a status means for the owner of its shard, None if it has none."""
    task, invocation = message.task.task, message.task.invocation
    shard = message.task.shard
    if kind is StatusKind.RUNNING:
        text = f"{task}: ignored a status which says that it runs"
        return StatusVerdict(Verdict.ACKNOWLEDGE, text)
    if message.scheduler != scheduler:
        return _refused("the status is for another scheduler instance")
    if record is None:
        return _refused(f"unknown worker shard {shard!r}")
    if record.worker.id != message.worker:
        return _refused(f"another worker instance has the shard {shard!r}")
    if task.job == HEALTH_CHECK:
        return record.healthcheck_ended(invocation.rand, kind)
    return record.task_ended(task, invocation, kind)


def _refused(text: str) -> StatusVerdict:
    return StatusVerdict(Verdict.REFUSED, text)
