"""A runner of remote workers with its real pool, between lists and scripted workers."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, cast

from bistro_tui.engine.ids import TaskId
from bistro_tui.engine.moment import Now
from bistro_tui.engine.remote.given import AllGiven
from bistro_tui.engine.remote.identity import NO_SET, InstanceId, MachineLock
from bistro_tui.engine.remote.link import Answered, Link, Peer
from bistro_tui.engine.remote.messages import (
    HEALTH_CHECK,
    Done,
    GetRunningTasks,
    Heartbeat,
    HeartbeatReply,
    News,
    Reply,
    Request,
    RunningTask,
    RunningTasks,
    RunTask,
    UpdateStatus,
    Usable,
    Worker,
)
from bistro_tui.engine.remote.outcomes import NotSent, Outcome, Refused
from bistro_tui.engine.remote.pool import Pool
from bistro_tui.engine.remote.times import PoolTimes
from bistro_tui.engine.runners.protocol import RunnerReport
from bistro_tui.engine.runners.remote import RemoteRunner
from bistro_tui.engine.runners.remote_orders import Orders
from bistro_tui.engine.runners.stored_attempts import StoredAttempts
from bistro_tui.engine.runners.workers_known import WorkersKnown
from bistro_tui.engine.statuses.attempts import LastAttempt
from bistro_tui.engine.statuses.bits import DONE
from bistro_tui.engine.statuses.status import TaskStatus

SCHEDULER = InstanceId(1_000, 77)
TIMES = PoolTimes(
    heartbeat_grace_period=20,
    healthcheck_period=10,
    healthcheck_grace_period=20,
    lose_unhealthy_worker_after=100,
    worker_check_interval=1_000,
)

_Body = TypeVar("_Body", bound=Request)
_Report = TypeVar("_Report", bound=RunnerReport)


async def settle() -> None:
    """Let all that is on its way to somebody in this loop arrive."""
    for _ in range(6):
        await asyncio.sleep(0)


class FakeLink:
    """What the scheduler has of a worker; the worker is played by the test."""

    def __init__(self, shard: str, worker: InstanceId) -> None:
        self.peer = Peer(shard, worker, "192.0.2.1:1")
        self.asked: list[tuple[Request, Answered]] = []
        self.told: list[News] = []
        self.is_open = True
        self.ended = ""

    def call(
        self, body: Request, answered: Answered, *, timeout: float | None = None
    ) -> None:
        assert timeout is not None
        if self.is_open:
            self.asked.append((body, answered))
        else:
            asyncio.get_running_loop().call_soon(answered, NotSent("no connection"))

    def tell(self, news: News) -> None:
        self.told.append(news)

    def end(self, reason: str) -> None:
        self.is_open, self.ended = False, reason

    def bodies(self, kind: type[_Body]) -> list[_Body]:
        return [body for body, _ in self.asked if isinstance(body, kind)]

    def answer(self, kind: type[Request], outcome: Outcome) -> Any:
        """Answer the oldest question of that kind, and return it."""
        for index, (body, answered) in enumerate(self.asked):
            if isinstance(body, kind):
                del self.asked[index]
                answered(outcome)
                return body
        raise AssertionError(f"nobody asked for {kind.__name__}")


class Stored:
    """A status store that knows some last attempts."""

    def __init__(self) -> None:
        self.last: dict[TaskId, LastAttempt] = {}
        self.statuses: dict[TaskId, TaskStatus] = {}
        self.may_go_on = asyncio.Event()
        self.may_go_on.set()

    async def last_attempts(
        self, _tasks: Sequence[TaskId]
    ) -> Mapping[TaskId, LastAttempt]:
        await self.may_go_on.wait()
        return self.last

    def keep(self, task: RunningTask, status: TaskStatus | None = None) -> None:
        self.last[task.task] = LastAttempt(task.invocation, 1)
        self.statuses[task.task] = status or TaskStatus(bits=DONE, time=0.0)


class Served:
    """What was taken note of for the next start, in order."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.full: list[str] = []
        """Notes for which there is no room."""

    def let_in(self) -> None:
        self._note("let in")

    def give(self) -> None:
        self._note("give")

    def rest(self) -> None:
        self._note("rest")

    def _note(self, note: str) -> None:
        if note in self.full:
            raise OSError(28, "No space left on device")
        if note not in self.notes:
            self.notes.append(note)


@dataclass
class World:
    """The runner, a clock set by hand, and what was reported."""

    config_dir: Path = Path("/etc/jobs")
    times: PoolTimes = TIMES
    is_first_ever: bool = True
    given: AllGiven | None = None
    is_kept: bool = True
    moment: float = 5_000.0
    skips_wait: bool = False
    known: WorkersKnown | None = None
    wall_offset: float = 1e9
    reports: list[RunnerReport] = field(default_factory=list)
    batches: list[list[RunnerReport]] = field(default_factory=list)
    given_up: int = 0

    def __post_init__(self) -> None:
        self.stored, self.served = Stored(), Served()
        self.pool = Pool(
            SCHEDULER,
            self.times,
            self.moment,
            is_first_ever=self.is_first_ever,
            given=self.given,
        )
        self.runner = RemoteRunner(
            self.pool,
            orders=Orders(config_dir=self.config_dir, suicide_kill_wait_ms=5_000),
            clock=self,
            report_all=self.report_all,
            exit_wait_before=lambda: 2e9 if self.skips_wait else 0.0,
            served=self.served,
            stored=StoredAttempts(
                self.stored, self.stored.statuses.get, is_kept=self.is_kept
            ),
            known=self.known,
        )
        self.runner.on_given_up = self._given_up

    def now(self) -> Now:
        return Now(self.wall_offset + self.moment, self.moment - 4_000.0, self.moment)

    def report_all(self, reports: Sequence[RunnerReport]) -> None:
        self.batches.append(list(reports))
        self.reports.extend(reports)

    def _given_up(self) -> None:
        self.given_up += 1

    def told(self, kind: type[_Report]) -> list[_Report]:
        return [one for one in self.reports if isinstance(one, kind)]

    async def tick(self, seconds: float = 0.0) -> None:
        """Let time pass, and the pool look at everything."""
        self.moment += seconds
        self.runner._tick()
        await settle()

    async def opened(self) -> "World":
        await self.runner.open()
        return self

    async def healthy(self, shard: str = "w1", rand: int = 1) -> "ScriptedWorker":
        """Return a worker that is given tasks; the initial wait is over."""
        worker = ScriptedWorker(self, shard, rand)
        await worker.come_up()
        await self.tick()
        return worker


class ScriptedWorker:
    """Does what a good worker does, when it is told to."""

    def __init__(self, world: World, shard: str = "w1", rand: int = 1) -> None:
        self.world, self.shard = world, shard
        self.id = InstanceId(2_000, rand)
        self.link = FakeLink(shard, self.id)
        self.newest_set = NO_SET

    @property
    def handlers(self) -> Any:
        return self.world.runner.handlers

    @property
    def as_link(self) -> Link:
        return cast("Link", self.link)

    async def connect(self) -> None:
        if not self.link.is_open:
            self.link = FakeLink(self.shard, self.id)
        self.handlers.on_link(self.as_link)
        await settle()

    async def disconnect(self, reason: str = "the cable was cut") -> None:
        self.link.is_open = False
        asked, self.link.asked = self.link.asked, []
        for _, answered in asked:
            answered(NotSent(reason))
        self.handlers.on_end(self.as_link, reason)
        await settle()

    async def ask(self, body: Request) -> list[Reply | Refused]:
        """Ask the scheduler; the result has the answer once there is one."""
        answers: list[Reply | Refused] = []
        self.handlers.handle(self.as_link, body, answers.append)
        await settle()
        return answers

    async def hear(self, news: News) -> None:
        self.handlers.heard(self.as_link, news)
        await settle()

    async def beat(self) -> HeartbeatReply | Refused:
        (answer,) = await self.ask(Heartbeat(self.described(), self.newest_set))
        assert isinstance(answer, HeartbeatReply | Refused)
        if isinstance(answer, HeartbeatReply):
            self.newest_set = answer.worker_set
        return answer

    def described(self) -> Worker:
        return Worker(
            shard=self.shard,
            lock=MachineLock(f"{self.shard}.example", 0, f"lock {self.id.rand}"),
            id=self.id,
            heartbeat_period_sec=10.0,
            usable=Usable(cpu_cores=4.0),
            slots=8,
        )

    async def come_up(self, running: Collection[RunningTask] = ()) -> None:
        await self.connect()
        await self.beat()
        self.link.answer(GetRunningTasks, RunningTasks(tuple(running)))
        await settle()
        await self.check_health()
        await self.beat()
        await self.beat()

    async def check_health(self) -> None:
        """Do the health check that the scheduler has sent."""
        check = self.link.answer(RunTask, Done())
        assert check.task.task.job == HEALTH_CHECK
        assert await self.over(check.task, "done") == [Done()]

    async def over(
        self, task: RunningTask, status: str, *, scheduler: InstanceId = SCHEDULER
    ) -> list[Reply | Refused]:
        """Say what became of an attempt."""
        return await self.ask(
            UpdateStatus(
                task=task,
                status=status,
                exit_text="exited with status 0",
                peak_memory=1_000,
                cpu_seconds=0.5,
                scheduler=scheduler,
                worker=self.id,
            )
        )

    async def accept(self) -> RunTask:
        """Take the task that the scheduler has sent."""
        found: RunTask = self.link.answer(RunTask, Done())
        await settle()
        return found
