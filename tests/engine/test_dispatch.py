"""Events into the core, its actions out, many at a time."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bistro_tui.engine import dispatch
from bistro_tui.engine.config.model import KillMethod, KillSettings
from bistro_tui.engine.dispatch import Dispatcher
from bistro_tui.engine.ended import Ended, EndedAttempts
from bistro_tui.engine.ids import InvocationId, TaskId
from bistro_tui.engine.moment import Now
from bistro_tui.engine.persist import NoStatuses, Persister
from bistro_tui.engine.runners.protocol import AttemptEnded, AttemptStarted
from bistro_tui.engine.scheduling.actions import (
    Action,
    KillTask,
    StartTask,
    StoreStatus,
)
from bistro_tui.engine.scheduling.events import (
    Event,
    KillRequested,
    StatusStored,
    TaskEnded,
    TimePassed,
)
from bistro_tui.engine.statuses.bits import DONE
from bistro_tui.engine.statuses.status import TaskStatus
from tests.engine.processes.builders import a_start

KILL = KillSettings(method=KillMethod.KILL)


@dataclass
class Attempt:
    """A running one, as the core knows it."""

    invocation: InvocationId
    since: float = 1000.0
    ended: bool = False


class Script:
    """A core that remembers what it was fed, and stores each end."""

    def __init__(self) -> None:
        self.turns: list[list[Event]] = []
        self.answers: list[list[Action]] = []
        self.due: float | None = None
        self.running: dict[TaskId, Attempt] = {}
        self.each_takes = 0.0
        self.took = 0.0

    def handle(self, events: Sequence[Event], now: Now) -> list[Action]:
        self.turns.append(list(events))
        self.took += len(events) * self.each_takes
        for one in events:
            if isinstance(one, TaskEnded):
                del self.running[one.task]
        stores: list[Action] = [
            StoreStatus(task=one.task, serial=number, status=one.reported)
            for number, one in enumerate(events)
            if isinstance(one, TaskEnded)
        ]
        more = self.answers.pop(0) if self.answers else []
        for action in more:
            if isinstance(action, StartTask):
                self.running[action.task] = Attempt(action.invocation)
        return stores + more

    def next_due(self) -> float | None:
        return self.due

    def attempt(self, task: TaskId) -> "Attempt | None":
        return self.running.get(task)


class Hall:
    """An audience, a runner and a clock that remember."""

    name = "local"

    def __init__(self, core: Script) -> None:
        self._core = core
        self.heard: list[str] = []
        self.shown: list[Ended] = []
        self.started: list[StartTask] = []
        self.killed: list[InvocationId] = []
        self.moment = Now(wall=1000.0, mono=10.0)

    def now(self) -> Now:
        return self.moment._replace(mono=self.moment.mono + self._core.took)

    def start(self, start: StartTask) -> None:
        self.started.append(start)

    def kill(self, invocation: InvocationId, how: KillSettings) -> None:
        self.killed.append(invocation)

    async def close(self) -> None:
        return

    def process_started(self, report: AttemptStarted) -> None:
        self.heard.append(f"pid {report.pid}")

    def attempt_changed(self, invocation: InvocationId) -> None:
        self.heard.append("changed")

    def processes_ended(self, ended: Sequence[TaskEnded]) -> None:
        self.heard.append(f"over {len(ended)}")

    def attempts_stored(self, ended: Sequence[Ended]) -> None:
        self.shown.extend(ended)

    async def flush(self) -> None:
        return


class Stage:
    """A dispatcher between a scripted core and its hall."""

    def __init__(self) -> None:
        self.core = Script()
        self.hall = Hall(self.core)
        self.dispatcher = Dispatcher(
            core=self.core,
            clock=self.hall,
            ended=EndedAttempts(self.core.attempt),
            audience=self.hall,
            on_change=lambda: self.hall.heard.append("news"),
        )
        self.persister = Persister(
            statuses=NoStatuses(),
            logs=self.hall,
            on_stored=self.dispatcher.stored,
            on_trouble=self.hall.heard.append,
        )
        self.dispatcher.connect(self.hall, self.persister)

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
    async with asyncio.timeout(5):
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
    assert stage.hall.heard == ["changed", "news"]
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
    starts = stage.start(3 * dispatch.MOST)
    for start in starts:
        stage.dispatcher.report(end_of(start))

    turns = 0
    async with asyncio.timeout(5):
        while stage.core.running:
            turns += 1
            await asyncio.sleep(0)

    ended = [len(turn) for turn in stage.core.turns]
    assert sum(ended) == len(starts)
    assert max(ended) == dispatch.MOST
    assert turns >= len(ended)


async def test_no_turn_of_the_loop_takes_long_however_slow_the_machine_is() -> None:
    stage = Stage()
    starts = stage.start(20 * dispatch.MOST)
    for start in starts:
        stage.dispatcher.report(end_of(start))
    stage.core.each_takes = 20e-6

    await until(lambda: len(stage.core.turns) == 10)
    settled = [len(turn) for turn in stage.core.turns[-3:]]
    assert all(0.7 < n * 20e-6 / dispatch.TURN_SEC < 2.1 for n in settled)

    stage.core.each_takes = 1.0
    await until(lambda: len(stage.core.turns) == 13)
    assert len(stage.core.turns[-1]) == dispatch.FEWEST
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
