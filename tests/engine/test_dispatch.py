"""Events into the core, its actions out, many at a time."""

import asyncio
import logging
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest

from bistro_tui.engine.config.model import KillMethod, KillSettings
from bistro_tui.engine.dispatch.dispatcher import STEPS, Dispatcher
from bistro_tui.engine.dispatch.turns import FEWEST, MOST, TURN_SEC
from bistro_tui.engine.ended import Ended, EndedAttempts
from bistro_tui.engine.ids import InvocationId, TaskId
from bistro_tui.engine.moment import Now
from bistro_tui.engine.persist import NoStatuses, Persister
from bistro_tui.engine.runners.protocol import (
    AttemptEnded,
    AttemptNotStarted,
    AttemptStarted,
    AttemptUsage,
    RunnerCapacity,
    RunnerContainment,
    RunnerTrouble,
)
from bistro_tui.engine.scheduling.actions import (
    Action,
    KillTask,
    StartTask,
    StoreStatus,
)
from bistro_tui.engine.scheduling.core import Core
from bistro_tui.engine.scheduling.events import (
    ConfigLoaded,
    Event,
    KillRequested,
    NodesLoaded,
    Oddity,
    StartsLimited,
    StartsPaused,
    StartsResumed,
    StatusesLoaded,
    StatusStored,
    StopRequested,
    TaskEnded,
    TaskLost,
    TaskNotStarted,
    TimePassed,
)
from bistro_tui.engine.scheduling.reasons import Reason
from bistro_tui.engine.statuses.bits import DONE, ERROR_BACKOFF, INCOMPLETE_BACKOFF
from bistro_tui.engine.statuses.status import TaskStatus
from tests.engine.processes.builders import a_start
from tests.engine.scheduling.builders import limits, make_config, make_job, make_tree

KILL = KillSettings(method=KillMethod.KILL)


@dataclass
class Attempt:
    """A running one, as the core knows it."""

    invocation: InvocationId
    since: float = 1000.0
    began: float = 10.0
    ended: bool = False
    stopping: bool = False
    worker: str = "local"


class Script:
    """A core that remembers what it was fed, and stores each end."""

    def __init__(self) -> None:
        self.turns: list[list[Event]] = []
        self.answers: list[list[Action]] = []
        self.due: float | None = None
        self.slices = 0
        self.running: dict[TaskId, Attempt] = {}
        self.serial = -1
        self.each_takes = 0.0
        self.took = 0.0

    def handle(self, events: Sequence[Event], now: Now, steps: int) -> list[Action]:
        self.turns.append(list(events))
        if self.slices:
            self.slices -= 1
            self.due = -math.inf if self.slices else None
        self.took += len(events) * self.each_takes
        for one in events:
            if isinstance(one, TaskEnded | TaskNotStarted):
                del self.running[one.task]
        stores: list[Action] = []
        for one in events:
            if isinstance(one, TaskEnded):
                self.serial += 1
                store = StoreStatus(one.task, self.serial, one.reported, one.invocation)
                stores.append(store)
        more = self.answers.pop(0) if self.answers else []
        for action in more:
            if isinstance(action, StartTask):
                self.running[action.task] = Attempt(action.invocation)
        return stores + more

    def take_oddities(self) -> Sequence[Oddity]:
        return ()

    def next_due(self) -> float | None:
        return self.due

    def attempt(self, task: TaskId) -> "Attempt | None":
        return self.running.get(task)


class Hall:
    """An audience, a runner and a clock that remember."""

    name = "local"

    def __init__(self) -> None:
        self.broken: set[InvocationId] = set()
        self.heard: list[str] = []
        self.shown: list[Ended] = []
        self.started: list[StartTask] = []
        self.killed: list[InvocationId] = []
        self.forgotten: list[InvocationId] = []
        self.moment = Now(wall=1000.0, mono=10.0)
        self.took: Callable[[], float] = float

    def now(self) -> Now:
        return self.moment._replace(mono=self.moment.mono + self.took())

    def start(self, start: StartTask) -> None:
        if start.invocation in self.broken:
            raise RuntimeError("out of\nprocesses")
        self.started.append(start)

    def kill(self, invocation: InvocationId, how: KillSettings) -> None:
        if invocation in self.broken:
            raise RuntimeError("out of signals")
        self.killed.append(invocation)

    def settled(self, invocations: Sequence[InvocationId]) -> None:
        if self.broken & set(invocations):
            raise RuntimeError("out of memory")
        self.forgotten.extend(invocations)

    async def close(self) -> None:
        return

    def process_started(self, report: AttemptStarted) -> None:
        self.heard.append(f"pid {report.pid}")

    def kill_begun(
        self, invocation: InvocationId, kill: KillSettings, now: float
    ) -> None:
        self.heard.append(f"kill by {kill.method} at {now:g}")

    def usage(self, report: AttemptUsage) -> None:
        self.heard.append(f"usage of {len(report.rows)}")

    def containment(self, report: RunnerContainment) -> None:
        self.heard.append(report.word)

    def processes_ended(
        self, ended: Sequence[TaskEnded | TaskNotStarted | TaskLost]
    ) -> None:
        self.heard.append(f"over {len(ended)}")

    def attempts_stored(self, ended: Sequence[Ended]) -> None:
        self.shown.extend(ended)

    async def flush(self) -> None:
        return

    async def make_room(self, _error: Exception) -> bool:
        return False


def connect(core: Core | Script, hall: Hall) -> tuple[Dispatcher, Persister]:
    """Return a dispatcher between the two, and a store that keeps nothing."""
    dispatcher = Dispatcher(
        core=core,
        clock=hall,
        ended=EndedAttempts(core.attempt),
        audience=hall,
        on_change=lambda: hall.heard.append("news"),
        on_trouble=lambda text: hall.heard.append(f"trouble: {text}"),
    )
    persister = Persister(
        statuses=NoStatuses(),
        logs=hall,
        room=hall,
        on_stored=dispatcher.stored,
        on_trouble=hall.heard.append,
        on_lost=hall.heard.append,
    )
    dispatcher.connect(hall, persister)
    return dispatcher, persister


class Stage:
    """A dispatcher between a scripted core and its hall."""

    def __init__(self) -> None:
        self.core = Script()
        self.hall = Hall()
        self.hall.took = lambda: self.core.took
        self.dispatcher, self.persister = connect(self.core, self.hall)

    def start(self, number: int = 1) -> list[StartTask]:
        starts = [a_start(node=f"n{index}") for index in range(number)]
        self.core.answers = [list(starts)]
        self.dispatcher.feed([])
        self.core.turns.clear()
        self.hall.heard.clear()
        return starts


def end_of(start: StartTask) -> AttemptEnded:
    return AttemptEnded(
        task=start.task,
        invocation=start.invocation,
        reported=TaskStatus(bits=DONE, time=1003.0),
        exit_text="exited with status 0",
    )


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(25):
        while not condition():
            await asyncio.sleep(0)


async def test_every_action_goes_to_whom_it_concerns() -> None:
    stage = Stage()
    (start,) = stage.start()
    kill = KillTask(task=start.task, invocation=start.invocation, kill=KILL)
    stage.core.answers = [[kill]]

    stage.dispatcher.feed([KillRequested(start.task)])

    assert stage.hall.started == [start]
    assert stage.hall.killed == [start.invocation]
    assert stage.hall.heard == ["kill by kill at 1000", "news"]
    assert stage.dispatcher.unfinished == 1


async def test_the_ends_of_one_turn_of_the_loop_come_to_the_core_together() -> None:
    stage = Stage()
    starts = stage.start(3)

    for start in starts:
        stage.dispatcher.report(end_of(start))
    assert stage.core.turns == []
    await until(lambda: stage.core.turns)

    assert stage.core.turns == [
        [
            TaskEnded(start.task, start.invocation, end_of(start).reported)
            for start in starts
        ]
    ]
    assert not stage.core.running


async def test_very_many_ends_are_acted_on_in_several_turns_of_the_loop() -> None:
    stage = Stage()
    starts = stage.start(3 * MOST)
    for start in starts:
        stage.dispatcher.report(end_of(start))

    turns = 0
    async with asyncio.timeout(25):
        while stage.core.running:
            turns += 1
            await asyncio.sleep(0)

    ended = [len(turn) for turn in stage.core.turns]
    assert sum(ended) == len(starts)
    assert max(ended) == MOST
    assert turns >= len(ended)


async def test_no_turn_of_the_loop_takes_long_however_slow_the_machine_is() -> None:
    stage = Stage()
    starts = stage.start(20 * MOST)
    for start in starts:
        stage.dispatcher.report(end_of(start))
    stage.core.each_takes = 20e-6

    await until(lambda: len(stage.core.turns) == 10)
    settled = [len(turn) for turn in stage.core.turns[-3:]]
    assert all(0.7 < n * 20e-6 / TURN_SEC < 2.1 for n in settled)

    stage.core.each_takes = 1.0
    await until(lambda: len(stage.core.turns) == 13)
    assert len(stage.core.turns[-1]) == FEWEST
    stage.dispatcher.close()


async def test_an_end_that_is_reported_twice_counts_once() -> None:
    stage = Stage()
    (start,) = stage.start()
    stage.dispatcher.report(end_of(start))
    stage.dispatcher.report(end_of(start))
    stage.dispatcher.flush()
    stage.dispatcher.report(end_of(start))
    stage.dispatcher.flush()

    assert [len(turn) for turn in stage.core.turns] == [1]


async def test_an_end_is_shown_and_told_to_the_core_after_its_commit() -> None:
    stage = Stage()
    (start,) = stage.start()
    stage.hall.moment = Now(wall=900.0, mono=13.0)
    stage.dispatcher.report(end_of(start))
    stage.dispatcher.flush()
    assert stage.hall.shown == []
    assert stage.dispatcher.unfinished == 1

    running = asyncio.ensure_future(stage.persister.run())
    await until(lambda: stage.persister.is_idle)
    running.cancel()

    (shown,) = stage.hall.shown
    assert (shown[0], shown[3]) == (start.task, 3.0)
    assert stage.core.turns[-1] == [StatusStored(start.task, 0)]
    assert stage.dispatcher.unfinished == 0


async def test_a_process_is_told_of_and_an_attempt_without_one_is_not() -> None:
    stage = Stage()
    (start,) = stage.start()
    task, invocation = start.task, start.invocation
    stage.dispatcher.report(AttemptStarted(task, invocation, 4711))
    stage.dispatcher.report(AttemptStarted(task, invocation, None))
    stage.dispatcher.flush()

    assert stage.hall.heard == ["pid 4711", "news"]


async def test_use_and_containment_are_told_and_the_core_hears_nothing() -> None:
    stage = Stage()
    (start,) = stage.start()
    turns = len(stage.core.turns)
    stage.dispatcher.report(AttemptUsage(rows=((start.invocation, 4096, 0.5, 1),)))
    stage.dispatcher.report(RunnerContainment(word="cgroup"))
    stage.dispatcher.flush()

    assert stage.hall.heard == ["usage of 1", "cgroup", "news"]
    assert len(stage.core.turns) == turns


async def test_what_a_runner_has_to_tell_people_is_passed_on() -> None:
    stage = Stage()
    stage.dispatcher.report(RunnerTrouble(text="limits are not enforced"))
    stage.dispatcher.flush()

    assert stage.hall.heard == ["trouble: limits are not enforced", "news"]


async def test_the_core_hears_of_time_when_something_is_due_and_not_before() -> None:
    stage = Stage()
    stage.core.due = stage.hall.moment.mono + 0.02
    stage.dispatcher.feed([])
    stage.dispatcher.feed([])
    assert TimePassed() not in [one for turn in stage.core.turns for one in turn]

    await until(lambda: [TimePassed()] in stage.core.turns)
    first = stage.core.turns.count([TimePassed()])
    # The same moment again: the core may say so if the timer came a little early.
    await until(lambda: stage.core.turns.count([TimePassed()]) > first)
    stage.core.due = None
    stage.dispatcher.feed([])
    heard = len(stage.core.turns)
    await asyncio.sleep(0.03)

    assert len(stage.core.turns) == heard


async def test_after_the_close_nothing_is_left_to_fire() -> None:
    stage = Stage()
    (start,) = stage.start()
    stage.core.due = stage.hall.moment.mono
    stage.dispatcher.feed([])
    stage.dispatcher.report(end_of(start))

    stage.dispatcher.close()
    told = len(stage.core.turns)
    await asyncio.sleep(0.01)

    assert not stage.core.running
    assert len(stage.core.turns) == told


async def test_a_start_that_raises_ends_that_attempt_and_harms_no_other_action(
    caplog: pytest.LogCaptureFixture,
) -> None:
    stage = Stage()
    (before,) = stage.start()
    bad, good = a_start(node="bad"), a_start(node="good")
    stage.hall.broken = {bad.invocation}
    stage.core.answers = [[bad, good]]
    with caplog.at_level(logging.ERROR, "bistro_tui"):
        stage.dispatcher.report(end_of(before))
        stage.dispatcher.flush()

    assert stage.hall.started == [before, good]
    assert not stage.persister.is_idle
    (ended,) = stage.core.turns[-1]
    assert isinstance(ended, TaskEnded)
    assert (ended.task, ended.invocation) == (bad.task, bad.invocation)
    text = "Failed to start task etl@bad: RuntimeError: out of processes"
    assert ended.reported == TaskStatus(
        bits=ERROR_BACKOFF, time=1000.0, data={"exception": text}
    )
    (record,) = caplog.records
    assert record.getMessage() == "task etl@bad could not be started"
    assert record.exc_info is not None

    running = asyncio.ensure_future(stage.persister.run())
    await until(lambda: stage.persister.is_idle)
    running.cancel()
    assert [one[:3:2] for one in stage.hall.shown] == [
        (before.task, "exited with status 0"),
        (bad.task, "failed to start: RuntimeError: out of processes"),
    ]
    assert stage.dispatcher.unfinished == 1


async def test_a_kill_that_raises_is_logged_and_harms_no_other_action(
    caplog: pytest.LogCaptureFixture,
) -> None:
    stage = Stage()
    starts = stage.start(2)
    stage.hall.broken = {starts[0].invocation}
    stage.core.answers = [
        [
            KillTask(task=start.task, invocation=start.invocation, kill=KILL)
            for start in starts
        ]
    ]
    with caplog.at_level(logging.ERROR, "bistro_tui"):
        stage.dispatcher.feed([StopRequested()])

    assert stage.hall.killed == [starts[1].invocation]
    (record,) = caplog.records
    assert record.getMessage() == "task etl@n0 could not be killed"
    assert record.exc_info is not None
    assert stage.dispatcher.unfinished == 2


async def test_others_on_the_loop_have_their_turn_between_the_slices_of_much() -> None:
    stage = Stage()
    starts = stage.start(3)
    stage.core.slices = 20
    stage.dispatcher.feed([])

    for number, start in enumerate(starts):
        stage.dispatcher.report(end_of(start))
        await until(lambda: "over 1" in stage.hall.heard)
        stage.hall.heard.clear()
        assert len(stage.core.running) == 2 - number
    assert stage.core.slices > 10

    await until(lambda: not stage.core.slices)
    told = len(stage.core.turns)
    await asyncio.sleep(0.01)
    assert len(stage.core.turns) == told


class Real:
    """A dispatcher between a real core and its hall."""

    def __init__(self, tasks: int) -> None:
        self.core = Core(random.Random(1))
        self.hall = Hall()
        self.dispatcher, self.persister = connect(self.core, self.hall)
        config = make_config(make_job("j"), resources=limits(host={"slots": tasks}))
        tree = make_tree({"h": [f"n{number}" for number in range(tasks)]})
        self.dispatcher.feed(
            [StatusesLoaded({}), NodesLoaded(tree), ConfigLoaded(config)]
        )

    @property
    def started(self) -> int:
        return len(self.hall.started)


async def test_very_many_starts_are_decided_on_in_several_turns_of_the_loop() -> None:
    tasks = 5 * STEPS
    real = Real(tasks)

    slices = [real.started]
    while real.started < tasks:
        assert real.core.progress().can_progress
        real.hall.heard.clear()
        await until(lambda: real.hall.heard)
        slices.append(real.started - sum(slices))

    assert max(slices) <= 1.1 * STEPS
    assert real.dispatcher.unfinished == tasks
    await until(lambda: real.core.next_due() is None)


async def test_nothing_more_starts_once_a_stop_comes_between_two_slices() -> None:
    real = Real(5 * STEPS)
    await until(lambda: real.started > STEPS)
    started = real.started

    real.dispatcher.feed([StopRequested()])
    await asyncio.sleep(0.01)

    assert real.started == started < 5 * STEPS
    assert len(real.hall.killed) == started


TEXT = "EAGAIN: Resource temporarily unavailable"
FAILING = f"could not start: {TEXT}; next try in 1 s"


def undone(start: StartTask) -> AttemptNotStarted:
    return AttemptNotStarted(start.task, start.invocation, TEXT)


async def test_what_could_not_be_started_is_undone_and_all_starts_wait(
    caplog: pytest.LogCaptureFixture,
) -> None:
    stage = Stage()
    first, second = stage.start(2)
    for start in (first, second):
        stage.dispatcher.report(undone(start))
    with caplog.at_level(logging.WARNING, "bistro_tui"):
        stage.dispatcher.flush()

    assert stage.core.turns == [
        [
            TaskNotStarted(first.task, first.invocation, TEXT),
            StartsPaused("start failures", FAILING),
        ],
        [TaskNotStarted(second.task, second.invocation, TEXT)],
    ]
    assert stage.dispatcher.unfinished == 0
    assert stage.hall.heard.count("over 1") == 2
    assert [record.getMessage() for record in caplog.records] == [
        f"task etl@n0 could not be started: {TEXT}; next try in 1 s"
    ]
    stage.dispatcher.close()


async def test_what_could_not_be_started_but_was_killed_meanwhile_is_over() -> None:
    stage = Stage()
    (start,) = stage.start()
    stage.core.running[start.task].stopping = True
    stage.dispatcher.report(undone(start))
    stage.dispatcher.flush()

    ((ended,),) = stage.core.turns
    assert isinstance(ended, TaskEnded)
    assert ended.invocation == start.invocation
    assert ended.reported.bits == INCOMPLETE_BACKOFF
    assert ended.reported.data == {"exception": "Task killed, no status returned"}
    stage.dispatcher.stored([StoreStatus(start.task, 0, ended.reported)])
    assert [one[2] for one in stage.hall.shown] == ["killed before it started"]
    assert stage.dispatcher.unfinished == 0
    stage.dispatcher.close()


async def test_a_second_report_of_one_attempt_counts_for_nothing() -> None:
    stage = Stage()
    (start,) = stage.start()
    for report in (undone(start), end_of(start), undone(start)):
        stage.dispatcher.report(report)
    stage.dispatcher.flush()
    assert len(stage.core.turns) == 1
    assert stage.dispatcher.unfinished == 0
    stage.dispatcher.close()

    stage = Stage()
    (start,) = stage.start()
    for report in (end_of(start), undone(start)):
        stage.dispatcher.report(report)
    stage.dispatcher.flush()
    assert stage.core.turns == [
        [TaskEnded(start.task, start.invocation, end_of(start).reported)]
    ]
    assert stage.dispatcher.unfinished == 1


def at_once(delays: list[float], patch: pytest.MonkeyPatch) -> None:
    """Let every timer fire in the next turn of the loop; remember its delay."""
    loop = asyncio.get_running_loop()

    def call_soon(
        delay: float, callback: Callable[..., object], *args: object
    ) -> asyncio.TimerHandle:
        delays.append(delay)
        return loop.call_at(loop.time(), callback, *args)

    patch.setattr(loop, "call_later", call_soon)


async def test_starts_are_tried_again_after_a_pause_that_grows_until_one_succeeds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stage, delays = Stage(), list[float]()
    at_once(delays, monkeypatch)
    resumed: list[Event] = [StartsResumed("start failures")]

    async def fail() -> None:
        (start,) = stage.start()
        stage.dispatcher.report(undone(start))
        await until(lambda: stage.core.turns[-1:] == [resumed])

    for _ in range(3):
        await fail()
    assert delays == [1, 2, 4]
    start = a_start(node="later")._replace(invocation=InvocationId(1001, 5))
    stage.core.answers = [[start]]
    stage.dispatcher.feed([])
    stage.dispatcher.report(AttemptStarted(start.task, start.invocation, 4711))
    stage.dispatcher.flush()
    await fail()
    assert delays == [1, 2, 4, 1]

    await fail()
    late = end_of(start)._replace(exit_text="failed to start: no such file")
    stage.dispatcher.report(late)
    await fail()
    assert delays[-2:] == [2, 4]


async def test_an_attempt_that_ran_and_ended_proves_that_starts_succeed_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stage, delays = Stage(), list[float]()
    at_once(delays, monkeypatch)
    for _ in range(2):
        (start,) = stage.start()
        stage.dispatcher.report(undone(start))
        await until(lambda: len(stage.core.turns) == 2)
    start = a_start(node="later")._replace(invocation=InvocationId(1001, 5))
    stage.core.answers = [[start]]
    stage.dispatcher.feed([])
    stage.dispatcher.report(end_of(start))
    stage.dispatcher.flush()
    (start,) = stage.start()
    stage.dispatcher.report(undone(start))
    stage.dispatcher.flush()
    assert delays == [1, 2, 1]
    stage.dispatcher.close()


async def test_no_timer_of_a_start_failure_is_left_after_the_close(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stage, delays = Stage(), list[float]()
    at_once(delays, monkeypatch)
    (start,) = stage.start()
    stage.dispatcher.report(undone(start))
    stage.dispatcher.flush()
    assert delays == [1]
    stage.dispatcher.close()
    told = len(stage.core.turns)
    await asyncio.sleep(0.01)

    assert len(stage.core.turns) == told


async def test_while_starts_fail_the_work_is_not_over_and_it_goes_on_by_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = Real(1)
    at_once([], monkeypatch)
    (start,) = real.hall.started
    real.dispatcher.report(undone(start))
    real.dispatcher.flush()
    assert real.dispatcher.unfinished == 0
    assert real.core.progress().can_progress
    assert real.core.reason(start.task) is Reason.PAUSED
    closed = real.core.closed
    assert closed is not None
    assert closed.text == FAILING

    await until(lambda: real.started == 2)
    assert real.core.starts == real.dispatcher.unfinished == 1


async def test_the_core_hears_how_many_tasks_the_runner_can_have_at_once() -> None:
    stage = Stage()
    stage.dispatcher.report(RunnerCapacity(17, "ulimit -n 64"))
    stage.dispatcher.report(RunnerCapacity(None, ""))
    stage.dispatcher.flush()
    assert stage.core.turns == [
        [StartsLimited(17, "ulimit -n 64")],
        [StartsLimited(None, "")],
    ]


async def test_a_runner_forgets_attempts_only_once_their_statuses_are_on_disk() -> None:
    stage = Stage()
    (start,) = stage.start()
    stage.dispatcher.report(end_of(start))
    stage.dispatcher.flush()
    assert stage.hall.forgotten == []

    forgiven = StoreStatus(start.task, 9, end_of(start).reported)
    ended = StoreStatus(start.task, 0, end_of(start).reported, start.invocation)
    stage.dispatcher.stored([forgiven, ended])
    assert stage.hall.forgotten == [start.invocation]
    stage.dispatcher.stored([forgiven])
    assert stage.hall.forgotten == [start.invocation]


async def test_a_runner_that_cannot_forget_keeps_no_status_from_being_shown(
    caplog: pytest.LogCaptureFixture,
) -> None:
    stage = Stage()
    (start,) = stage.start()
    stage.hall.broken = {start.invocation}
    stage.dispatcher.report(end_of(start))
    stage.dispatcher.flush()
    with caplog.at_level(logging.ERROR, "bistro_tui"):
        stage.dispatcher.stored(
            [StoreStatus(start.task, 0, end_of(start).reported, start.invocation)]
        )
    assert stage.core.turns[-1] == [StatusStored(start.task, 0)]
    assert len(stage.hall.shown) == 1
    assert "out of memory" in caplog.text


class Minimal:
    """A runner with nothing that it need not have."""

    name = "minimal"

    def start(self, start: StartTask) -> None:
        return

    def kill(self, invocation: InvocationId, how: KillSettings) -> None:
        return

    async def close(self) -> None:
        return


async def test_a_runner_need_not_hear_what_is_on_disk() -> None:
    stage = Stage()
    stage.dispatcher.connect(Minimal(), stage.persister)
    (start,) = stage.start()
    stage.dispatcher.report(end_of(start))
    stage.dispatcher.flush()
    stage.dispatcher.stored(
        [StoreStatus(start.task, 0, end_of(start).reported, start.invocation)]
    )
    assert stage.dispatcher.unfinished == 0
