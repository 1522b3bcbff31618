"""Who hears of which report."""

from collections import deque
from collections.abc import Sequence
from typing import cast

from bistro_tui.engine.dispatch.audience import Audience
from bistro_tui.engine.dispatch.reports import Reports
from bistro_tui.engine.dispatch.start_failures import StartFailures
from bistro_tui.engine.dispatch.start_pauses import StartPauses
from bistro_tui.engine.dispatch.worker_reports import WorkerReport, WorkerReports
from bistro_tui.engine.ended import EndedAttempts
from bistro_tui.engine.ids import InvocationId, TaskId
from bistro_tui.engine.runners.protocol import (
    AttemptAdopted,
    AttemptEnded,
    AttemptNotStarted,
    AttemptStarted,
    AttemptUsage,
    RunnerCapacity,
    RunnerContainment,
    RunnerReport,
    RunnerTrouble,
    WorkersChanged,
)
from bistro_tui.engine.scheduling.events import (
    Event,
    StartsLimited,
    StartsPaused,
    TaskEnded,
    TaskNotStarted,
)
from bistro_tui.engine.statuses.bits import DONE
from bistro_tui.engine.statuses.status import TaskStatus
from tests.engine.dispatch.builders import AN_ADOPTED, ETL
from tests.engine.test_dispatch import Attempt, Hall

ONE = InvocationId(1000, 1)
STATUS = TaskStatus(bits=DONE, time=1003.0)
END = AttemptEnded(ETL, ONE, STATUS, "exited with status 0")
UNDONE = AttemptNotStarted(ETL, ONE, "EAGAIN: no more processes")
PAUSED = StartsPaused("start failures", "could not start")


class Pauses:
    """One pause after the other, each told once."""

    def __init__(self) -> None:
        self.left: list[StartsPaused] = [PAUSED]

    def failed(self, task: TaskId, text: str) -> StartsPaused | None:
        return self.left.pop() if self.left else None


class Desk:
    """Reads reports; what comes of them is in lists."""

    def __init__(self) -> None:
        self.running: dict[TaskId, Attempt] = {ETL: Attempt(ONE)}
        self.heard: list[object] = []
        self.counted: list[int] = []
        self.settled: list[InvocationId] = []
        self.failures = StartFailures()
        self.hall = Hall()
        self.reports = Reports(
            clock=self.hall,
            ended=EndedAttempts(self.running.get),
            audience=cast("Audience", self.hall),
            failures=self.failures,
            pauses=cast("StartPauses", Pauses()),
            of_workers=cast("WorkerReports", self),
            feed=self.feed,
            count=self.counted.append,
            settle=lambda _, invocation: self.settled.append(invocation),
            on_change=lambda: None,
            on_trouble=self.heard.append,
        )

    def feed(self, events: Sequence[Event]) -> None:
        self.heard.append(list(events))

    def act_on(self, report: WorkerReport, following: deque[RunnerReport]) -> None:
        """Do what ``WorkerReports`` do."""
        self.heard.append(report)
        following.clear()

    def read(self, *reports: RunnerReport) -> list[RunnerReport]:
        """Act on as many; return what is there afterwards."""
        left = deque(reports)
        self.reports.act_on(left, len(reports))
        return list(left)


def test_the_core_hears_of_ends_together_and_of_each_once() -> None:
    desk = Desk()
    desk.read(END, END)
    assert desk.heard == [[TaskEnded(ETL, ONE, STATUS)]]
    assert desk.settled == [ONE]


def test_what_workers_report_is_read_with_what_follows_it() -> None:
    desk = Desk()
    undone = UNDONE._replace(concerns_worker_only=True)
    for first in (WorkersChanged(()), AttemptAdopted(AN_ADOPTED), undone):
        desk.heard.clear()
        assert desk.read(first, END, END) == []
        assert desk.heard == [first]


def test_ends_are_heard_of_before_what_is_told_of_their_tasks_next() -> None:
    desk = Desk()
    found = AttemptAdopted(AN_ADOPTED)
    desk.read(END, found)
    assert desk.heard == [[TaskEnded(ETL, ONE, STATUS)], found]


def test_people_and_not_the_core_hear_of_what_changes_no_task() -> None:
    desk = Desk()
    desk.read(
        AttemptUsage(((ONE, 1, 0.0, 1),)),
        RunnerContainment("cgroup"),
        AttemptStarted(ETL, ONE, 4711),
        RunnerTrouble("limits are not enforced"),
    )
    assert desk.hall.heard == ["usage of 1", "cgroup", "pid 4711"]
    assert desk.heard == ["limits are not enforced"]


def test_the_core_hears_how_many_may_run() -> None:
    desk = Desk()
    desk.read(RunnerCapacity(17, "ulimit -n 64"))
    assert desk.heard == [[StartsLimited(17, "ulimit -n 64")]]


def test_the_first_start_that_fails_pauses_all_and_each_waits() -> None:
    desk = Desk()
    desk.read(UNDONE)
    undone = TaskNotStarted(ETL, ONE, UNDONE.text)
    assert desk.heard == [[undone, PAUSED]]
    desk.read(UNDONE)
    assert desk.heard[1:] == [[undone]]
    assert desk.counted == [-1, -1]


def test_what_was_to_end_and_could_not_start_ends_in_a_later_turn() -> None:
    desk = Desk()
    desk.running[ETL].stopping = True
    (end,) = desk.read(UNDONE)
    assert isinstance(end, AttemptEnded)
    assert (end.invocation, end.exit_text) == (ONE, "killed before it started")
    assert desk.heard == []
    assert desk.counted == []


def test_a_start_that_succeeds_ends_the_series_of_those_that_failed() -> None:
    for proof in (AttemptStarted(ETL, ONE, 4711), END):
        desk = Desk()
        desk.failures.failed()
        desk.failures.tried(ONE)
        desk.read(proof)
        assert not desk.failures.are_going_on
    for other in (
        AttemptStarted(ETL, ONE, None),
        END._replace(exit_text="failed to start: no such file"),
    ):
        desk = Desk()
        desk.failures.failed()
        desk.failures.tried(ONE)
        desk.read(other)
        assert desk.failures.are_going_on
