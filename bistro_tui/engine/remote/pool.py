"""All workers of a scheduler: who may have tasks, what they run, who is lost. Pure.

Each method is told what happened and returns what is to be done, in order. Moments
are ``Now.elapsed``. What peers send is refused or ignored where it is wrong, with a
warning.

Source: Bistro, remote/RemoteWorkers and runners/RemoteWorkerRunner. Unlike there,
nothing is sent to a worker that is not connected, whatever is due: it is sent when it
is back.
"""

from collections.abc import Collection, Iterable

from bistro_tui.engine.ids import InvocationId, TaskId
from bistro_tui.engine.remote.adoption import adopt
from bistro_tui.engine.remote.answers import judge, reply_to
from bistro_tui.engine.remote.clamping import clamped
from bistro_tui.engine.remote.conflicts import Ruling, Winner, rule, what_is_wrong
from bistro_tui.engine.remote.consensus import Consensus
from bistro_tui.engine.remote.evaluation import evaluate
from bistro_tui.engine.remote.given import AllGiven
from bistro_tui.engine.remote.gone import WAS_LOST, Gone
from bistro_tui.engine.remote.identity import NOBODY, InstanceId, WorkerSetId
from bistro_tui.engine.remote.initial_wait import InitialWait
from bistro_tui.engine.remote.lost import to_forget
from bistro_tui.engine.remote.messages import (
    PROTOCOL_VERSION,
    HeartbeatReply,
    Leaving,
    RunningTask,
    UpdateStatus,
    Worker,
)
from bistro_tui.engine.remote.pool_actions import (
    NotStarted,
    PoolAction,
    RunOutcome,
    SendSuicide,
    StatusKind,
    StatusVerdict,
    Ticket,
    Verdict,
    WaitIs,
    over_at,
)
from bistro_tui.engine.remote.pool_looks import PoolLooks
from bistro_tui.engine.remote.pool_update import PoolUpdate
from bistro_tui.engine.remote.records import WorkerRecord
from bistro_tui.engine.remote.times import PoolTimes
from bistro_tui.engine.remote.unstored import Unstored
from bistro_tui.engine.remote.worker_state import WorkerState

MOST_WORKERS = 20_000
"""Shards that are known, those that are lost among them."""
NOT_FOR_YOU = "Worker shouldn't associate with this scheduler"


class Pool(PoolLooks):
    """The workers by shard, in the order in which their shards came up."""

    def __init__(
        self,
        scheduler: InstanceId,
        times: PoolTimes,
        now: float,
        *,
        is_first_ever: bool,
        at_rest: Collection[InstanceId] = (),
        safe_before: float = 0.0,
        given: AllGiven | None = None,
        first_version: int = 0,
    ) -> None:
        """Start waiting.

        ``is_first_ever``: no worker can have a task by a scheduler with these data.
        ``at_rest``: those that left none. ``safe_before``: the safe wait by the
        settings of before. ``given``: who may have tasks, as that is known from before.
        ``first_version``: of the empty set of workers.
        """
        self.scheduler = scheduler
        self.times = clamped(times)
        super().__init__(
            consensus=Consensus(scheduler, first_version, is_waiting=True),
            wait=InitialWait(
                self.times, now, is_first_ever=is_first_ever, safe_before=safe_before
            ),
            given=AllGiven() if given is None else given,
        )
        self._told_wait = self._wait.text
        self._checks = 0
        self._unstored = Unstored()
        self._gone = Gone()
        self._harmless = frozenset((NOBODY, scheduler, *at_rest))

    # What workers say.

    def heartbeat(
        self,
        worker: Worker,
        worker_set: WorkerSetId,
        protocol_version: int,
        now: float,
    ) -> tuple[HeartbeatReply | str, list[PoolAction]]:
        """Return the answer, a text if it is refused, and what is to be done.

        A worker whose heartbeat is accepted is connected.
        """
        wrong = _wrong_version(protocol_version) or what_is_wrong(worker)
        if wrong:
            return wrong, []
        update = PoolUpdate()
        gone = self._gone.reason(worker.id)
        if gone:
            update.add(SendSuicide(worker.shard, worker.id, gone))
            # It may never have heard of this scheduler: then it obeys only an answer.
            answer = self._reply(None, now) if gone == WAS_LOST else NOT_FOR_YOU
            return answer, update.actions()
        record = self._records.get(worker.shard)
        if record is None:
            if len(self._records) >= MOST_WORKERS:
                return f"there are {MOST_WORKERS} workers already", update.actions()
            record = self._came(worker, worker_set, now)
            is_allowed = False
        else:
            # What this heartbeat brings does not count for its own evaluation.
            is_allowed = self._is_allowed(record)
            ruling = self._ruling(record, worker, now, is_allowed=is_allowed)
            update.warn(ruling.warning)
            if ruling.winner is Winner.OLD:
                if ruling.suicide:
                    update.add(SendSuicide(worker.shard, worker.id, ruling.suicide))
                return NOT_FOR_YOU, update.actions()
            if ruling.winner is Winner.NEW:
                self._replaced(record, ruling, now, update)
                record = self._came(worker, worker_set, now)
                is_allowed = False
            else:
                self._heard_again(record, worker_set, update)
        record.heard(worker, now)
        record.end_rest()
        self._evaluate(record, now, update, is_allowed=is_allowed)
        if record.state is WorkerState.HEALTHY:
            record.knows_it_is_healthy = True
        self._offer(record, update)
        return self._reply(record, now), update.actions()

    def _reply(self, record: WorkerRecord | None, now: float) -> HeartbeatReply:
        return reply_to(
            record, now, self.times, self.scheduler, self._consensus.current
        )

    def status_arrived(
        self, message: UpdateStatus, kind: StatusKind, now: float
    ) -> StatusVerdict:
        """Return what to do with the end of an attempt.

        After ``ENDED`` it runs no longer; then and after ``LATE``, ``settled`` is to be
        called.
        """
        found = message.task
        record = self._records.get(found.shard)
        verdict = self._unstored.judge(
            found.task,
            found.invocation,
            kind,
            judge(message, kind, self.scheduler, record),
            message.worker,
        )
        if record is not None and verdict.verdict is Verdict.ENDED:
            record.take_off(found.task, found.invocation)
        return verdict

    def settled(self, task: TaskId, invocation: InvocationId) -> None:
        """Take note that an end of that attempt is on disk, or does not count."""
        self._unstored.settled(task, invocation)

    def lost_is_stored(self, invocation: InvocationId) -> None:
        """Take note that what became of an attempt is on disk, or does not count.

        If it was lost, the workers hear only now that its worker is none of them: a
        scheduler after this one need not wait for that, and must find the status.
        """
        self._consensus.stored(invocation)

    # What becomes of calls.

    def dispatched(
        self, task: RunningTask, now: float
    ) -> tuple[Ticket | str, list[PoolAction]]:
        """Return with what to send a task, which counts as running from now on.

        A text if its worker takes none, or another attempt is there, of which is told
        again: then it does not run.
        """
        record = self._records.get(task.shard)
        if record is None:
            return f"there is no worker {task.shard}", []
        if self._wait.text:
            return self._wait.text, []
        holder = self._holders.get(task.task)
        if holder is not None:
            shard = holder.worker.shard
            why = f"worker {shard} has another attempt of {task.task}"
            return why, self.found(task.task)
        if record.takes_tasks:
            record.take_on(task)
            self._given.gets(record.worker.id)
            return Ticket(record.worker.id, record.sequence), []
        # Whoever chose it has not heard so.
        update = PoolUpdate()
        update.workers_are_others()
        record.offered = _offer_of(record)
        why = f"worker {task.shard} takes no tasks: {record.why_not}"
        return why, update.actions()

    def run_answered(
        self,
        shard: str,
        worker: InstanceId,
        task: TaskId,
        invocation: InvocationId,
        outcome: RunOutcome,
        now: float,
        text: str = "",
    ) -> list[PoolAction]:
        """Take note of what became of sending a task; ``text`` says why it failed."""
        record = self._owner(shard, worker)
        if record is None or outcome is RunOutcome.ACCEPTED:
            return []
        if outcome is RunOutcome.UNKNOWN:
            record.be_unsure_of(task, invocation)
            return []
        found = record.take_off(task, invocation)
        if found is None:
            return []
        update = PoolUpdate()
        update.add(NotStarted(found, text))
        record.rest()
        self._offer(record, update)
        return update.actions()

    def not_running_answered(
        self,
        shard: str,
        worker: InstanceId,
        asked: Iterable[RunningTask],
        now: float,
        *,
        ok: bool,
    ) -> list[PoolAction]:
        """Take note whether the worker took the question after these tasks."""
        record = self._owner(shard, worker)
        if record is not None and ok:
            record.be_sure_of(asked)
        return []

    def running_fetched(
        self,
        shard: str,
        worker: InstanceId,
        tasks: Iterable[RunningTask] | None,
        now: float,
    ) -> list[PoolAction]:
        """Take over what the worker said it runs; None if it did not answer.

        All of it is ignored unless the same instance was asked and nobody answered
        before.
        """
        record = self._owner(shard, worker)
        if record is None or tasks is None or record.state is not WorkerState.NEW:
            return []
        update = PoolUpdate()
        running = [one.running.values() for one in self._records.values()]
        known = {one.invocation: one.task for found in running for one in found}
        adopt(record, tasks, self._holders, known, update)
        self._given.told(worker)
        if record.running:
            self._given.gets(worker)
        record.why_unhealthy = "no health check came back good yet"
        record.enter(WorkerState.UNHEALTHY, now)
        self._offer(record, update)
        return update.actions()

    def link_lost(self, shard: str, worker: InstanceId, now: float) -> list[PoolAction]:
        """Give that worker no tasks until it is back; its state stays as it is."""
        return self._linked(shard, worker, is_linked=False)

    def link_up(self, shard: str, worker: InstanceId, now: float) -> list[PoolAction]:
        """Take note that the worker is connected again."""
        return self._linked(shard, worker, is_linked=True)

    def leaving(
        self, shard: str, worker: InstanceId, now: float, message: Leaving
    ) -> list[PoolAction]:
        """Give that worker no tasks, and count it as gone once it has none.

        So the others need not wait until it is lost, which could take long. What it has
        not told of is found out as with any worker that is gone.
        """
        record = self._owner(shard, worker)
        if record is None or record.state is WorkerState.MUST_DIE:
            return []
        update = PoolUpdate()
        if record.leave(message):
            self._consensus.remove(record.member, is_dead=True)
            self._given.told(worker)
            self._given.changed()
            record.enter(WorkerState.MUST_DIE, now)
        self._offer(record, update)
        return update.actions()

    # Time.

    def set_exit_wait_before(self, *, timestamp_is_in_future: bool) -> None:
        """End the initial wait at the next ``tick`` as long as this holds."""
        self._wait.skip(wanted=timestamp_is_in_future)

    def tick(self, now: float) -> list[PoolAction]:
        """Look at everything; to be called each ``times.worker_check_interval``."""
        update = PoolUpdate()
        self._consensus.time_passed(now)
        self._consensus.refresh()
        for record in self._records.values():
            record.end_rest()
            allowed = self._is_allowed(record)
            self._evaluate(record, now, update, is_allowed=allowed)
            self._offer(record, update)
        self._forget_lost(now, update)
        self._look_at_wait(now, update)
        return update.actions()

    def _forget_lost(self, now: float, update: PoolUpdate) -> None:
        forgotten = to_forget(
            self._records.values(), lambda: self._unstored.workers, now
        )
        for record in forgotten:
            worker = record.worker
            self._gone.add(worker.id, WAS_LOST)
            del self._records[worker.shard]
            update.workers_are_others()

    def _look_at_wait(self, now: float, update: PoolUpdate) -> None:
        if not self._wait.text:
            return
        records = self._records.values()
        unknown = sum(record.state is WorkerState.NEW for record in records)
        for warning in self._wait.look(
            now,
            has_consensus=self.has_all_of_before,
            known=sum(record.is_known for record in records),
            unknown=unknown,
        ):
            update.warn(warning)
        if self._wait.text != self._told_wait:
            self._told_wait = self._wait.text
            if not self._told_wait:
                self._consensus.wait_is_over()
                self._given.changed()
                if any(record.takes_tasks for record in self._records.values()):
                    update.workers_are_others()
            update.add(WaitIs(self._told_wait))

    # One worker.

    def _is_allowed(self, record: WorkerRecord) -> bool:
        return self._consensus.permits(record.member)

    def _ruling(
        self, record: WorkerRecord, worker: Worker, now: float, *, is_allowed: bool
    ) -> Ruling:
        state = record.state
        if worker.lock.held != record.worker.lock.held:
            state = record.computed(now, is_allowed=is_allowed)
        return rule(
            record.worker,
            worker,
            state,
            may_bump_unhealthy=self.times.allow_bump_unhealthy_worker,
        )

    def _came(
        self, worker: Worker, worker_set: WorkerSetId, now: float
    ) -> WorkerRecord:
        is_harmless = worker_set.scheduler in self._harmless
        self._given.came(worker, worker_set.scheduler, is_harmless=is_harmless)
        if not is_harmless:
            self._had_another_scheduler = True
            self._wait.had_another_scheduler()
        member = self._consensus.add(worker.id, worker_set)
        record = WorkerRecord(
            worker,
            member,
            self.times,
            now,
            self._holders,
            former_until=self._wait.safe_until,
        )
        self._records[worker.shard] = record
        return record

    def _heard_again(
        self, record: WorkerRecord, worker_set: WorkerSetId, update: PoolUpdate
    ) -> None:
        worker = record.worker
        if record.state is WorkerState.MUST_DIE:
            update.add(SendSuicide(worker.shard, worker.id, WAS_LOST))
            return
        wrong = self._consensus.heard(record.member, worker_set)
        if wrong:
            update.warn(f"worker {worker.shard}: {wrong}")

    def _replaced(
        self, record: WorkerRecord, ruling: Ruling, now: float, update: PoolUpdate
    ) -> None:
        worker = record.worker
        if ruling.suicide:
            update.add(SendSuicide(worker.shard, worker.id, ruling.suicide))
        self._gone.add(worker.id, ruling.suicide or "Current worker was replaced")
        lost = record.lose_all(now, is_dead=ruling.is_old_dead)
        self._consensus.remove(
            record.member, is_dead=ruling.is_old_dead, lost=over_at(lost, now)
        )
        self._given.changed()
        self._has_given_up |= bool(lost) and not ruling.is_old_dead
        update.lose(lost)
        update.workers_are_others()

    def _evaluate(
        self, record: WorkerRecord, now: float, update: PoolUpdate, *, is_allowed: bool
    ) -> None:
        had_tasks, before = bool(record.running), record.state
        evaluate(record, now, update, self._consensus, is_allowed=is_allowed)
        if record.state is WorkerState.MUST_DIE and before is not record.state:
            self._given.changed()
            self._has_given_up |= had_tasks
        check = record.due_healthcheck(now, self._checks + 1)
        if check is not None:
            self._checks += 1
            update.add(check)

    def _offer(self, record: WorkerRecord, update: PoolUpdate) -> None:
        """Tell others if it is not what they last heard of it."""
        offer = _offer_of(record)
        if offer != record.offered:
            record.offered = offer
            update.workers_are_others()

    def _linked(
        self, shard: str, worker: InstanceId, *, is_linked: bool
    ) -> list[PoolAction]:
        record = self._owner(shard, worker)
        if record is None:
            return []
        update = PoolUpdate()
        record.is_linked = is_linked
        self._offer(record, update)
        return update.actions()


def _offer_of(record: WorkerRecord) -> object:
    worker = record.worker
    is_gone = record.state is WorkerState.MUST_DIE
    stays = (is_gone, record.is_leaving)
    has = (worker.lock, worker.usable, worker.slots)
    return (record.takes_tasks, stays, has, worker.held)


def _wrong_version(found: int) -> str:
    """Return why a worker with that protocol is refused; empty if it is not."""
    if found == PROTOCOL_VERSION:
        return ""
    return (
        "Worker-scheduler protocol version mismatch: "
        f"{found} is not compatible with {PROTOCOL_VERSION}"
    )
