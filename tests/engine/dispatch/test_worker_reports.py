"""What the core hears together of tasks on workers, and what is left for later."""

from collections import deque
from collections.abc import Callable, Sequence
from typing import cast

from bistro_tui.engine.dispatch.audience import Audience
from bistro_tui.engine.dispatch.decider import Decider
from bistro_tui.engine.dispatch.finds import Finds
from bistro_tui.engine.dispatch.turns import MOST
from bistro_tui.engine.dispatch.worker_reports import (
    INITIAL_WAIT,
    WorkerReport,
    WorkerReports,
)
from bistro_tui.engine.ended import EndedAttempts
from bistro_tui.engine.ids import InvocationId, NodeName, TaskId
from bistro_tui.engine.runners.protocol import (
    AttemptAdopted,
    AttemptLost,
    AttemptNotStarted,
    RunnerReport,
    WorkersAwaited,
    WorkersChanged,
)
from bistro_tui.engine.scheduling.events import (
    AttemptsAdopted,
    Event,
    StartsPaused,
    StartsResumed,
    TaskEnded,
    TaskLost,
    TaskNotStarted,
    WorkersReported,
)
from tests.engine.dispatch.builders import AN_ADOPTED, ETL
from tests.engine.test_dispatch import Attempt, Hall, Script

ONE = InvocationId(1000, 1)
FOUND = AttemptAdopted(AN_ADOPTED)
UNDONE = AttemptNotStarted(ETL, ONE, "worker w1: dying", concerns_worker_only=True)
PAUSING = UNDONE._replace(concerns_worker_only=False)


class Desk:
    """Reads reports; what comes of them is in lists."""

    def __init__(self) -> None:
        self.running: dict[TaskId, Attempt] = {}
        self.turns: list[list[Event]] = []
        self.counted: list[int] = []
        self.settled: list[InvocationId] = []
        self.finds = Finds()
        self.hall = Hall()
        self.then: Callable[[], None] = lambda: None
        self.reports = WorkerReports(
            core=cast("Decider", Script()),
            clock=self.hall,
            ended=EndedAttempts(self.running.get),
            audience=cast("Audience", self.hall),
            finds=self.finds,
            feed=self.feed,
            count=self.counted.append,
            settle=lambda _, invocation: self.settled.append(invocation),
        )

    def feed(self, events: Sequence[Event]) -> None:
        self.turns.append(list(events))
        self.then()

    def act_on(self, first: WorkerReport, *more: RunnerReport) -> list[RunnerReport]:
        """Act on the first; return those that are left to others."""
        following = deque(more)
        self.reports.act_on(first, following)
        return list(following)


def test_the_core_hears_of_workers_and_of_the_wait_for_them() -> None:
    desk = Desk()
    assert desk.act_on(WorkersChanged(()), FOUND) == [FOUND]
    desk.act_on(WorkersAwaited("w1 is missing"))
    desk.act_on(WorkersAwaited(""))
    assert desk.turns == [
        [WorkersReported((), may_grow=True)],
        [StartsPaused(INITIAL_WAIT, "w1 is missing")],
        [StartsResumed(INITIAL_WAIT)],
    ]


def test_what_gives_way_is_heard_of_with_what_runs_and_nothing_else_is() -> None:
    desk = Desk()
    desk.running[ETL] = Attempt(ONE)
    assert desk.act_on(UNDONE, UNDONE, FOUND, WorkersChanged(())) == [
        WorkersChanged(())
    ]
    assert desk.turns == [
        [TaskNotStarted(ETL, ONE, UNDONE.text), AttemptsAdopted((AN_ADOPTED,))]
    ]
    assert desk.counted == [-1]


def test_what_pauses_all_starts_is_not_taken_with_what_concerns_one_worker() -> None:
    desk = Desk()
    desk.running[ETL] = Attempt(ONE)
    assert desk.act_on(UNDONE, PAUSING) == [PAUSING]
    assert desk.turns == [[TaskNotStarted(ETL, ONE, UNDONE.text)]]


def test_what_was_to_end_and_never_began_has_ended_and_stays_unfinished() -> None:
    desk = Desk()
    desk.running[ETL] = Attempt(ONE, stopping=True)
    desk.act_on(UNDONE)
    ((ended,),) = desk.turns
    assert isinstance(ended, TaskEnded)
    assert ended.invocation == ONE
    assert desk.counted == []


def test_of_an_attempt_that_does_not_run_the_core_hears_nothing() -> None:
    desk = Desk()
    desk.act_on(UNDONE)
    desk.act_on(AttemptLost(ETL, ONE, NodeName("w1"), 66))
    assert desk.turns == []
    assert desk.counted == []
    assert desk.settled == [ONE]


def test_a_lost_attempt_is_over_for_the_core() -> None:
    desk = Desk()
    desk.running[ETL] = Attempt(ONE)
    desk.act_on(AttemptLost(ETL, ONE, NodeName("w1"), 66))
    assert desk.turns == [[TaskLost(ETL, ONE, NodeName("w1"), 66)]]
    assert desk.hall.heard == ["over 1"]


def test_only_finds_that_run_from_now_on_are_counted() -> None:
    desk = Desk()

    def adopt() -> None:
        desk.running[ETL] = Attempt(AN_ADOPTED.invocation)

    desk.then = adopt
    desk.act_on(FOUND, FOUND)
    assert desk.turns == [[AttemptsAdopted((AN_ADOPTED, AN_ADOPTED))]]
    assert desk.counted == [1]
    desk.then = lambda: None
    desk.act_on(FOUND)
    assert desk.counted == [1]


def test_very_many_finds_are_heard_of_in_several_turns() -> None:
    desk = Desk()
    assert len(desk.act_on(FOUND, *[FOUND] * (MOST + 1))) == 2
