"""The protocol with one of its guards taken away: a world has to find each of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from bistro_tui.engine.ids import InvocationId
from bistro_tui.engine.remote.consensus import Consensus, Member
from bistro_tui.engine.remote.given import AllGiven, Given
from bistro_tui.engine.remote.identity import InstanceId, WorkerSetId
from bistro_tui.engine.remote.messages import (
    HeartbeatReply,
    KillTask,
    NotifyIfNotRunning,
    RunningTask,
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
from bistro_tui.engine.scheduling.core import Core
from tests.engine.remote.sim.core_mutants import (
    AdoptsForNothing,
    ForgivesWaits,
    NeverGivesUp,
    TakesOlderStatuses,
)
from tests.engine.remote.sim.core_node import CoreNode
from tests.engine.remote.sim.disk import Disk
from tests.engine.remote.sim.scenes import (
    a_copy_of_a_directory_is_used,
    a_host_is_copied_but_its_scheduler,
    a_scheduler_dies_before_a_loss_is_stored,
    a_scheduler_dies_while_it_waits,
    a_status_overtakes,
    a_worker_comes_alone,
    the_first_answer_is_lost,
    the_next_run_does_not_look_back,
    the_next_scheduler_has_other_times,
    the_scheduler_has_another_directory,
)
from tests.engine.remote.sim.scheduler_node import SchedulerNode
from tests.engine.remote.sim.worker_node import Attempt, Warden
from tests.engine.remote.sim.world import TIMES, Rules, World


class _KnowsNobody(AllGiven):
    def __init__(self, *_: object, **__: object) -> None:
        super().__init__()


class GoesBySets(CoreNode):
    """Its wait goes by what workers agree on alone, as after a note of an older one."""

    all_given = _KnowsNobody


class AdoptsOlderEnds(GoesBySets):
    """An attempt that is over counts as running unless its very own end is stored."""

    def _alive_of(self, tasks: Sequence[RunningTask]) -> Sequence[RunningTask]:
        return super()._alive_of(
            [msgspec.structs.replace(one, commits=1 << 53) for one in tasks]
        )


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


class _ForgetsLosses(Consensus):
    def remove(
        self, member: Member, *, is_dead: bool, lost: Mapping[InvocationId, float] = {}
    ) -> None:
        super().remove(member, is_dead=is_dead)


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


class TellsOfLossesAtOnce(Pool):
    """That a worker is gone is told before it is stored what was lost with it."""

    def __init__(
        self, scheduler: InstanceId, times: PoolTimes, now: float, **more: Any
    ) -> None:
        super().__init__(scheduler, times, now, **more)
        self._consensus = _ForgetsLosses(scheduler, is_waiting=True)


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
        return [_shorter(action, lambda _: 0) for action in super().tick(now)]


class GoesByTheTask(Pool):
    """What the wardens were told does not count, only what came with the task."""

    def tick(self, now: float) -> list[PoolAction]:
        return [_shorter(action, self._by_task) for action in super().tick(now)]

    def _by_task(self, lost: LostTask) -> int:
        margin = int(self.times.suicide_backoff_safety_margin_sec)
        return margin + lost.task.suicide_kill_wait_ms // 1_000 + 1


class ForgetsWhatWasSaid(Pool):
    """No worker goes by what schedulers of before have said."""

    def __init__(
        self, scheduler: InstanceId, times: PoolTimes, now: float, **more: Any
    ) -> None:
        super().__init__(scheduler, times, now, **more)
        self._wait.safe_until = now


class BumpedMeansEnding(Pool):
    """A worker that is bumped is taken for one that ends its tasks at once."""

    def heartbeat(
        self,
        worker: Worker,
        worker_set: WorkerSetId,
        protocol_version: int,
        now: float,
    ) -> tuple[HeartbeatReply | str, list[PoolAction]]:
        reply, actions = super().heartbeat(worker, worker_set, protocol_version, now)
        return reply, [_shorter(action, lambda _: 4) for action in actions]


def _shorter(action: PoolAction, safe_sec: Callable[[LostTask], int]) -> PoolAction:
    if not isinstance(action, TasksLost):
        return action
    return TasksLost(tuple(LostTask(one.task, safe_sec(one)) for one in action.tasks))


class KillsAnyAttempt(WorkerMachine):
    """An order to kill ends whichever attempt of the task runs."""

    def kill(self, message: KillTask) -> str | None:
        for held in self.alive:
            if held.task == message.task.task:
                message = msgspec.structs.replace(message, task=held)
        return super().kill(message)


class KillsWhatIsOver(WorkerMachine):
    """An order to kill is taken until the end of its attempt is acknowledged."""

    def kill(self, message: KillTask) -> str | None:
        held = self._tasks.get(message.task.task)
        if held is not None and held.invocation == message.task.invocation:
            return None
        return super().kill(message)


class GoesByNumbers(Warden):
    """A process is known by its number alone, also after it was reaped."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._numbers: dict[InvocationId, int] = {}

    def start(self, attempt: Attempt) -> bool:
        is_begun = super().start(attempt)
        self._numbers[attempt.task.invocation] = attempt.pid
        return is_begun

    def kill(self, invocation: InvocationId, wait: float) -> None:
        if invocation in self._numbers:
            pid = self._numbers[invocation]
            self.truth.is_signalled(self.host, pid, invocation)
        super().kill(invocation, wait)


class SaysNothing(WorkerMachine):
    """Another attempt of the task is taken for the one that is asked for."""

    def notify(self, message: NotifyIfNotRunning) -> str | None:
        here = {one.task for one in self._tasks.values()}
        asked = tuple(one for one in message.tasks if one.task not in here)
        return super().notify(msgspec.structs.replace(message, tasks=asked))


class KeepsNoGivenTask(Disk):
    """That a worker was given a task is not kept for the next scheduler."""

    def give(
        self,
        scheduler: InstanceId,
        safe_wait: float,
        given: tuple[Given, ...] | None,
    ) -> None:
        pass


class NotesTheFirstOnly(Disk):
    """Who gets tasks later than the first ones is not kept for the next scheduler."""

    def give(
        self,
        scheduler: InstanceId,
        safe_wait: float,
        given: tuple[Given, ...] | None,
    ) -> None:
        known = self.served.given
        if known and given is not None:
            given = tuple(one for one in given if one in known)
        super().give(scheduler, safe_wait, given)


class ForgetsTheLost(Pool):
    """Who was given up is not noted any more, before it is stored what is lost."""

    def given(self) -> tuple[Given, ...] | None:
        found = super().given()
        if found is None or self.wait_text:
            return found
        live = {row.id for row in self.rows()}
        return tuple(one for one in found if one.id in live)


class _BelievesLocks(AllGiven):
    def came(self, worker: Worker, scheduler: InstanceId, *, is_harmless: bool) -> None:
        super().came(worker, scheduler, is_harmless=is_harmless)
        for one in self._at.get(worker.lock.held, ()):
            self._awaited.discard(one.id)


class BelievesLocks(SchedulerNode):
    """Who has the lock of a run before is believed, wherever that is."""

    all_given = _BelievesLocks


class _BelievesMachines(AllGiven):
    def came(self, worker: Worker, scheduler: InstanceId, *, is_harmless: bool) -> None:
        super().came(worker, scheduler, is_harmless=is_harmless)
        for one in self._at.get(worker.lock.held, ()):
            if one.home.machine == worker.home.machine:
                self._awaited.discard(one.id)


class BelievesMachines(SchedulerNode):
    """Another boot of what looks like the same machine is believed, without more."""

    all_given = _BelievesMachines


class _KnowsAllSchedulers(AllGiven):
    def came(self, worker: Worker, scheduler: InstanceId, *, is_harmless: bool) -> None:
        super().came(worker, scheduler, is_harmless=True)


class KnowsAllSchedulers(SchedulerNode):
    """What workers had of a scheduler with other data is taken for noted here."""

    all_given = _KnowsAllSchedulers


class TakesWaitingForRest(Disk):
    """A scheduler that let workers in says that nothing is left of those before it."""

    def let_in(self, scheduler: InstanceId, safe_wait: float) -> None:
        if scheduler not in self.served.at_rest:
            self.served = self.served.resting(scheduler)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """A world with a guard less, and a seed from which on it is soon found."""

    rules: Rules
    seed: int = 0
    story: Callable[[World], None] | None = None
    """What happens; None: a random walk."""


def _core(core: type[Core], **weights: float) -> Rules:
    return Rules(scheduler=CoreNode, core=core, weights=weights)


BUMPING = replace(TIMES, allow_bump_unhealthy_worker=True)

MUTANTS = {
    "sequence number": Mutant(rules=Rules(machine=RunsOldOrders)),
    "both must agree on health": Mutant(rules=Rules(machine=RunsUnwell)),
    "invocation id of a status": Mutant(rules=Rules(pool=EndsAnyAttempt)),
    "invocation id of a kill": Mutant(
        rules=Rules(machine=KillsAnyAttempt, weights={"kill": 5.0})
    ),
    "kills of the living only": Mutant(
        rules=Rules(machine=KillsWhatIsOver, weights={"kill": 5.0})
    ),
    "processes by more than numbers": Mutant(
        rules=Rules(warden=GoesByNumbers, weights={"kill": 5.0})
    ),
    "invocation id of a question": Mutant(
        rules=Rules(
            machine=SaysNothing,
            weights={"cut": 6.0, "heal": 2.0},
            others=0.2,
            slowness=0.5,
        ),
        seed=297,
    ),
    "worker id": Mutant(rules=Rules(pool=TakesAnyInstance)),
    "consensus": Mutant(rules=Rules(pool=AgreesAtOnce)),
    "the note of the first task": Mutant(
        rules=Rules(disk=KeepsNoGivenTask, weights={"crash_scheduler": 3.0})
    ),
    "the note of what waits": Mutant(
        rules=Rules(disk=TakesWaitingForRest, shards=("a", "b"), tasks=8),
        story=a_scheduler_dies_while_it_waits,
    ),
    "the note of every worker": Mutant(
        rules=Rules(
            disk=NotesTheFirstOnly,
            weights={"crash_scheduler": 4.0, "crash_worker": 4.0},
        )
    ),
    "the note of the lost": Mutant(
        rules=Rules(
            scheduler=CoreNode,
            pool=ForgetsTheLost,
            times=BUMPING,
            shards=("a", "a", "b"),
            tasks=8,
        ),
        story=a_scheduler_dies_before_a_loss_is_stored,
    ),
    "the home of a directory": Mutant(
        rules=Rules(scheduler=BelievesLocks, shards=("a",)),
        story=a_copy_of_a_directory_is_used,
    ),
    "the home of a machine": Mutant(
        rules=Rules(scheduler=BelievesMachines, shards=("a",)),
        story=a_host_is_copied_but_its_scheduler,
    ),
    "the look back": Mutant(
        rules=Rules(
            trusts_blindly=True,
            shards=("a",),
            times=replace(TIMES, suicide_task_kill_wait_ms=9_000),
        ),
        story=the_next_run_does_not_look_back,
    ),
    "schedulers with other data": Mutant(
        rules=Rules(scheduler=KnowsAllSchedulers, shards=("a", "b"), tasks=8),
        story=the_scheduler_has_another_directory,
    ),
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
    "the wait of wardens": Mutant(
        rules=Rules(
            pool=GoesByTheTask,
            shards=("a", "b"),
            later=(replace(TIMES, suicide_task_kill_wait_ms=15_000),),
        ),
        story=the_next_scheduler_has_other_times,
    ),
    "times of before": Mutant(
        rules=Rules(
            pool=ForgetsWhatWasSaid,
            shards=("a", "b"),
            tasks=8,
            times=replace(TIMES, lose_unhealthy_worker_after=40.0),
            later=(TIMES,),
            keeps_order=False,
        ),
        story=the_first_answer_is_lost,
    ),
    "the lease of a bumped worker": Mutant(
        rules=Rules(
            scheduler=CoreNode,
            pool=BumpedMeansEnding,
            times=BUMPING,
            shards=("a", "a", "b"),
        )
    ),
    "losses are stored first": Mutant(
        rules=Rules(
            scheduler=CoreNode,
            pool=TellsOfLossesAtOnce,
            times=BUMPING,
            shards=("a", "a", "b"),
            tasks=8,
        ),
        story=a_scheduler_dies_before_a_loss_is_stored,
    ),
    "resources of adopted tasks": Mutant(rules=_core(AdoptsForNothing)),
    "the attempt that was lost": Mutant(
        rules=_core(TakesOlderStatuses, crash_worker=5.0, cut=8.0, heal=4.0)
    ),
    "the attempt that was newer": Mutant(
        rules=Rules(
            scheduler=AdoptsOlderEnds,
            weights={"crash_scheduler": 4.0, "crash_worker": 4.0},
        ),
        seed=50_468,
    ),
    "the wait of forgiven tasks": Mutant(rules=_core(ForgivesWaits, forgive=4.0)),
    "the end of the list": Mutant(rules=_core(NeverGivesUp)),
}
