"""A pool with times that are easy to count, and what is sent to it."""

from collections.abc import Collection
from dataclasses import replace
from typing import Any, TypeVar

import msgspec

from bistro_tui.engine.ids import InvocationId, JobName, NodeName, TaskId
from bistro_tui.engine.remote.given import AllGiven
from bistro_tui.engine.remote.identity import (
    NO_SET,
    InstanceId,
    MachineLock,
    WorkerSetHash,
    WorkerSetId,
)
from bistro_tui.engine.remote.messages import (
    HEALTH_CHECK,
    PROTOCOL_VERSION,
    HeartbeatReply,
    RunningTask,
    TaskBackoff,
    UpdateStatus,
    Usable,
    Worker,
)
from bistro_tui.engine.remote.pool import Pool
from bistro_tui.engine.remote.pool_actions import (
    PoolAction,
    SendHealthcheck,
    StatusKind,
    StatusVerdict,
    Ticket,
)
from bistro_tui.engine.remote.times import PoolTimes

SCHEDULER = InstanceId(1_000, 77)
EARLIER = InstanceId(900, 55)
"""A scheduler of before."""

TIMES = PoolTimes(
    heartbeat_grace_period=20,
    healthcheck_period=10,
    healthcheck_grace_period=20,
    lose_unhealthy_worker_after=100,
    worker_check_interval=5,
    suicide_backoff_safety_margin_sec=60,
    suicide_task_kill_wait_ms=5_000,
)
"""A heartbeat is fresh for 30 s, a health check for 35 s."""

_Action = TypeVar("_Action", bound=PoolAction)


def of_kind(actions: list[PoolAction], kind: type[_Action]) -> list[_Action]:
    """Return those of ``actions`` that are of ``kind``."""
    return [action for action in actions if isinstance(action, kind)]


def worker(
    shard: str = "w1", *, started: int = 1, rand: int = 1, host: str = "host1"
) -> Worker:
    """Return a worker; those of one host have one lock."""
    return Worker(
        shard=shard,
        lock=MachineLock(host, 0, "lock"),
        id=InstanceId(started, rand),
        heartbeat_period_sec=10.0,
        usable=Usable(),
    )


def running(
    node: str = "n1", *, shard: str = "w1", attempt: int = 1, kill_wait_ms: int = 5_000
) -> RunningTask:
    """Return an attempt of job ``j``."""
    return RunningTask(
        task=TaskId(JobName("j"), NodeName(node)),
        invocation=InvocationId(attempt, attempt),
        shard=shard,
        resources={},
        path=(),
        next_backoff=TaskBackoff(seconds=15, no_more=False),
        started=5.0,
        suicide_kill_wait_ms=kill_wait_ms,
    )


def initial_set(*workers: Worker, scheduler: InstanceId = EARLIER) -> WorkerSetId:
    """Return what a scheduler of before told these workers when its wait was over."""
    pool = Pool(scheduler, TIMES, 0.0, is_first_ever=True)
    for one in workers:
        pool.heartbeat(one, NO_SET, PROTOCOL_VERSION, 0.0)
    pool.set_exit_wait_before(timestamp_is_in_future=True)
    pool.tick(0.0)
    reply, _ = pool.heartbeat(workers[-1], NO_SET, PROTOCOL_VERSION, 0.0)
    assert isinstance(reply, HeartbeatReply)
    return reply.worker_set


OTHER_SET = WorkerSetId(EARLIER, 3, WorkerSetHash())


class Driver:
    """A pool, and workers that answer as workers do."""

    def __init__(
        self,
        times: PoolTimes = TIMES,
        *,
        is_first_ever: bool = True,
        at_rest: Collection[InstanceId] = (),
        safe_before: float = 0.0,
        given: AllGiven | None = None,
        first_version: int = 0,
    ) -> None:
        self.now = 0.0
        self.pool = Pool(
            SCHEDULER,
            times,
            self.now,
            is_first_ever=is_first_ever,
            at_rest=at_rest,
            safe_before=safe_before,
            given=given,
            first_version=first_version,
        )
        self.stored: dict[InstanceId, WorkerSetId] = {}

    def beat(self, one: Worker, stored: WorkerSetId | None = None) -> list[PoolAction]:
        """Send a heartbeat with what the worker stored; it stores the answer."""
        sent = self.stored.get(one.id, NO_SET) if stored is None else stored
        reply, actions = self.pool.heartbeat(one, sent, PROTOCOL_VERSION, self.now)
        assert isinstance(reply, HeartbeatReply), reply
        self.stored[one.id] = reply.worker_set
        return actions

    def refused(self, one: Worker) -> tuple[str, list[PoolAction]]:
        """Send a heartbeat that is refused; return why."""
        reply, actions = self.pool.heartbeat(one, NO_SET, PROTOCOL_VERSION, self.now)
        assert isinstance(reply, str), reply
        return reply, actions

    def tick(self, seconds: float = 0.0) -> list[PoolAction]:
        """Let time pass, then look at everything."""
        self.now += seconds
        return self.pool.tick(self.now)

    def report(
        self, one: Worker, tasks: tuple[RunningTask, ...] | None = ()
    ) -> list[PoolAction]:
        """Let a worker say what it runs."""
        return self.pool.running_fetched(one.shard, one.id, tasks, self.now)

    def check_is_good(self, one: Worker, actions: list[PoolAction]) -> StatusVerdict:
        """Let the health check that ``actions`` sent to that worker come back good."""
        (check,) = (
            action
            for action in of_kind(actions, SendHealthcheck)
            if action.worker == one.id
        )
        return self.check_ended(one, check.number, StatusKind.DONE)

    def check_ended(self, one: Worker, number: int, kind: StatusKind) -> StatusVerdict:
        """Let a health check end."""
        task = TaskId(JobName(HEALTH_CHECK), NodeName(""))
        held = msgspec.structs.replace(
            running(shard=one.shard), task=task, invocation=InvocationId(9, number)
        )
        return self.end(held, one, kind)

    def end(
        self,
        task: RunningTask,
        one: Worker,
        kind: StatusKind = StatusKind.DONE,
        scheduler: InstanceId = SCHEDULER,
    ) -> StatusVerdict:
        """Let the status of an attempt arrive from that worker."""
        message = UpdateStatus(
            task=task,
            status="done",
            exit_text="",
            peak_memory=None,
            cpu_seconds=None,
            scheduler=scheduler,
            worker=one.id,
        )
        return self.pool.status_arrived(message, kind, self.now)

    def initialised(self, one: Worker, tasks: tuple[RunningTask, ...] = ()) -> None:
        """Bring a worker in until it lacks nothing but consensus."""
        actions = self.beat(one)
        self.check_is_good(one, actions)
        self.report(one, tasks)

    def healthy(self, *workers: Worker) -> None:
        """Bring these workers in until they take tasks."""
        for one in workers:
            self.initialised(one)
        # The first brings back what it was told when not all were there yet.
        for one in (*workers, *workers):
            self.beat(one)
        self.tick()
        for one in workers:
            self.beat(one)
            row = self.pool.row(one.shard)
            assert row is not None
            assert row.takes_tasks, row

    def dispatch(self, task: RunningTask) -> Ticket:
        """Give a task to its worker, which takes tasks."""
        ticket, actions = self.pool.dispatched(task, self.now)
        assert isinstance(ticket, Ticket), ticket
        assert not actions
        return ticket


def shorter(**changes: Any) -> PoolTimes:
    """Return the times with some of them changed."""
    return replace(TIMES, **changes)
