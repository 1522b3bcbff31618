"""The protocol with one of its guards taken away: a world has to find each of them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from bistro_tui.engine.remote.consensus import Consensus, Member
from bistro_tui.engine.remote.identity import InstanceId, WorkerSetId
from bistro_tui.engine.remote.messages import (
    HeartbeatReply,
    KillTask,
    NotifyIfNotRunning,
    RunTask,
    UpdateStatus,
    Worker,
)
from bistro_tui.engine.remote.pool import Pool
from bistro_tui.engine.remote.pool_actions import (
    LostTask,
    PoolAction,
    StatusKind,
    StatusVerdict,
    TasksLost,
)
from bistro_tui.engine.remote.times import PoolTimes
from bistro_tui.engine.remote.worker_machine import WorkerMachine
from bistro_tui.engine.remote.worker_state import WorkerState
from tests.engine.remote.sim.scenes import a_status_overtakes, a_worker_comes_alone
from tests.engine.remote.sim.world import TIMES, Rules, World


class RunsOldOrders(WorkerMachine):
    """The sequence number of an order to run is not looked at."""

    def run_task(self, message: RunTask, now: float) -> str | None:
        return super().run_task(msgspec.structs.replace(message, sequence=1 << 62), now)


class RunsUnwell(WorkerMachine):
    """Only the scheduler has to think that the worker is healthy."""

    def run_task(self, message: RunTask, now: float) -> str | None:
        standing = self._standing
        self._standing = replace(standing, state=WorkerState.HEALTHY)
        self._gaps = replace(self._gaps, max_healthcheck_gap=1e9, max_heartbeat_gap=1e9)
        try:
            return super().run_task(message, now)
        finally:
            self._standing = standing


class EndsAnyAttempt(Pool):
    """The status of an attempt ends whichever attempt of the task runs."""

    def status_arrived(
        self, message: UpdateStatus, kind: StatusKind, now: float
    ) -> StatusVerdict:
        for running in self.running(message.task.shard):
            if running.task == message.task.task:
                message = msgspec.structs.replace(message, task=running)
        return super().status_arrived(message, kind, now)


class TakesAnyInstance(Pool):
    """Whoever comes with a known shard is who had it."""

    def heartbeat(
        self,
        worker: Worker,
        worker_set: WorkerSetId,
        protocol_version: int,
        now: float,
    ) -> tuple[HeartbeatReply | str, list[PoolAction]]:
        row = self.row(worker.shard)
        if row is not None:
            worker = msgspec.structs.replace(worker, id=row.id, lock=row.lock)
        return super().heartbeat(worker, worker_set, protocol_version, now)


class _EasilyAgrees(Consensus):
    def has_initial_consensus(self) -> bool:
        return True


class _PermitsAll(Consensus):
    def permits(self, member: Member) -> bool:
        return True


class AgreesAtOnce(Pool):
    """Whatever workers are there are taken for all there were."""

    def __init__(
        self, scheduler: InstanceId, times: PoolTimes, now: float, **more: Any
    ) -> None:
        super().__init__(scheduler, times, now, **more)
        self._consensus = _EasilyAgrees(scheduler, is_waiting=True)


class PermitsAll(Pool):
    """A worker gets tasks before all others know of it."""

    def __init__(
        self, scheduler: InstanceId, times: PoolTimes, now: float, **more: Any
    ) -> None:
        super().__init__(scheduler, times, now, **more)
        self._consensus = _PermitsAll(scheduler, is_waiting=True)


class HearsNewWorkers(Pool):
    """Statuses of a worker are taken before it is known what it runs."""

    def status_arrived(
        self, message: UpdateStatus, kind: StatusKind, now: float
    ) -> StatusVerdict:
        record = self._records.get(message.task.shard)
        if record is None or record.state is not WorkerState.NEW:
            return super().status_arrived(message, kind, now)
        standing = record.standing
        record.standing = replace(standing, state=WorkerState.UNHEALTHY)
        verdict = super().status_arrived(message, kind, now)
        record.standing = standing
        return verdict


class WaitsForNobody(Pool):
    """Tasks of a lost worker may start again at once."""

    def tick(self, now: float) -> list[PoolAction]:
        return [_at_once(action) for action in super().tick(now)]


def _at_once(action: PoolAction) -> PoolAction:
    if not isinstance(action, TasksLost):
        return action
    return TasksLost(tuple(LostTask(one.task, 0) for one in action.tasks))


class KillsAnyAttempt(WorkerMachine):
    """An order to kill ends whichever attempt of the task runs."""

    def kill(self, message: KillTask) -> str | None:
        for held in self.alive:
            if held.task == message.task.task:
                message = msgspec.structs.replace(message, task=held)
        return super().kill(message)


class SaysNothing(WorkerMachine):
    """Another attempt of the task is taken for the one that is asked for."""

    def notify(self, message: NotifyIfNotRunning) -> str | None:
        here = {one.task for one in self._tasks.values()}
        asked = tuple(one for one in message.tasks if one.task not in here)
        return super().notify(msgspec.structs.replace(message, tasks=asked))


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """A world with a guard less, and a seed from which on it is soon found."""

    rules: Rules
    seed: int = 0
    story: Callable[[World], None] | None = None
    """What happens; None: a random walk."""


MUTANTS = {
    "sequence number": Mutant(rules=Rules(machine=RunsOldOrders)),
    "both must agree on health": Mutant(rules=Rules(machine=RunsUnwell)),
    "invocation id of a status": Mutant(rules=Rules(pool=EndsAnyAttempt)),
    "invocation id of a kill": Mutant(
        rules=Rules(machine=KillsAnyAttempt, weights={"kill": 5.0})
    ),
    "invocation id of a question": Mutant(
        rules=Rules(
            machine=SaysNothing,
            weights={"cut": 6.0, "heal": 2.0},
            others=0.2,
            slowness=0.5,
        ),
        seed=60,
    ),
    "worker id": Mutant(rules=Rules(pool=TakesAnyInstance)),
    "consensus": Mutant(rules=Rules(pool=AgreesAtOnce)),
    "consent of all": Mutant(
        rules=Rules(pool=PermitsAll, shards=("a", "b"), tasks=8),
        story=a_worker_comes_alone,
    ),
    "lease": Mutant(rules=Rules(has_lease=False)),
    "new workers are not heard": Mutant(
        rules=Rules(pool=HearsNewWorkers, shards=("a",), tasks=8, keeps_order=False),
        seed=130,
        story=a_status_overtakes,
    ),
    "safe backoff": Mutant(
        rules=Rules(
            pool=WaitsForNobody,
            times=replace(TIMES, suicide_task_kill_wait_ms=5_000),
        )
    ),
}
