"""What a worker says to its scheduler, when, and what it makes of the answers."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
import pytest

from bistro_tui.engine.clock import SystemClock
from bistro_tui.engine.config.model import Job, KillMethod, KillSettings
from bistro_tui.engine.remote import worker_room
from bistro_tui.engine.remote.bounds import LONGEST_TEXT
from bistro_tui.engine.remote.frames import encoded
from bistro_tui.engine.remote.identity import InstanceId, MachineLock, WorkerSetId
from bistro_tui.engine.remote.link import Peer
from bistro_tui.engine.remote.messages import (
    HEALTH_CHECK,
    NEW_WORKER,
    PROTOCOL_VERSION,
    BeatSoon,
    Call,
    Done,
    GetRunningTasks,
    Heartbeat,
    HeartbeatReply,
    KillTask,
    KillWords,
    QueryLogs,
    Request,
    RequestSuicide,
    RunningTask,
    RunningTasks,
    RunTask,
    Tell,
    UpdateStatus,
    Usable,
    Worker,
    WorkerTrouble,
)
from bistro_tui.engine.remote.outcomes import NotSent, Outcome, Refused, Unknown
from bistro_tui.engine.remote.worker_machine import WorkerMachine
from bistro_tui.engine.remote.worker_state import WorkerState
from bistro_tui.engine.worker import conversation as module
from bistro_tui.engine.worker.conversation import Conversation
from tests.engine.worker.scripted import a_running_task, an_order, now, until

ME, SCHEDULER = InstanceId(5, 5), InstanceId(9, 9)
PERIOD = 0.05
PEER = Peer("w1", ME, "host:1")


@dataclass
class FakeLink:
    """A link that keeps what was said; a test gives the answers."""

    peer: Peer = PEER
    calls: list[tuple[Request, Callable[[Outcome], None]]] = field(default_factory=list)
    told: list[Any] = field(default_factory=list)

    def call(
        self,
        body: Request,
        answered: Callable[[Outcome], None],
        *,
        timeout: float,  # as that of a link
    ) -> None:
        assert 0 < timeout < 10
        self.calls.append((body, answered))

    def tell(self, news: Any) -> None:
        self.told.append(news)

    def of(self, kind: type) -> list[Any]:
        return [body for body, _ in self.calls if isinstance(body, kind)]

    def answer(self, kind: type, outcome: Outcome) -> None:
        """Answer the oldest such call that is not answered."""
        for place, (body, answered) in enumerate(self.calls):
            if isinstance(body, kind):
                del self.calls[place]
                answered(outcome)
                return
        raise AssertionError(f"no {kind} in {self.calls}")


@dataclass
class FakeRunner:
    leases: list[tuple[float, float]] = field(default_factory=list)

    def lease(self, until: float, kill_wait: float) -> None:
        self.leases.append((until, kill_wait))


@dataclass
class FakeTasks:
    slots: int | None = 3
    runner: FakeRunner = field(default_factory=FakeRunner)
    started: list[tuple[RunningTask, Job, str]] = field(default_factory=list)
    killed: list[tuple[RunningTask, KillSettings]] = field(default_factory=list)
    passed: list[RunningTask] = field(default_factory=list)
    no_slots: str = "no warden answers"

    def pass_check(self, running: RunningTask) -> None:
        self.passed.append(running)

    def start(self, running: RunningTask, job: Job, config: str) -> None:
        self.started.append((running, job, config))

    def kill(self, running: RunningTask, how: KillSettings) -> None:
        self.killed.append((running, how))


class World:
    def __init__(self) -> None:
        worker = Worker("w1", MachineLock("h", 0, "l"), ME, PERIOD, Usable())
        self.machine = WorkerMachine(worker, now())
        self.fake_tasks = FakeTasks()
        self.deaths: list[str] = []
        self.asked: list[Any] = []
        tasks: Any = self.fake_tasks
        self.conversation = Conversation(
            self.machine,
            tasks,
            clock=SystemClock(),
            heartbeat_period=PERIOD,
            answer_log=lambda question, answer: self.asked.append((question, answer)),
            on_death=self.deaths.append,
            on_change=lambda: None,
        )
        self.link = FakeLink()

    def connect(self) -> FakeLink:
        self.link = FakeLink()
        link: Any = self.link
        self.conversation.handlers.on_link(link)
        return self.link

    def disconnect(self, link: Any) -> None:
        self.conversation.handlers.on_end(link, "cut")

    def is_linked(self) -> bool:
        return self.machine.linked

    def ask(self, request: Request) -> Any:
        """Return the answer, None if there is none yet."""
        answers: list[Any] = []
        link: Any = self.link
        self.conversation.handlers.handle(link, request, answers.append)
        return answers[0] if answers else None

    async def healthy(self) -> None:
        """Have both sides believe in each other."""
        for state in (WorkerState.UNHEALTHY, WorkerState.HEALTHY):
            await until(lambda: self.link.of(Heartbeat))
            self.link.answer(Heartbeat, a_reply(state))
        assert self.machine.state is WorkerState.HEALTHY

    def run(self, number: int = 1, **fields: Any) -> Any:
        order = an_order("true", config='{"n":1}')
        changed = msgspec.structs.replace(order, **fields)
        return self.ask(RunTask(a_running_task(number), changed, 0, SCHEDULER, ME))


def a_reply(state: WorkerState, kill_wait_ms: int = 700) -> HeartbeatReply:
    return HeartbeatReply(
        id=SCHEDULER,
        max_healthcheck_gap=100.0,
        heartbeat_grace_period=100.0,
        lose_unhealthy_worker_after=100.0,
        worker_check_interval=1.0,
        worker_state=state,
        protocol_version=PROTOCOL_VERSION,
        worker_set=WorkerSetId(SCHEDULER, 1),
        healthcheck_age=0.0,
        suicide_kill_wait_ms=kill_wait_ms,
    )


@asynccontextmanager
async def world() -> AsyncIterator[World]:
    made = World()
    made.conversation.begin()
    try:
        yield made
    finally:
        made.conversation.close()


async def test_the_first_heartbeat_goes_out_with_the_link() -> None:
    async with world() as one:
        one.conversation.usable = Usable(cpu_cores=2.0)
        (beat,) = one.connect().of(Heartbeat)
        assert (beat.worker.slots, beat.worker.usable.cpu_cores) == (3, 2.0)


@pytest.mark.parametrize(
    "outcome",
    [a_reply(WorkerState.NEW), Refused("no"), NotSent("no"), Unknown("no")],
)
async def test_the_next_heartbeat_comes_a_period_after_the_last_one_is_over(
    outcome: Outcome,
) -> None:
    async with world() as one:
        link = one.connect()
        # One at a time, however long it takes.
        await asyncio.sleep(2 * PERIOD)
        assert len(link.of(Heartbeat)) == 1
        link.answer(Heartbeat, outcome)
        assert not link.of(Heartbeat)
        began = asyncio.get_running_loop().time()
        await until(lambda: link.of(Heartbeat))
        assert asyncio.get_running_loop().time() - began >= 0.9 * PERIOD


async def test_asked_for_a_heartbeat_it_sends_one_before_its_time() -> None:
    async with world() as one:
        link = one.connect()
        await one.healthy()
        one.conversation._period = 1_000.0
        await until(lambda: link.of(Heartbeat))
        # What it was told stays as it was: nobody waits for an echo.
        link.answer(Heartbeat, a_reply(WorkerState.HEALTHY))
        heard: Any = one.conversation.handlers.heard
        heard(link, BeatSoon())
        await until(lambda: link.of(Heartbeat))


async def test_a_set_that_is_new_to_it_is_said_back_before_its_time() -> None:
    async with world() as one:
        one.conversation._period = 1_000.0
        link = one.connect()
        link.answer(Heartbeat, a_reply(WorkerState.HEALTHY))
        await until(lambda: link.of(Heartbeat))
        assert link.of(Heartbeat)[0].worker_set == WorkerSetId(SCHEDULER, 1)


async def test_a_worker_that_dies_sends_no_more_heartbeats() -> None:
    async with world() as one:
        link = one.connect()
        link.answer(Heartbeat, a_reply(WorkerState.MUST_DIE))
        assert one.deaths == ["The scheduler has given this worker up"]
        await asyncio.sleep(2 * PERIOD)
        assert not link.of(Heartbeat)


async def test_the_lease_goes_to_whoever_watches_the_tasks() -> None:
    async with world() as one:
        one.connect()
        assert one.fake_tasks.runner.leases == []
        await one.healthy()
        *_, (until_when, kill_wait) = one.fake_tasks.runner.leases
        assert until_when == one.machine.lease_until
        assert 100 < until_when - now() < 200
        assert kill_wait == 0.7


async def test_a_worker_that_dies_leaves_its_tasks_the_time_that_they_have() -> None:
    async with world() as one:
        one.connect()
        await one.healthy()
        given = list(one.fake_tasks.runner.leases)
        old, ago = one.machine._standing, now() - 5_000
        unwell = replace(old, state=WorkerState.UNHEALTHY, became_unhealthy=ago)
        one.machine._standing = replace(unwell, heartbeat=ago)
        one.conversation.step()
        assert one.deaths == ["This worker was unhealthy for too long"]
        # One that was over long ago would kill them without a word.
        assert one.fake_tasks.runner.leases == given


async def test_an_order_becomes_a_start_once_it_is_accepted() -> None:
    async with world() as one:
        one.connect()
        refused = one.run()
        assert refused.text.startswith("Unhealthy, not running task: etl, n1")
        await one.healthy()
        assert one.run() == Done()
        ((running, job, config),) = one.fake_tasks.started
        assert (running.task.node, job.command, config) == ("n1", ("true",), '{"n":1}')
        assert isinstance(one.run(), Refused)
        assert len(one.fake_tasks.started) == 1


async def test_what_is_not_understood_is_refused_and_not_kept() -> None:
    async with world() as one:
        one.connect()
        await one.healthy()
        refused = one.run(status_from="the stars")
        assert "its order is not understood: 'the stars'" in refused.text
        assert one.machine.alive == ()
        assert one.run() == Done()


async def test_while_the_disk_is_in_trouble_nothing_starts_and_all_know_it() -> None:
    async with world() as one:
        link = one.connect()
        await one.healthy()
        link.calls.clear()
        one.conversation.troubled("disk full: free some")
        assert link.told == [WorkerTrouble("disk full: free some")]
        assert one.run().text == "not running task etl@n1: disk full: free some"
        check = a_running_task(7, job=HEALTH_CHECK, node=NEW_WORKER)
        ordered = RunTask(check, an_order("true"), 0, SCHEDULER, ME)
        # Lost for want of it, the worker would have to end what runs.
        assert one.ask(ordered) == Done()
        assert one.fake_tasks.passed == [check]
        assert one.fake_tasks.started == []
        (beat,) = one.connect().of(Heartbeat)
        assert (beat.worker.slots, beat.worker.held) == (0, "disk full: free some")
        # A scheduler that was away meanwhile is told as well.
        assert one.link.told == [WorkerTrouble("disk full: free some")]
        one.link.answer(Heartbeat, a_reply(WorkerState.HEALTHY))
        one.conversation.troubled("")
        await until(lambda: one.link.of(Heartbeat))
        (beat,) = one.link.of(Heartbeat)
        assert (beat.worker.slots, beat.worker.held) == (3, "")
        assert one.run() == Done()
        again = a_running_task(8, job=HEALTH_CHECK)
        assert one.ask(RunTask(again, an_order("true"), 0, SCHEDULER, ME)) == Done()
        assert one.fake_tasks.started[-1][0] == again


async def test_a_worker_that_can_run_nothing_says_why_in_a_few_words() -> None:
    async with world() as one:
        one.fake_tasks.slots = 0
        link = one.connect()
        assert link.of(Heartbeat)[0].worker.held == "no warden answers"
        one.conversation.troubled("x" * 5_000)
        (beat,) = one.connect().of(Heartbeat)
        assert beat.worker.held == "x" * LONGEST_TEXT


async def test_a_path_that_is_no_utf_8_keeps_no_word_from_being_sent() -> None:
    async with world() as one:
        link = one.connect()
        await one.healthy()
        link.calls.clear()
        # As Python has the name of such a directory.
        one.conversation.troubled("data directory gone: put /data/\udcff back")
        await until(lambda: link.of(Heartbeat))
        (beat,) = link.of(Heartbeat)
        assert isinstance(encoded(Call(1, beat)), bytes)
        assert beat.worker.held == "data directory gone: put /data/? back"
        (told,) = link.told
        assert isinstance(encoded(Tell(told)), bytes)


async def test_a_full_worker_says_at_once_that_it_is_and_that_it_is_not_any_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(worker_room, "MOST_TASKS", 1)
    async with world() as one:
        link = one.connect()
        await one.healthy()
        one.conversation._period = 1_000.0
        one.fake_tasks.slots = None
        assert one.run(1) == Done()
        assert one.run(2).text == "This worker has 1 tasks, not running one more"
        await until(lambda: link.of(Heartbeat))
        assert link.of(Heartbeat)[0].worker.slots == 1
        link.answer(Heartbeat, a_reply(WorkerState.HEALTHY))
        task = a_running_task(1)
        one.machine.ended(task.task, task.invocation, status="done", exit_text="")
        one.conversation.step()
        link.answer(UpdateStatus, Done())
        await until(lambda: link.of(Heartbeat))
        assert link.of(Heartbeat)[0].worker.slots is None
        assert one.run(2) == Done()


async def test_a_kill_goes_to_exactly_that_attempt() -> None:
    async with world() as one:
        one.connect()
        await one.healthy()
        one.run()
        (mine,) = one.machine.alive
        words = KillWords("term", 5)
        other = a_running_task(2, node="n1")
        assert isinstance(one.ask(KillTask(other, words, SCHEDULER, ME)), Refused)
        odd = KillWords("ask", 0)
        assert isinstance(one.ask(KillTask(mine, odd, SCHEDULER, ME)), Refused)
        assert one.fake_tasks.killed == []
        assert one.ask(KillTask(mine, words, SCHEDULER, ME)) == Done()
        how = KillSettings(method=KillMethod.TERM, kill_wait_ms=5)
        assert one.fake_tasks.killed == [(mine, how)]


async def test_a_status_goes_out_at_once_and_again_until_it_is_taken() -> None:
    async with world() as one:
        link = one.connect()
        await one.healthy()
        one.run()
        (mine,) = one.machine.alive
        one.machine.ended(mine.task, mine.invocation, status="done", exit_text="")
        one.conversation.step()
        (update,) = link.of(UpdateStatus)
        assert (update.status, update.scheduler) == ("done", SCHEDULER)
        link.answer(UpdateStatus, Refused("not now"))
        assert not link.of(UpdateStatus)
        one.disconnect(link)
        await asyncio.sleep(0.01)
        later = one.connect()
        await until(lambda: later.of(UpdateStatus))
        later.answer(UpdateStatus, Done())
        assert one.machine.undelivered == 0


@pytest.mark.parametrize(("patience", "is_said"), [(1_000.0, False), (0.0, True)])
async def test_that_a_status_is_not_taken_is_said_only_if_it_stays_so(
    patience: float,
    is_said: bool,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(module, "UNTAKEN_SEC", patience)
    async with world() as one:
        link = one.connect()
        await one.healthy()
        one.run()
        (mine,) = one.machine.alive
        one.machine.ended(mine.task, mine.invocation, status="done", exit_text="")
        one.conversation.step()
        link.answer(UpdateStatus, Refused("it is for another scheduler instance"))
        assert ("did not take a status: it is for" in caplog.text) is is_said
        one.disconnect(link)


async def test_told_to_die_it_says_yes_first() -> None:
    async with world() as one:
        one.connect()
        await one.healthy()
        assert one.ask(RequestSuicide("Conflict", SCHEDULER, ME)) == Done()
        assert one.deaths == ["Conflict"]
        assert isinstance(one.run(), Refused)


async def test_once_it_was_asked_what_runs_it_wants_to_hear_what_came_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "UNSURE_SEC", 1_000.0)
    async with world() as one:
        one.conversation._period = 1_000.0
        link = one.connect()
        link.answer(Heartbeat, a_reply(WorkerState.NEW))
        assert one.ask(GetRunningTasks(ME)) == RunningTasks(())
        await until(lambda: link.of(Heartbeat))


async def test_until_tasks_may_start_it_asks_more_often(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "UNSURE_SEC", 0.05)
    async with world() as one:
        one.conversation._period = 1_000.0
        link = one.connect()
        for state in (WorkerState.NEW, WorkerState.UNHEALTHY, WorkerState.HEALTHY):
            await until(lambda: link.of(Heartbeat))
            link.answer(Heartbeat, a_reply(state))
        await asyncio.sleep(0.2)
        assert not link.of(Heartbeat)


async def test_a_scheduler_that_does_not_have_it_is_not_asked_more_often(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "UNSURE_SEC", 0.01)
    async with world() as one:
        one.conversation._period = 1_000.0
        link = one.connect()
        link.answer(Heartbeat, Refused("Worker shouldn't associate"))
        await asyncio.sleep(0.1)
        assert not link.of(Heartbeat)


async def test_a_link_that_ends_after_the_next_began_takes_nothing_with_it() -> None:
    async with world() as one:
        first = one.connect()
        second = one.connect()
        first.answer(Heartbeat, Unknown("cut"))
        one.disconnect(first)
        assert one.is_linked()
        assert len(second.of(Heartbeat)) == 1
        one.disconnect(second)
        assert not one.is_linked()
        one.conversation.tell(WorkerTrouble("nobody hears this"))
        assert second.told == []


async def test_questions_about_logs_are_answered_elsewhere() -> None:
    async with world() as one:
        one.connect()
        asked = QueryLogs(("stdout",), (), (), None, True, 10, "", "")
        assert one.ask(asked) is None
        assert one.asked[0][0] == asked


async def test_the_same_warning_is_not_logged_over_and_over(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "bistro_tui")
    async with world() as one:
        link = one.connect()
        for _ in range(3):
            await until(lambda: link.of(Heartbeat))
            link.answer(Heartbeat, Refused("Worker shouldn't associate"))
    lines = [one.getMessage() for one in caplog.records]
    assert sum("shouldn't associate" in line for line in lines) == 1


async def test_how_it_is_can_be_said_in_a_line() -> None:
    async with world() as one:
        assert one.conversation.words == "new, 0 running, no scheduler is connected"
        one.connect()
        await one.healthy()
        one.run()
        assert one.conversation.words == "healthy, 1 running, connected to host:1"
