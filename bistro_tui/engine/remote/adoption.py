"""What a scheduler takes over of what a worker reports to run. Pure.

Source: Bistro, runners/RemoteWorkerRunner (fetchRunningTasksForNewWorkers). It aborts
where two workers report one task; here the attempt that ended, and of which only the
acknowledgement is outstanding, gives way to the one that was started after it.
"""

from collections.abc import Iterable, Mapping

from bistro_tui.engine.ids import InvocationId, TaskId
from bistro_tui.engine.remote.messages import HEALTH_CHECK, RunningTask
from bistro_tui.engine.remote.pool_actions import Adopted, NotStarted
from bistro_tui.engine.remote.pool_update import PoolUpdate
from bistro_tui.engine.remote.records import WorkerRecord


def adopt(
    record: WorkerRecord,
    reported: Iterable[RunningTask],
    holders: Mapping[TaskId, WorkerRecord],
    known: dict[InvocationId, TaskId],
    update: PoolUpdate,
) -> None:
    """Take over what the worker of ``record`` reports, but for what cannot be.

    ``holders`` are all records by the tasks that run there, ``known`` those tasks by
    attempt; it is added to. An attempt that gives way to another one is none of what
    runs; its status is late when it comes.
    """
    shard = record.worker.shard
    taken: list[RunningTask] = []
    wrong: list[TaskId] = []
    for found in reported:
        task = found.task
        if (
            found.shard != shard
            or task.job == HEALTH_CHECK
            or holders.get(task) is record
            # It names an attempt for all who tell of one, kill it or count it.
            or known.setdefault(found.invocation, task) != task
        ):
            wrong.append(task)
        elif _wins(found, holders.get(task), update):
            record.take_on(found)
            taken.append(found)
    if wrong:
        update.warn(
            f"worker {shard}: ignored {len(wrong)} of the tasks that it says it runs: "
            f"of another shard, or twice, as {wrong[0]}"
        )
    if taken:
        update.add(Adopted(tuple(taken)))


def _wins(found: RunningTask, holder: WorkerRecord | None, update: PoolUpdate) -> bool:
    """Return whether ``found`` is the one that runs; the other one is taken off."""
    if holder is None:
        return True
    other = holder.running[found.task]
    if not (found.is_over or other.is_over):
        update.warn(
            f"{found.task} runs twice: on worker {found.shard} as {found.invocation}, "
            f"on worker {other.shard} as {other.invocation}"
        )
    if _rank(found) <= _rank(other):
        return False
    holder.take_off(other.task, other.invocation)
    text = f"another attempt, {found.invocation}, runs on worker {found.shard}"
    update.add(NotStarted(other, text))
    return True


def _rank(attempt: RunningTask) -> tuple[object, ...]:
    return (not attempt.is_over, attempt.started, attempt.invocation)
