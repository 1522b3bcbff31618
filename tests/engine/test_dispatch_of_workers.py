"""What runners of remote workers report, fed to a real core."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

import pytest

from bistro_tui.engine.config.backoff import BackoffDuration
from bistro_tui.engine.config.model import Config, Job, Settings
from bistro_tui.engine.dispatch.dispatcher import Dispatcher
from bistro_tui.engine.dispatch.worker_reports import INITIAL_WAIT
from bistro_tui.engine.ended import EndedAttempts
from bistro_tui.engine.ids import (
    INSTANCE_LEVEL,
    InvocationId,
    JobName,
    NodeName,
    TaskId,
)
from bistro_tui.engine.nodes.tree import Node, NodeTree
from bistro_tui.engine.persist import Persister
from bistro_tui.engine.physical.host import HostResources
from bistro_tui.engine.runners.protocol import (
    AttemptAdopted,
    AttemptEnded,
    AttemptLost,
    AttemptNotStarted,
    LateStatus,
    RunnerReport,
    WorkersAwaited,
    WorkersChanged,
)
from bistro_tui.engine.scheduling.actions import StartTask, StoreStatus
from bistro_tui.engine.scheduling.core import Core
from bistro_tui.engine.scheduling.events import (
    AdoptedAttempt,
    ConfigLoaded,
    KillRequested,
    NodesLoaded,
    StartsResumed,
    StatusesLoaded,
    StopRequested,
    TimePassed,
    WorkerFacts,
)
from bistro_tui.engine.scheduling.reasons import Reason
from bistro_tui.engine.statuses.bits import DONE, INCOMPLETE, Bits
from bistro_tui.engine.statuses.status import TaskStatus
from tests.engine.test_dispatch import Hall

ETL = TaskId(JobName("etl"), NodeName("root"))
BACKOFF = BackoffDuration(15, no_more=False)
W1 = WorkersChanged((WorkerFacts(NodeName("w1"), True, HostResources(name="h1")),))
GONE = WorkersChanged((W1.workers[0]._replace(is_healthy=False),))
REAL = TaskStatus(bits=DONE, time=1000.0)
AGAIN = TaskStatus(bits=INCOMPLETE, time=1000.0)
"""Runs once more at once."""


@dataclass
class Disk:
    """Takes statuses, and has them only when it is told so."""

    stores: list[StoreStatus] = field(default_factory=list)

    def store(self, actions: Sequence[StoreStatus]) -> None:
        self.stores.extend(actions)


class Stage:
    """A dispatcher with a core of one job on one node; workers are waited for."""

    def __init__(self) -> None:
        self.hall, self.disk = Hall(), Disk()
        self.core = Core(random.Random(1))
        self.dispatcher = Dispatcher(
            core=self.core,
            clock=self.hall,
            ended=EndedAttempts(self.core.attempt),
            audience=self.hall,
            on_change=lambda: None,
            on_trouble=self.hall.heard.append,
        )
        self.dispatcher.connect(self.hall, cast("Persister", self.disk))
        self.tell(WorkersChanged(()), WorkersAwaited("waiting for workers"))
        job = Job(name=ETL.job, level_for_tasks=INSTANCE_LEVEL, command=("run",))
        config = Config(settings=Settings(enabled=True), jobs={job.name: job})
        root = Node(name=ETL.node, level=INSTANCE_LEVEL, parent=-1)
        self.dispatcher.feed(
            [StatusesLoaded({}), NodesLoaded(NodeTree([root])), ConfigLoaded(config)]
        )

    def tell(self, *reports: RunnerReport) -> None:
        self.dispatcher.report_all(reports)

    def sync(self) -> None:
        """Have everything on disk."""
        stores, self.disk.stores = self.disk.stores, []
        self.dispatcher.stored(stores)

    def start(self) -> StartTask:
        """Let the task start on w1."""
        self.tell(W1, WorkersAwaited(""))
        (start,) = self.hall.started
        return start


def an_adopted(number: int = 1, task: TaskId = ETL) -> AttemptAdopted:
    return AttemptAdopted(
        AdoptedAttempt(
            task=task,
            invocation=InvocationId(900, number),
            worker=NodeName("w1"),
            since=900.0,
            needs={},
            path=((INSTANCE_LEVEL, NodeName("root")),),
            next_backoff=BACKOFF,
        )
    )


def end_of(invocation: InvocationId) -> AttemptEnded:
    return AttemptEnded(ETL, invocation, REAL, "exited with status 0")


def late_from(worker: str, invocation: InvocationId) -> LateStatus:
    text = "exited with status 0"
    return LateStatus(ETL, invocation, REAL, BACKOFF, text, NodeName(worker))


async def test_nothing_starts_before_the_initial_wait_is_over() -> None:
    stage = Stage()
    stage.tell(W1)
    assert stage.hall.started == []
    assert stage.core.closed is not None
    assert stage.core.closed.text == "waiting for workers"
    stage.tell(WorkersAwaited(""))

    (start,) = stage.hall.started
    assert start.worker == "w1"
    assert stage.core.closed is None


async def test_an_adopted_attempt_runs_and_is_unfinished_until_its_end_is_on_disk() -> (
    None
):
    stage = Stage()
    adopted = an_adopted()
    stage.tell(W1, adopted, WorkersAwaited(""))
    assert stage.dispatcher.unfinished == 1
    assert stage.hall.started == []
    attempt = stage.core.attempt(ETL)
    assert attempt is not None
    assert (attempt.worker, attempt.since) == ("w1", 900.0)

    stage.tell(end_of(adopted.attempt.invocation))
    assert stage.dispatcher.unfinished == 1
    stage.sync()
    assert stage.dispatcher.unfinished == 0
    assert stage.hall.forgotten == [adopted.attempt.invocation]


async def test_an_attempt_that_is_adopted_twice_counts_once() -> None:
    stage = Stage()
    stage.tell(an_adopted())
    stage.tell(an_adopted(), an_adopted())

    assert stage.dispatcher.unfinished == 1


async def test_a_second_copy_of_a_running_task_counts_for_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    stage = Stage()
    start = stage.start()
    second = an_adopted()
    stage.tell(second)
    assert stage.dispatcher.unfinished == 1
    stage.tell(end_of(second.attempt.invocation))

    assert [one.levelname for one in caplog.records] == ["ERROR"]
    # Nothing of it is stored, and its worker need not keep it.
    assert stage.disk.stores == []
    assert stage.hall.forgotten == [second.attempt.invocation]
    attempt = stage.core.attempt(ETL)
    assert attempt is not None
    assert attempt.invocation == start.invocation


async def test_many_adopted_attempts_come_to_the_core_in_one_go() -> None:
    stage = Stage()
    tasks = [TaskId(JobName("gone"), NodeName(f"n{number}")) for number in range(60)]
    stage.tell(*(an_adopted(number, task) for number, task in enumerate(tasks)))
    stage.dispatcher.flush()

    assert stage.dispatcher.unfinished == 60


async def test_a_lost_attempt_is_over_and_its_task_waits_long_enough() -> None:
    stage = Stage()
    start = stage.start()
    stage.tell(GONE, AttemptLost(ETL, start.invocation, NodeName("w1"), 66))
    (store,) = stage.disk.stores
    assert Bits.OVERWRITEABLE in store.status.bits
    assert store.status.backoff_sec == 66
    assert stage.dispatcher.unfinished == 1
    stage.sync()

    assert stage.dispatcher.unfinished == 0
    ((task, status, exit_text, _, worker),) = stage.hall.shown
    assert (task, status.backoff_sec) == (ETL, 66)
    assert (exit_text, worker) == ("lost with worker w1", "w1")
    assert stage.core.reason(ETL) is Reason.BACKOFF


async def test_an_attempt_is_lost_once_and_not_after_its_end() -> None:
    stage = Stage()
    start = stage.start()
    lost = AttemptLost(ETL, start.invocation, NodeName("w1"), 66)
    stage.tell(end_of(start.invocation), lost, lost)
    stage.sync()

    assert [one[1].bits for one in stage.hall.shown] == [DONE]


async def test_a_lost_attempt_is_settled_when_it_is_on_disk() -> None:
    stage = Stage()
    start = stage.start()
    stage.tell(GONE, AttemptLost(ETL, start.invocation, NodeName("w1"), 66))
    assert stage.hall.forgotten == []
    stage.sync()
    assert stage.hall.forgotten == [start.invocation]


async def test_a_lost_attempt_that_does_not_count_is_settled_at_once() -> None:
    stage = Stage()
    start = stage.start()
    other = InvocationId(900, 1)
    stage.tell(AttemptLost(ETL, other, NodeName("w1"), 66))
    assert stage.disk.stores == []
    assert stage.hall.forgotten == [other]

    stage.tell(end_of(start.invocation))
    stage.tell(AttemptLost(ETL, start.invocation, NodeName("w1"), 66))
    assert stage.hall.forgotten == [other]
    stage.sync()
    assert stage.hall.forgotten == [other, start.invocation]


async def test_a_real_status_replaces_that_of_a_lost_attempt() -> None:
    stage = Stage()
    start = stage.start()
    stage.tell(GONE, AttemptLost(ETL, start.invocation, NodeName("w1"), 66))
    stage.sync()
    stage.hall.forgotten.clear()
    stage.tell(late_from("w1", start.invocation))
    assert stage.hall.forgotten == []
    (store,) = stage.disk.stores
    assert (store.status.bits, store.invocation) == (DONE, start.invocation)
    stage.sync()

    assert stage.hall.forgotten == [start.invocation]
    assert stage.core.reason(ETL) is Reason.DONE
    assert stage.dispatcher.unfinished == 0


async def test_a_late_status_that_does_not_count_is_settled_at_once() -> None:
    stage = Stage()
    start = stage.start()
    stage.tell(end_of(start.invocation))
    stage.sync()
    stage.hall.forgotten.clear()
    stage.tell(late_from("w1", start.invocation))

    assert stage.disk.stores == []
    assert stage.hall.forgotten == [start.invocation]


async def test_a_repeated_end_is_settled_with_the_first() -> None:
    stage = Stage()
    start = stage.start()
    stage.tell(end_of(start.invocation))
    stage.tell(end_of(start.invocation))
    stage.tell(late_from("w1", start.invocation))
    assert stage.hall.forgotten == []
    stage.sync()

    assert stage.hall.forgotten == [start.invocation]


async def test_a_task_that_one_worker_did_not_take_pauses_nobody() -> None:
    stage = Stage()
    start = stage.start()
    undone = AttemptNotStarted(ETL, start.invocation, "worker w1: dying", True)
    stage.tell(GONE, undone)
    assert stage.core.closed is None
    assert stage.dispatcher.unfinished == 0
    assert stage.disk.stores == []
    assert stage.core.reason(ETL) is Reason.WORKER
    stage.tell(W1)

    assert len(stage.hall.started) == 2
    assert stage.dispatcher.unfinished == 1


async def test_a_real_status_is_answered_when_it_is_on_disk_itself() -> None:
    stage = Stage()
    start = stage.start()
    stage.tell(GONE, AttemptLost(ETL, start.invocation, NodeName("w1"), 66))
    lost, stage.disk.stores = stage.disk.stores, []
    stage.tell(late_from("w1", start.invocation))
    stage.dispatcher.stored(lost)
    # The one made for want of a real one is there; the worker still has to keep its.
    assert stage.hall.forgotten == []
    stage.sync()

    assert stage.hall.forgotten == [start.invocation]
    assert stage.core.reason(ETL) is Reason.DONE
    assert stage.dispatcher.unfinished == 0


async def test_an_attempt_that_is_adopted_during_a_stop_is_ended_like_all_others() -> (
    None
):
    stage = Stage()
    stage.dispatcher.feed([StopRequested()])
    adopted = an_adopted()
    stage.tell(W1, adopted)

    # Else the stop would wait for it to end by itself.
    assert stage.hall.killed == [adopted.attempt.invocation]
    assert stage.dispatcher.unfinished == 1


async def test_what_another_worker_says_of_a_running_attempt_is_settled_and_ignored(
    caplog: pytest.LogCaptureFixture,
) -> None:
    stage = Stage()
    start = stage.start()
    stage.tell(late_from("w2", start.invocation))

    assert [one.levelname for one in caplog.records] == ["WARNING"]
    assert stage.hall.forgotten == [start.invocation]
    assert stage.disk.stores == []
    assert stage.dispatcher.unfinished == 1
    # A stop still knows that it has to end it.
    stage.dispatcher.feed([StopRequested()])
    assert stage.hall.killed == [start.invocation]
    stage.tell(end_of(start.invocation))
    stage.sync()
    assert stage.dispatcher.unfinished == 0


async def test_an_attempt_adopted_while_an_older_ones_end_is_stored_can_end() -> None:
    stage = Stage()
    start = stage.start()
    stage.tell(end_of(start.invocation))
    newer = an_adopted()
    stage.disk.stores[0] = stage.disk.stores[0]._replace(
        status=TaskStatus(bits=INCOMPLETE, time=1000.0)
    )
    stage.tell(newer, end_of(newer.attempt.invocation))
    older, end = stage.disk.stores
    assert stage.dispatcher.unfinished == 2
    stage.dispatcher.stored([older])
    assert stage.dispatcher.unfinished == 1
    assert stage.hall.forgotten == [start.invocation]
    stage.dispatcher.stored([end])

    assert stage.dispatcher.unfinished == 0
    assert stage.hall.forgotten == [start.invocation, newer.attempt.invocation]


async def test_one_that_was_lost_and_found_is_answered_when_its_end_is_on_disk() -> (
    None
):
    stage = Stage()
    start = stage.start()
    stage.tell(GONE, AttemptLost(ETL, start.invocation, NodeName("w1"), 66))
    again = an_adopted()
    again = AttemptAdopted(again.attempt._replace(invocation=start.invocation))
    stage.tell(again, end_of(start.invocation))
    lost, end = stage.disk.stores
    stage.dispatcher.stored([lost])
    # That one was only made for want of this one.
    assert stage.hall.forgotten == []
    stage.dispatcher.stored([end])
    assert stage.hall.forgotten == [start.invocation]
    assert stage.dispatcher.unfinished == 0


async def test_what_is_adopted_in_the_turn_of_an_end_runs_after_it() -> None:
    stage = Stage()
    start = stage.start()
    newer = an_adopted()
    text = "exited with status 1"
    failed = TaskStatus(bits=INCOMPLETE, time=1000.0)
    stage.tell(AttemptEnded(ETL, start.invocation, failed, text), newer)

    attempt = stage.core.attempt(ETL)
    assert attempt is not None
    assert attempt.invocation == newer.attempt.invocation
    assert stage.dispatcher.unfinished == 2


async def test_between_one_that_gives_way_and_the_one_that_runs_nothing_starts() -> (
    None
):
    stage = Stage()
    start = stage.start()
    older = AttemptNotStarted(ETL, start.invocation, "another one runs", True)
    newer = an_adopted()
    stage.tell(older, older, newer)

    assert len(stage.hall.started) == 1
    attempt = stage.core.attempt(ETL)
    assert attempt is not None
    assert attempt.invocation == newer.attempt.invocation
    assert stage.dispatcher.unfinished == 1


async def test_one_that_gives_way_while_it_is_killed_ends_before_the_other() -> None:
    stage = Stage()
    start = stage.start()
    stage.dispatcher.feed([KillRequested(ETL)])
    older = AttemptNotStarted(ETL, start.invocation, "another one runs", True)
    newer = an_adopted()
    stage.tell(older, newer)

    attempt = stage.core.attempt(ETL)
    assert attempt is not None
    assert attempt.invocation == newer.attempt.invocation
    assert stage.dispatcher.unfinished == 2
    stage.sync()
    assert stage.dispatcher.unfinished == 1


async def test_what_a_worker_says_of_another_task_settles_no_end_that_is_stored() -> (
    None
):
    stage = Stage()
    start = stage.start()
    stage.tell(end_of(start.invocation))
    other = TaskId(ETL.job, NodeName("elsewhere"))
    stage.tell(late_from("w2", start.invocation)._replace(task=other))
    assert stage.hall.forgotten == []
    stage.sync()
    assert stage.hall.forgotten == [start.invocation]


async def test_an_attempt_adopted_while_an_older_ones_end_is_stored_counts() -> None:
    stage = Stage()
    start = stage.start()
    stage.tell(GONE, AttemptLost(ETL, start.invocation, NodeName("w1"), 66))
    newer = an_adopted()
    stage.tell(newer)
    stage.sync()

    assert stage.dispatcher.unfinished == 1
    stage.tell(end_of(newer.attempt.invocation))
    stage.sync()
    assert stage.dispatcher.unfinished == 0


async def test_what_is_found_before_its_task_starts_anew_is_what_runs(
    caplog: pytest.LogCaptureFixture,
) -> None:
    stage = Stage()
    found = an_adopted()
    # What makes its task start comes before it, and both are acted on later.
    for report in (W1, WorkersAwaited(""), found, end_of(found.attempt.invocation)):
        stage.dispatcher.report(report)
    stage.dispatcher.feed([TimePassed()])
    stage.dispatcher.flush()

    assert stage.hall.started == []
    assert stage.dispatcher.unfinished == 1
    stage.sync()
    assert stage.core.reason(ETL) is Reason.DONE
    assert stage.dispatcher.unfinished == 0
    assert "two copies" not in caplog.text


async def test_of_what_is_found_while_others_are_acted_on_nothing_starts() -> None:
    stage = Stage()
    stage.tell(W1)
    found = an_adopted()
    stage.dispatcher.report(found)
    # It may start from now on, and nobody has heard of the other.
    stage.dispatcher.feed([StartsResumed(INITIAL_WAIT)])
    started = stage.core.attempt(ETL)
    assert started is not None
    assert started.invocation != found.attempt.invocation
    assert stage.hall.started == []
    stage.dispatcher.flush()

    attempt = stage.core.attempt(ETL)
    assert attempt is not None
    assert attempt.invocation == found.attempt.invocation
    assert stage.dispatcher.unfinished == 1
    assert stage.disk.stores == []
    # What comes after it starts as always.
    stage.tell(end_of(found.attempt.invocation)._replace(reported=AGAIN))
    stage.dispatcher.flush()
    stage.sync()
    assert len(stage.hall.started) == 1


async def test_one_that_is_found_twice_keeps_its_task_from_starting_in_between() -> (
    None
):
    stage = Stage()
    stage.tell(W1)
    first, second = an_adopted(1), an_adopted(2)
    gone = AttemptNotStarted(ETL, first.attempt.invocation, "another one runs", True)
    stage.dispatcher.feed([StartsResumed(INITIAL_WAIT)])
    (start,) = stage.hall.started
    stage.tell(end_of(start.invocation)._replace(reported=AGAIN))
    for report in (first, gone, WorkersAwaited(""), second):
        stage.dispatcher.report(report)
    stage.sync()
    stage.dispatcher.flush()

    assert stage.hall.started == [start]
    attempt = stage.core.attempt(ETL)
    assert attempt is not None
    assert attempt.invocation == second.attempt.invocation
    assert stage.dispatcher.unfinished == 1


async def test_a_start_that_is_held_back_and_killed_ends_before_what_was_found() -> (
    None
):
    stage = Stage()
    stage.tell(W1)
    found = an_adopted()
    stage.dispatcher.report(found)
    stage.dispatcher.feed([StartsResumed(INITIAL_WAIT)])
    stage.dispatcher.feed([StopRequested()])
    stage.dispatcher.flush()

    assert stage.hall.started == []
    assert stage.hall.killed[-1] == found.attempt.invocation
    assert stage.dispatcher.unfinished == 2
    stage.sync()
    assert stage.dispatcher.unfinished == 1
