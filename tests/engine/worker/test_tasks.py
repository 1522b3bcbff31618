"""The attempts of a worker, between who decides and who runs them."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from bistro_tui.engine.clock import SystemClock
from bistro_tui.engine.config.model import KillMethod, KillSettings
from bistro_tui.engine.ids import InvocationId, NodeName, TaskId
from bistro_tui.engine.processes.starts import RemoteStart
from bistro_tui.engine.remote.frames import encoded
from bistro_tui.engine.remote.identity import InstanceId, MachineLock
from bistro_tui.engine.remote.messages import (
    HEALTH_CHECK,
    Call,
    RunningTask,
    RunTask,
    UpdateStatus,
    Usable,
    Worker,
)
from bistro_tui.engine.remote.worker_actions import SendStatus
from bistro_tui.engine.remote.worker_machine import WorkerMachine
from bistro_tui.engine.runners.protocol import (
    AttemptEnded,
    AttemptNotStarted,
    AttemptStarted,
    AttemptUsage,
    RunnerCapacity,
    RunnerTrouble,
)
from bistro_tui.engine.statuses.bits import DONE
from bistro_tui.engine.statuses.passed_on import from_text
from bistro_tui.engine.statuses.report import error_backoff
from bistro_tui.engine.statuses.status import TaskStatus
from bistro_tui.engine.worker import tasks as module
from bistro_tui.engine.worker.ordered_jobs import OrderedJobs
from bistro_tui.engine.worker.tasks import KILL_NOW, Tasks
from tests.engine.worker.scripted import a_running_task, an_order, until

ME, LATER = InstanceId(5, 5), 1e12
NOBODYS = InstanceId(0, 0)
DONE_NOW = TaskStatus(bits=DONE, time=1.0)


@dataclass
class FakeRunner:
    started: list[RemoteStart] = field(default_factory=list)
    killed: list[tuple[InvocationId, KillSettings]] = field(default_factory=list)
    settled_ones: list[InvocationId] = field(default_factory=list)

    def start(self, start: RemoteStart) -> None:
        self.started.append(start)

    def kill(self, invocation: InvocationId, how: KillSettings) -> None:
        self.killed.append((invocation, how))

    def settled(self, invocations: Sequence[InvocationId]) -> None:
        self.settled_ones += invocations


@dataclass
class FakeLogs:
    """A log that is stored when the test says so."""

    may_store: asyncio.Event = field(default_factory=asyncio.Event)

    async def flush(self) -> None:
        await self.may_store.wait()


@dataclass
class FakeNews:
    told: list[Any] = field(default_factory=list)

    def started(self, *what: Any) -> None:
        self.told.append(what)

    def usage(self, rows: Any) -> None:
        self.told.append(rows)


@dataclass
class World:
    """Health checks stand for all tasks: they are taken in every state."""

    machine: WorkerMachine = field(
        default_factory=lambda: WorkerMachine(
            Worker("w1", MachineLock("h", 0, "l"), ME, 1.0, Usable()), 0.0
        )
    )
    runner: FakeRunner = field(default_factory=FakeRunner)
    logs: FakeLogs = field(default_factory=FakeLogs)
    news: FakeNews = field(default_factory=FakeNews)
    ends: list[str] = field(default_factory=list)
    slots: list[int | None] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    unstarted: list[str] = field(default_factory=list)
    held: str = ""
    tasks: Tasks = field(init=False)

    def __post_init__(self) -> None:
        self.machine.linked = True
        self.tasks = Tasks(
            self.machine,
            cast("Any", self.logs),
            cast("Any", self.news),
            clock=SystemClock(),
            on_ends=lambda: self.ends.append("told"),
            on_slots=lambda: self.slots.append(self.tasks.slots),
            on_trouble=self.troubles.append,
            on_not_started=lambda: self.unstarted.append("told"),
            is_held=lambda: bool(self.held),
        )
        self.tasks.runner = cast("Any", self.runner)

    def take(
        self, number: int, *, suicide_kill_wait_ms: int = 0, is_started: bool = True
    ) -> RunningTask:
        """Have the machine and the runner take an attempt."""
        running = a_running_task(
            number,
            job=HEALTH_CHECK,
            node=f"n{number}",
            suicide_kill_wait_ms=suicide_kill_wait_ms,
        )
        order = an_order("true")
        asked = RunTask(running, order, 0, NOBODYS, ME)
        assert self.machine.run_task(asked, 0.0) is None
        job = OrderedJobs().job(running.task.job, order)
        if is_started:
            self.tasks.start(running, job, order.config)
        return running

    def sent(self) -> list[UpdateStatus]:
        actions = self.machine.tick(0.0)
        return [one.message for one in actions if isinstance(one, SendStatus)]


def ended(running: RunningTask, text: str = "exited with status 0") -> AttemptEnded:
    return AttemptEnded(running.task, running.invocation, DONE_NOW, text, 10, 0.5)


def not_started(running: RunningTask) -> AttemptNotStarted:
    return AttemptNotStarted(running.task, running.invocation, "EAGAIN: no room")


@asynccontextmanager
async def world() -> AsyncIterator[World]:
    made = World()
    telling = asyncio.ensure_future(made.tasks.run())
    try:
        yield made
    finally:
        telling.cancel()


async def test_an_end_is_told_once_the_output_is_stored() -> None:
    async with world() as one:
        running = one.take(1)
        assert one.runner.started[0][:2] == (running.task, running.invocation)
        one.tasks.report_all([ended(running)])
        for _ in range(10):
            await asyncio.sleep(0)
        assert one.sent() == []
        assert one.runner.settled_ones == []
        one.logs.may_store.set()
        await until(lambda: one.ends)
        (told,) = one.sent()
        assert (told.task.invocation, told.status) == (running.invocation, "done")
        assert (told.peak_memory, told.cpu_seconds) == (10, 0.5)
        assert one.runner.settled_ones == [running.invocation]


async def test_whatever_an_end_says_can_be_sent() -> None:
    async with world() as one:
        one.logs.may_store.set()
        running = one.take(1)
        text = "failed to start: cannot make /data/\udcff/jobs"
        status = error_backoff(text, now_wall=1.0)
        one.tasks.report(
            ended(running, text)._replace(reported=status),
        )
        await until(lambda: one.ends)
        (told,) = one.sent()
        assert isinstance(encoded(Call(1, told)), bytes)
        assert told.exit_text == text.replace("\udcff", "?")
        read = from_text(told.status, now_wall=2.0)
        assert (read.bits, read.data["exception"]) == (status.bits, told.exit_text)


async def test_whoever_waits_for_the_last_ends_waits_for_those_under_way() -> None:
    async with world() as one:
        one.tasks.report(ended(one.take(1)))
        await asyncio.sleep(0)
        waiting = asyncio.ensure_future(one.tasks.tell_ends())
        for _ in range(10):
            await asyncio.sleep(0)
        assert not waiting.done()
        one.logs.may_store.set()
        await waiting
        assert len(one.sent()) == 1


async def test_an_end_is_told_once() -> None:
    async with world() as one:
        one.logs.may_store.set()
        running = one.take(1)
        one.tasks.report(ended(running))
        assert not one.tasks.runs(running.task)
        one.tasks.report(ended(running))
        await until(lambda: one.ends)
        await one.tasks.tell_ends()
        assert len(one.sent()) == 1


async def test_a_task_without_room_goes_back_after_a_rest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "REST_SEC", 0.1)
    async with world() as one:
        one.logs.may_store.set()
        running = one.take(1)
        began = asyncio.get_running_loop().time()
        one.tasks.report(not_started(running))
        assert one.tasks.runs(running.task)
        await until(lambda: one.ends)
        assert asyncio.get_running_loop().time() - began >= 0.09
        (told,) = one.sent()
        # An error without backoff: it may run elsewhere at once.
        assert told.status.startswith('{"result_bits":32')
        assert "EAGAIN: no room" in told.status
        assert told.exit_text == "not started: EAGAIN: no room"


async def test_a_check_of_a_worker_that_is_held_passes_without_a_process() -> None:
    async with world() as one:
        running = one.take(1, is_started=False)
        one.tasks.pass_check(running)
        assert one.sent() == []
        one.logs.may_store.set()
        await until(lambda: one.ends)
        (told,) = one.sent()
        assert (told.task.invocation, told.status) == (running.invocation, "done")
        assert one.runner.started == []


@pytest.mark.parametrize("is_check", [True, False])
async def test_what_holds_a_worker_fails_no_check_that_began_before_it_was_known(
    is_check: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "REST_SEC", 0.05)
    if not is_check:
        monkeypatch.setattr(module, "HEALTH_CHECK", "another job")
    async with world() as one:
        one.logs.may_store.set()
        one.tasks.report(not_started(one.take(1)))
        # Whoever looks at the disk may do so at once, and find it full.
        assert one.unstarted == ["told"]
        one.held = "disk full"
        await until(lambda: one.ends)
        (told,) = one.sent()
        assert (told.status == "done") is is_check


async def test_a_check_is_named_as_one_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with world() as one:
        running = one.take(1)
        task = TaskId(running.task.job, NodeName(""))
        one.tasks.report(not_started(running)._replace(task=task))
        (line,) = caplog.messages
        assert line == "a health check could not be started: EAGAIN: no room"


async def test_a_resting_task_can_be_killed() -> None:
    async with world() as one:
        one.logs.may_store.set()
        running = one.take(1)
        one.tasks.report(not_started(running))
        one.tasks.kill(running, KILL_NOW)
        await until(lambda: one.ends)
        assert one.runner.killed == []
        assert len(one.sent()) == 1


async def test_nothing_rests_in_a_worker_that_dies() -> None:
    async with world() as one:
        one.logs.may_store.set()
        running = one.take(1)
        one.machine.die("it has to")
        one.tasks.report(not_started(running))
        await until(lambda: one.ends)
        assert not one.machine.alive


async def test_at_the_end_each_task_has_its_own_time() -> None:
    async with world() as one:
        first = one.take(1, suicide_kill_wait_ms=700)
        second = one.take(2, suicide_kill_wait_ms=-1)
        one.tasks.kill_all(at_once=False)
        method = KillMethod.TERM_WAIT_KILL
        assert one.runner.killed == [
            (first.invocation, KillSettings(method=method, kill_wait_ms=700)),
            (second.invocation, KillSettings(method=method, kill_wait_ms=0)),
        ]
        one.runner.killed.clear()
        one.tasks.kill_all(at_once=True)
        assert {how for _, how in one.runner.killed} == {KILL_NOW}


async def test_all_else_that_a_runner_reports_is_passed_on() -> None:
    async with world() as one:
        running = one.take(1)
        start = AttemptStarted(running.task, running.invocation, 77)
        usage = AttemptUsage(((running.invocation, 1, 1.0, 1),))
        trouble = RunnerTrouble("a warden was lost")
        room = RunnerCapacity(0, "no warden answers")
        one.tasks.report_all([start, usage, trouble, room])
        assert one.machine.alive[0].pid == 77
        assert one.news.told == [tuple(start), usage.rows]
        assert one.troubles == ["a warden was lost"]
        assert one.slots == [0]
        assert one.tasks.no_slots == "no warden answers"
