"""What becomes of one worker by and by, and what it has to be asked. Pure.

Source: Bistro, remote/RemoteWorker (updateState).
"""

from bistro_tui.engine.remote.consensus import Consensus
from bistro_tui.engine.remote.pool_actions import FetchRunning, SendSuicide, over_at
from bistro_tui.engine.remote.pool_update import PoolUpdate
from bistro_tui.engine.remote.records import WorkerRecord
from bistro_tui.engine.remote.worker_state import WorkerState


def evaluate(
    record: WorkerRecord,
    now: float,
    update: PoolUpdate,
    consensus: Consensus,
    *,
    is_allowed: bool,
) -> None:
    """Bring the state of a worker up to date; want done what is due.

    ``is_allowed``: it may become healthy for the first time. A lost one stays lost, and
    nothing of it is due.
    """
    before = record.state
    if before is WorkerState.MUST_DIE:
        return
    state = record.computed(now, is_allowed=is_allowed)
    worker = record.worker
    if before is WorkerState.HEALTHY and state is not WorkerState.HEALTHY:
        update.warn(f"worker {worker.shard} became unhealthy: {record.why_unhealthy}")
    record.enter(state, now)
    if state is WorkerState.MUST_DIE:
        _lose(record, now, update, consensus)
        return
    if state is WorkerState.NEW and record.is_linked:
        # Until it is answered, however often that takes.
        update.add(FetchRunning(worker.shard, worker.id))
    question = record.due_question(now)
    if question is not None:
        update.add(question)


def _lose(
    record: WorkerRecord, now: float, update: PoolUpdate, consensus: Consensus
) -> None:
    worker = record.worker
    reason = "Current worker just became lost"
    update.add(SendSuicide(worker.shard, worker.id, reason))
    lost = record.lose_all(now, is_dead=False)
    consensus.remove(record.member, is_dead=False, lost=over_at(lost, now))
    update.warn(f"worker {worker.shard} is lost, with {len(lost)} tasks")
    update.lose(lost)
