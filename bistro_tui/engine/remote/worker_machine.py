"""The worker's half of the protocol. Pure.

Periods are seconds, moments are seconds of one clock that counts suspend. After any
call the daemon asks ``tick`` what to do.

Source: Bistro, worker/BistroWorkerHandler.
"""

import math
from dataclasses import replace

import msgspec

from bistro_tui.engine.ids import InvocationId, TaskId
from bistro_tui.engine.remote.bounds import LONGEST_TEXT, MOST_TASKS, sendable
from bistro_tui.engine.remote.identity import (
    NO_SET,
    NOBODY,
    InstanceId,
    WorkerSetId,
)
from bistro_tui.engine.remote.lease import lease_until, worker_gaps
from bistro_tui.engine.remote.messages import (
    HEALTH_CHECK,
    NEW_WORKER,
    PROTOCOL_VERSION,
    GetRunningTasks,
    Heartbeat,
    HeartbeatReply,
    KillTask,
    NotifyIfNotRunning,
    RequestSuicide,
    RunningTask,
    RunningTasks,
    RunTask,
    UpdateStatus,
    Usable,
    Worker,
)
from bistro_tui.engine.remote.status_queue import StatusQueue, TaskEnd
from bistro_tui.engine.remote.worker_actions import (
    Associated,
    Die,
    SendStatus,
    StateIs,
    Warn,
    WorkerAction,
)
from bistro_tui.engine.remote.worker_room import WorkerRoom
from bistro_tui.engine.remote.worker_set import is_earlier
from bistro_tui.engine.remote.worker_state import (
    Gaps,
    Standing,
    WorkerState,
    compute,
)

MOST_UNDELIVERED = 10 * MOST_TASKS
"""Statuses; with more nobody is told any more of what is not here."""
WAS_NOT_RUNNING = '{"result_bits":1056,"made":true}'
"""The status of a task that a scheduler asked for and that is not here."""

_NO_GAPS = Gaps(max_healthcheck_gap=0.0, max_heartbeat_gap=0.0, lose_after=math.inf)
_DYING = "This worker is ending itself"


class WorkerMachine:
    """What one instance of a worker knows and decides."""

    def __init__(self, worker: Worker, now: float) -> None:
        self._worker = worker
        self._scheduler = NOBODY
        self._worker_set: WorkerSetId = NO_SET
        self._sequence = 0
        self._standing = Standing(became_unhealthy=now)
        self._gaps = _NO_GAPS
        self._doubtful: float | None = None
        self._tasks: dict[TaskId, RunningTask] = {}
        self._ended: set[TaskId] = set()
        self._room = WorkerRoom()
        self._queue = StatusQueue()
        self._actions: list[WorkerAction] = []
        self._told_state = self._standing.state
        self._reason = ""
        self.kill_wait_ms = 0
        """Between SIGTERM and SIGKILL when the lease is over."""
        self.linked = False
        """Whether a status could be sent now; the daemon says so."""

    # What the daemon asks.

    @property
    def state(self) -> WorkerState:
        """The worker's own opinion, as of the last call that had a moment."""
        return self._standing.state

    @property
    def scheduler(self) -> InstanceId:
        """The scheduler that it belongs to; ``NOBODY`` before the first."""
        return self._scheduler

    @property
    def is_dying(self) -> bool:
        """Whether it ends itself: no more heartbeats, nothing new is taken."""
        return bool(self._reason)

    @property
    def lease_until(self) -> float | None:
        """The moment at which all its tasks end if nothing is heard; None: never."""
        if self._scheduler == NOBODY:
            return None
        return lease_until(self._standing, self._gaps)

    @property
    def alive(self) -> tuple[RunningTask, ...]:
        """What was accepted and has not ended, health checks among them."""
        return tuple(
            held for task, held in self._tasks.items() if task not in self._ended
        )

    @property
    def is_full(self) -> bool:
        """Whether a task was refused for want of room, and none has left since."""
        return self._room.is_full

    @property
    def undelivered(self) -> int:
        """How many statuses are not acknowledged."""
        return len(self._queue)

    @property
    def next_due(self) -> float:
        """When ``tick`` has a status to send; it is called each second anyway."""
        return self._queue.next_due() if self.linked else math.inf

    def tick(self, now: float) -> list[WorkerAction]:
        """Return what to do now, in that order."""
        self._evaluate(now)
        if self.linked:
            for number, end in self._queue.take(now):
                message = self._update(end)
                self._actions.append(SendStatus(number=number, message=message))
        if self._told_state is not self._standing.state:
            self._told_state = self._standing.state
            self._actions.append(StateIs(state=self._told_state))
        actions, self._actions = self._actions, []
        return actions

    def die(self, reason: str) -> None:
        """End it; the first reason is the one that is told."""
        if not self._reason:
            self._reason = reason
            self._actions.append(Die(reason=reason))

    # Heartbeats: one at a time, and each has one end or is doubtful.

    def beat(
        self, now: float, usable: Usable, slots: int | None, held: str = ""
    ) -> Heartbeat:
        """Return what to send at once; not of a dying worker.

        ``held``: why nothing can start here.
        """
        if self._doubtful is None:
            self._doubtful = now
        if self.is_full:
            # What is refused would be sent again and again.
            alive = sum(one.task.job != HEALTH_CHECK for one in self.alive)
            slots = alive if slots is None else min(slots, alive)
        held = sendable(held[:LONGEST_TEXT])
        self._worker = msgspec.structs.replace(
            self._worker, usable=usable, slots=slots, held=held
        )
        return Heartbeat(worker=self._worker, worker_set=self._worker_set)

    def beat_not_sent(self, sent_at: float) -> None:
        """Take note that no scheduler can have heard it."""
        if self._doubtful == sent_at:
            self._doubtful = None

    def beat_refused(self, text: str) -> None:
        """Take note that its scheduler does not have this worker, and why."""
        self._doubtful = None
        self._warn(f"the scheduler refused a heartbeat: {text}")

    def beat_answered(self, reply: HeartbeatReply, sent_at: float, now: float) -> None:
        """Believe what the scheduler says, as of when it was asked."""
        if self._reason:
            return
        problem = _unusable(reply)
        if problem:
            self._warn(problem)
            return
        is_other = reply.id != self._scheduler
        state = WorkerState(reply.worker_state)
        if sent_at < self._standing.heartbeat and (
            is_other or state is not WorkerState.MUST_DIE
        ):
            return
        self._gaps = worker_gaps(reply, self._worker.heartbeat_period_sec)
        self.kill_wait_ms = reply.suicide_kill_wait_ms
        if is_other:
            self._associate(reply, sent_at)
        elif is_earlier(reply.worker_set.version, self._worker_set.version):
            self._warn("the scheduler's set of workers went back; keeping the newer")
        else:
            self._worker_set = reply.worker_set
        if state is WorkerState.NEW and self._standing.state is not WorkerState.NEW:
            # It once knew this worker and does not any more: by now it may have
            # started elsewhere what runs here.
            self.die("The scheduler has replaced this worker")
            return
        self._doubtful = None
        self._hear(reply, sent_at)
        self._move(state, now)
        if state is WorkerState.MUST_DIE:
            self.die("The scheduler has given this worker up")
        self._evaluate(now)

    # What a scheduler asks. A text refuses, None: do it.

    def run_task(self, message: RunTask, now: float) -> str | None:
        """Take an attempt; accepted, it ends in one status or with the worker."""
        task = message.task.task
        is_check = task.job == HEALTH_CHECK
        self._evaluate(now)
        if self._reason:
            return f"{_DYING}, not running task: {task.job}, {task.node}"
        if not is_check and self._standing.state is not WorkerState.HEALTHY:
            return f"Unhealthy, not running task: {task.job}, {task.node}"
        is_first_check = is_check and task.node == NEW_WORKER
        scheduler = self._scheduler if is_first_check else message.scheduler
        problem = self._stranger(message.worker, scheduler)
        if problem is not None:
            return problem
        if not is_check and message.sequence < self._sequence:
            return (
                f"Not running task, it was sent too long ago: {task.job}, {task.node}"
                f" (sequence number {message.sequence} < {self._sequence})"
            )
        held = self._tasks.get(task)
        if held is not None:
            if is_check:
                return "Another healtcheck is already running."
            return f"Task is already running: {task} ({held.invocation})"
        refusal = None if is_check else self._room.enter(message.task)
        if refusal is None:
            self._tasks[task] = message.task
        return refusal

    def running_tasks(self, message: GetRunningTasks) -> RunningTasks | str:
        """Return what is not acknowledged yet."""
        if self._reason:
            return _DYING
        problem = self._stranger(message.worker, self._scheduler)
        if problem is not None:
            return problem
        return RunningTasks(
            tasks=tuple(
                msgspec.structs.replace(held, is_over=task in self._ended)
                for task, held in self._tasks.items()
                if task.job != HEALTH_CHECK
            )
        )

    def notify(self, message: NotifyIfNotRunning) -> str | None:
        """Answer for each task that is not here, and take none sent before this."""
        problem = self._stranger(message.worker, message.scheduler)
        if problem is not None:
            return problem
        if message.sequence <= self._sequence:
            return (
                "Not saying what does not run, it was asked too long ago"
                f" (sequence number {message.sequence} <= {self._sequence})"
            )
        if self.undelivered + len(message.tasks) > MOST_UNDELIVERED:
            return "Too many statuses are not acknowledged"
        self._sequence = message.sequence
        for asked in message.tasks:
            held = self._tasks.get(asked.task)
            if held is None or held.invocation != asked.invocation:
                # Bistro says nothing when another attempt is here. Where that one has
                # only its acknowledgement outstanding, and the refusal of this one was
                # lost, this one would be believed to run for ever.
                self._queue.add(
                    TaskEnd(task=asked, status=WAS_NOT_RUNNING, is_of_the_table=False)
                )
        return None

    def kill(self, message: KillTask) -> str | None:
        """Let exactly that attempt be ended."""
        asked = message.task
        if self._reason:
            return _DYING
        problem = self._stranger(message.worker, message.scheduler)
        if problem is not None:
            return problem
        held = self._tasks.get(asked.task)
        is_alive = held is not None and asked.task not in self._ended
        if held is None or not is_alive or held.invocation != asked.invocation:
            return f"Not running: {asked.task} ({asked.invocation})"
        return None

    def suicide(self, message: RequestSuicide) -> str | None:
        """Die for the reason given."""
        if self._reason:
            return _DYING
        problem = self._stranger(message.worker, message.scheduler)
        if problem is None:
            self.die(message.reason[:LONGEST_TEXT])
        elif message.worker == self._worker.id and self._scheduler == NOBODY:
            # It is none of that scheduler's; its person wants to know why.
            why = message.reason[:LONGEST_TEXT]
            self._warn(
                f"the scheduler does not take it as worker {self._worker.shard}: {why};"
                " another --shard-id gives it a name of its own"
            )
        return problem

    # What happens to attempts here.

    def started(self, task: TaskId, invocation: InvocationId, pid: int) -> None:
        """Take note of its process."""
        held = self._tasks.get(task)
        if held is not None and held.invocation == invocation:
            self._tasks[task] = msgspec.structs.replace(held, pid=pid)

    def ended(
        self,
        task: TaskId,
        invocation: InvocationId,
        *,
        status: str,
        exit_text: str,
        peak_memory: int | None = None,
        cpu_seconds: float | None = None,
    ) -> None:
        """Take note of the end of an accepted attempt; nothing of it is alive."""
        held = self._tasks.get(task)
        if held is None or held.invocation != invocation or task in self._ended:
            return
        self._ended.add(task)
        self._queue.add(
            TaskEnd(
                task=held,
                status=status,
                exit_text=exit_text,
                peak_memory=peak_memory,
                cpu_seconds=cpu_seconds,
            )
        )

    def status_answered(self, number: int, is_done: bool, now: float) -> None:
        """Take note that the scheduler has it on disk, or that it is to be resent."""
        if not is_done:
            self._queue.failed(number, now)
            return
        end = self._queue.acknowledged(number)
        if end.is_of_the_table:
            del self._tasks[end.task.task]
            self._ended.discard(end.task.task)
            self._room.leave(end.task.task)

    def _associate(self, reply: HeartbeatReply, sent_at: float) -> None:
        """Belong to another scheduler, for which everything begins anew.

        Its time for this worker began with the first heartbeat that it heard, of which
        the answer may be lost. Without tasks the worker has nothing to be early for.
        """
        since = sent_at
        if self._doubtful is not None and self._has_tasks():
            since = min(since, self._doubtful)
        self._scheduler = reply.id
        self._worker_set = reply.worker_set
        self._sequence = 0
        self._standing = Standing(became_unhealthy=since)
        self._actions.append(Associated(scheduler=reply.id))

    def _has_tasks(self) -> bool:
        return any(task.job != HEALTH_CHECK for task in self._tasks)

    def _hear(self, reply: HeartbeatReply, sent_at: float) -> None:
        standing = self._standing
        check = standing.healthcheck_sent
        if reply.healthcheck_age is not None:
            check = max(check, sent_at - reply.healthcheck_age)
        self._standing = replace(standing, heartbeat=sent_at, healthcheck_sent=check)

    def _evaluate(self, now: float) -> None:
        if self._reason:
            return
        state, _ = compute(self._standing, self._gaps, now, is_allowed=False)
        self._move(state, now)
        if state is WorkerState.MUST_DIE:
            self.die("This worker was unhealthy for too long")

    def _move(self, state: WorkerState, now: float) -> None:
        if state is self._standing.state:
            return
        # However late this is asked, it began when the time was up: the lease counts
        # from there, and so does the scheduler at the latest.
        since = min(now, self._standing.fresh_until(self._gaps))
        self._standing = self._standing.moved(state, since)

    def _stranger(self, worker: InstanceId, scheduler: InstanceId) -> str | None:
        if worker == self._worker.id and scheduler == self._scheduler:
            return None
        return (
            f"This is worker {_name(self._worker.id)} of scheduler"
            f" {_name(self._scheduler)}, not worker {_name(worker)} of scheduler"
            f" {_name(scheduler)}"
        )

    def _update(self, end: TaskEnd) -> UpdateStatus:
        return UpdateStatus(
            task=end.task,
            status=end.status,
            exit_text=end.exit_text,
            peak_memory=end.peak_memory,
            cpu_seconds=end.cpu_seconds,
            scheduler=self._scheduler,
            worker=self._worker.id,
        )

    def _warn(self, text: str) -> None:
        self._actions.append(Warn(text=text))


def _unusable(reply: HeartbeatReply) -> str:
    if reply.protocol_version != PROTOCOL_VERSION:
        return (
            "Worker-scheduler protocol version mismatch:"
            f" {PROTOCOL_VERSION} is not compatible with {reply.protocol_version}"
        )
    if reply.worker_set.scheduler != reply.id:
        return "the scheduler sent a set of workers of another scheduler; not taken"
    if reply.worker_state not in set(WorkerState):
        return f"the scheduler sent an unknown state {reply.worker_state}; not taken"
    return ""


def _name(instance: InstanceId) -> str:
    return f"{instance.start_time}-{instance.rand & (2**64 - 1):016x}"
