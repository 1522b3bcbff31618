"""A simulated scheduler: the real pool, and a small table in place of the core."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from bistro_tui.engine.ids import InvocationId, JobName, NodeName, TaskId
from bistro_tui.engine.remote import messages, pool_actions
from bistro_tui.engine.remote.given import AllGiven
from bistro_tui.engine.remote.identity import InstanceId
from bistro_tui.engine.remote.messages import RunningTask
from bistro_tui.engine.remote.outcomes import NotSent, Outcome, Refused, Unknown
from bistro_tui.engine.remote.pool import Pool
from bistro_tui.engine.remote.pool_actions import RunOutcome, StatusKind, Verdict
from bistro_tui.engine.remote.times import PoolTimes
from bistro_tui.engine.remote.worker_machine import WAS_NOT_RUNNING
from bistro_tui.engine.remote.worker_state import WorkerState
from bistro_tui.engine.scheduling.core import Core
from tests.engine.remote.sim.disk import Disk
from tests.engine.remote.sim.events import Events, Host, Process
from tests.engine.remote.sim.network import Answer, Stream
from tests.engine.remote.sim.truth import Truth

ORDER = messages.Order(
    config="",
    command=(),
    env={},
    status_from="file",
    timeout_sec=None,
    kill=messages.KillWords("kill", 0),
    lines_per_interval=0,
    memory_max=0,
    cpu_weight=0,
)
CALL_SEC = 3.0
_KINDS = {"done": StatusKind.DONE, WAS_NOT_RUNNING: StatusKind.OVERWRITEABLE}


@dataclass(slots=True)
class Entry:
    """What the scheduler knows of one task."""

    running: InvocationId | None = None
    shard: str = ""
    eligible: float = 0.0
    lost: InvocationId | None = None
    """Of which nothing is alive from then on."""
    is_done: bool = False
    is_overwriteable: bool = False


class SchedulerNode:
    """One run of a scheduler."""

    has_limits = False
    all_given = AllGiven

    def __init__(
        self,
        events: Events,
        host: Host,
        truth: Truth,
        tasks: Iterable[TaskId],
        *,
        instance: InstanceId,
        times: PoolTimes,
        pool: type[Pool],
        core: type[Core],
        disk: Disk,
    ) -> None:
        self.process = Process(events, host)
        self.events, self.truth, self.id, self.times = events, truth, instance, times
        truth.scheduler_is_new()
        self.pool = pool(
            instance,
            times,
            host.clock(),
            is_first_ever=disk.served.safe_wait is None,
            at_rest=disk.served.at_rest,
            safe_before=disk.served.safe_wait or 0.0,
            given=self.all_given(
                disk.served.given, here=host.home, gave=disk.served.gave
            ),
        )
        self._disk, self._safe_wait = disk, self.pool.times.safe_initial_wait
        self._has_given = False
        self.streams: dict[tuple[str, InstanceId], Stream] = {}
        self.entries = {task: Entry(is_done=task in truth.on_disk) for task in tasks}
        self._core = core
        self._owners: dict[str, InstanceId] = {}
        self._count = 0
        self.process.every(times.worker_check_interval, self._tick)
        self.process.every(0.25, self._dispatch)

    def add_task(self, task: TaskId) -> None:
        self.entries[task] = Entry()

    # Streams.

    def accept(self, stream: Stream, shard: str, worker: InstanceId) -> None:
        self._disk.let_in(self.id, self._safe_wait)
        self.streams[shard, worker] = stream
        self._act(self.pool.link_up(shard, worker, self.process.clock()))

    def stream_ended(self, stream: Stream) -> None:
        for (shard, worker), one in list(self.streams.items()):
            if one is stream:
                del self.streams[shard, worker]
                self._act(self.pool.link_lost(shard, worker, self.process.clock()))

    def handle(self, stream: Stream, body: messages.Request, answer: Answer) -> None:
        now = self.process.clock()
        if isinstance(body, messages.Heartbeat):
            reply, actions = self.pool.heartbeat(
                body.worker, body.worker_set, messages.PROTOCOL_VERSION, now
            )
            if (
                isinstance(reply, messages.HeartbeatReply)
                and reply.worker_state != WorkerState.MUST_DIE
            ):
                self._accepted(body.worker, reply)
            if self.pool.may_have_tasks:
                self._give()
            answer(Refused(reply) if isinstance(reply, str) else reply)
            self._act(actions)
        elif isinstance(body, messages.UpdateStatus):
            self._status_arrived(body, answer)
        else:
            raise TypeError(body)

    def _accepted(
        self, worker: messages.Worker, reply: messages.HeartbeatReply
    ) -> None:
        if reply.worker_state != WorkerState.MUST_DIE:
            self.truth.heartbeat_is_accepted(worker.id)
        old = self._owners.get(worker.shard)
        if old not in (None, worker.id):
            assert old is not None
            self.truth.gone_workers.add(old)
        self._owners[worker.shard] = worker.id

    # Statuses.

    def _status_arrived(self, message: messages.UpdateStatus, answer: Answer) -> None:
        kind = _KINDS.get(message.status, StatusKind.OTHER)
        verdict, text = self.pool.status_arrived(message, kind, self.process.clock())
        task, invocation = message.task.task, message.task.invocation
        if verdict is Verdict.REFUSED:
            answer(Refused(text))
        elif verdict is Verdict.ACKNOWLEDGE:
            answer(messages.Done())
        elif verdict in (Verdict.ENDED, Verdict.LATE):
            if verdict is Verdict.ENDED:
                self.events.tell(
                    f"scheduler: {task} {invocation} ended {message.status}"
                )
                self._over(task, invocation, kind)
            self.process.after(
                self.events.rng.uniform(0.0, 0.3),
                lambda: self._stored(message, kind, verdict, answer),
            )

    def _over(self, task: TaskId, invocation: InvocationId, kind: StatusKind) -> None:
        entry = self.entries[task]
        self.truth.is_believed_over(task, invocation)
        if entry.is_done:
            return
        if entry.running != invocation:
            raise self.truth.broken("I4", f"{invocation} of {task} ends {entry}")
        entry.running = None
        entry.is_overwriteable = kind is StatusKind.OVERWRITEABLE
        entry.is_done = kind is StatusKind.DONE

    def _stored(
        self,
        message: messages.UpdateStatus,
        kind: StatusKind,
        verdict: Verdict,
        answer: Answer,
    ) -> None:
        task = message.task.task
        entry = self.entries[task]
        if verdict is Verdict.LATE:
            self.events.tell(f"scheduler: late {task} {message.status}")
            if entry.is_overwriteable and entry.running is None:
                entry.is_overwriteable = kind is StatusKind.OVERWRITEABLE
                entry.is_done = kind is StatusKind.DONE
                if entry.is_done:
                    self.truth.is_done(task)
        elif entry.is_done:
            self.truth.is_done(task)
        self.pool.settled(task, message.task.invocation)
        answer(messages.Done())

    # Starting.

    def _dispatch(self) -> None:
        if self.pool.wait_text:
            return
        now = self.process.clock()
        rng = self.events.rng
        for task, entry in self.entries.items():
            if entry.running is not None or entry.is_done or entry.eligible > now:
                continue
            rows = [
                row
                for row in self.pool.rows()
                if row.takes_tasks and (row.slots is None or row.running < row.slots)
            ]
            if not rows:
                return
            self._start(task, entry, rng.choice(rows).shard)

    def _start(self, task: TaskId, entry: Entry, shard: str) -> None:
        now = self.process.clock()
        self._count += 1
        running = messages.RunningTask(
            task=task,
            invocation=InvocationId(self.id.start_time, self._count),
            shard=shard,
            resources={},
            path=(),
            next_backoff=messages.TaskBackoff(0, no_more=False),
            started=now,
            suicide_kill_wait_ms=self.times.suicide_task_kill_wait_ms,
        )
        ticket, actions = self.pool.dispatched(running, now)
        if isinstance(ticket, str):
            self._act(actions)
            return
        entry.running, entry.shard = running.invocation, shard
        entry.is_overwriteable = False
        self._send(running, ticket)
        self._act(actions)

    def _send(self, running: messages.RunningTask, ticket: pool_actions.Ticket) -> None:
        task, invocation, shard = running.task, running.invocation, running.shard
        self._give()
        self.truth.is_dispatched(running)
        self.events.tell(f"scheduler: {task} {invocation} to {shard}")
        message = messages.RunTask(
            task=running,
            order=ORDER,
            sequence=ticket.sequence,
            scheduler=self.id,
            worker=ticket.worker,
        )
        self._call(
            shard,
            ticket.worker,
            message,
            lambda outcome: self._act(
                self.pool.run_answered(
                    shard,
                    ticket.worker,
                    task,
                    invocation,
                    _run_outcome(outcome),
                    self.process.clock(),
                    getattr(outcome, "text", ""),
                )
            ),
        )

    def _give(self) -> None:
        if self._has_given and not self.pool.is_note_behind:
            return
        given = self.pool.given()
        self._disk.give(self.id, self._safe_wait, given)
        self.pool.noted(given)
        self._has_given = True

    def edits(self) -> dict[str, Callable[[], None]]:
        """Return what a person may do to it."""
        return {}

    def shard_of(self, task: TaskId) -> str:
        """Return where it runs or ran last; empty if that is not known."""
        return self.entries[task].shard

    def explain(self, task: TaskId) -> str:
        """Return all that is known of it."""
        return str(self.entries[task])

    def kill(self, task: TaskId, invocation: InvocationId) -> None:
        """Have that attempt ended, wherever it was."""
        shard = self.shard_of(task)
        row = self.pool.row(shard) if shard else None
        if row is None:
            return
        running = messages.RunningTask(
            task=task,
            invocation=invocation,
            shard=row.shard,
            resources={},
            path=(),
            next_backoff=messages.TaskBackoff(0, no_more=False),
            started=0.0,
            suicide_kill_wait_ms=0,
        )
        message = messages.KillTask(
            task=running,
            kill=messages.KillWords("kill", 0),
            scheduler=self.id,
            worker=row.id,
        )
        self._call(row.shard, row.id, message, lambda _: None)

    # What the pool wants.

    def _tick(self) -> None:
        self._act(self.pool.tick(self.process.clock()))

    def _act(self, actions: list[pool_actions.PoolAction]) -> None:
        for action in actions:
            self._do(action)

    def _do(self, action: pool_actions.PoolAction) -> None:
        now = self.process.clock()
        if isinstance(action, pool_actions.TasksLost):
            for lost in action.tasks:
                self._lost(lost, now)
        elif isinstance(action, pool_actions.NotStarted):
            task, invocation = action.task.task, action.task.invocation
            self.events.tell(f"scheduler: {task} {invocation} not started")
            self._over(task, invocation, StatusKind.OTHER)
        elif isinstance(action, pool_actions.Adopted):
            for running in action.tasks:
                self._adopted(running)
        elif isinstance(action, pool_actions.WaitIs):
            self.events.tell(f"scheduler: wait: {action.text or 'over'}")
            if not action.text:
                found = self.entries.values()
                waits = {one.lost for one in found if one.lost and one.eligible > now}
                self.truth.wait_is_over(
                    {one.running for one in found if one.running} | waits
                )
        elif isinstance(action, pool_actions.Warn):
            self.events.tell(f"scheduler: {action.text}")
        else:
            self._ask(action)

    def _lost(self, lost: pool_actions.LostTask, now: float) -> None:
        entry = self.entries[lost.task.task]
        self.events.tell(f"scheduler: {lost.task.task} lost")
        if entry.is_done:
            return
        if entry.running != lost.task.invocation:
            raise self.truth.broken("I4", f"{lost.task} is lost, not {entry}")
        entry.running, entry.lost = None, lost.task.invocation
        entry.is_overwriteable = True
        entry.eligible = now + lost.safe_sec

    def _adopted(self, running: messages.RunningTask) -> None:
        entry = self.entries[running.task]
        self.events.tell(f"scheduler: adopts {running.task} {running.invocation}")
        if entry.is_done:
            # All of its attempts are over, and only not acknowledged.
            return
        if entry.running is None:
            entry.running, entry.shard = running.invocation, running.shard
        elif entry.running != running.invocation:
            raise self.truth.broken("I1", f"two attempts of {running.task} are known")

    def _ask(self, action: pool_actions.PoolAction) -> None:
        now = self.process.clock
        if isinstance(action, pool_actions.SendSuicide):
            self.events.tell(f"scheduler: {action.shard} must die: {action.reason}")
            self._mark_lost(action)
            self._call(
                action.shard,
                action.worker,
                messages.RequestSuicide(
                    reason=action.reason, scheduler=self.id, worker=action.worker
                ),
                lambda _: None,
            )
        elif isinstance(action, pool_actions.SendHealthcheck):
            node = messages.NEW_WORKER if action.is_new else ""
            task = messages.RunningTask(
                task=TaskId(JobName(messages.HEALTH_CHECK), NodeName(node)),
                invocation=InvocationId(0, action.number),
                shard=action.shard,
                resources={},
                path=(),
                next_backoff=messages.TaskBackoff(0, no_more=False),
                started=0.0,
                suicide_kill_wait_ms=0,
            )
            self._call(
                action.shard,
                action.worker,
                messages.RunTask(
                    task=task,
                    order=ORDER,
                    sequence=0,
                    scheduler=self.id,
                    worker=action.worker,
                ),
                lambda _: None,
            )
        elif isinstance(action, pool_actions.AskIfNotRunning):
            asked = action
            self._call(
                asked.shard,
                asked.worker,
                messages.NotifyIfNotRunning(
                    tasks=asked.tasks,
                    sequence=asked.sequence,
                    scheduler=self.id,
                    worker=asked.worker,
                ),
                lambda outcome: self._act(
                    self.pool.not_running_answered(
                        asked.shard,
                        asked.worker,
                        asked.tasks,
                        now(),
                        ok=isinstance(outcome, messages.Done),
                    )
                ),
            )
        elif isinstance(action, pool_actions.FetchRunning):
            fetch = action
            self._call(
                fetch.shard,
                fetch.worker,
                messages.GetRunningTasks(worker=fetch.worker),
                lambda outcome: self._act(
                    self.pool.running_fetched(
                        fetch.shard,
                        fetch.worker,
                        self._alive_of(outcome.tasks)
                        if isinstance(outcome, messages.RunningTasks)
                        else None,
                        now(),
                    )
                ),
            )

    def _alive_of(self, tasks: Sequence[RunningTask]) -> Sequence[RunningTask]:
        """Return which of these that a worker tells of are not known to be over."""
        return tasks

    def _mark_lost(self, action: pool_actions.SendSuicide) -> None:
        if self._owners.get(action.shard) == action.worker:
            # Not those who are refused because the owner is still okay.
            self.truth.gone_workers.add(action.worker)

    def _call(
        self, shard: str, worker: InstanceId, body: messages.Request, answered: object
    ) -> None:
        assert callable(answered)
        stream = self.streams.get((shard, worker))
        if stream is None:
            self.process.after(0.0, lambda: answered(NotSent("not connected")))
        else:
            stream.schedulers_end.call(body, answered, timeout=CALL_SEC)


def _run_outcome(outcome: Outcome) -> RunOutcome:
    if isinstance(outcome, Refused):
        return RunOutcome.REFUSED
    if isinstance(outcome, NotSent):
        return RunOutcome.NOT_SENT
    if isinstance(outcome, Unknown):
        return RunOutcome.UNKNOWN
    return RunOutcome.ACCEPTED
