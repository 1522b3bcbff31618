"""What is logged and shown of an attempt once its status is on disk."""

import logging
from dataclasses import dataclass, replace
from typing import Any

import pytest

from bistro_tui.engine.ended import Ended, EndedAttempts, ended_row
from bistro_tui.engine.ids import InvocationId, JobName, NodeName, TaskId
from bistro_tui.engine.logs.attempts import AttemptRecord
from bistro_tui.engine.runners.protocol import AttemptEnded
from bistro_tui.engine.scheduling.actions import StoreStatus
from bistro_tui.engine.scheduling.reasons import Reason
from bistro_tui.engine.statuses.bits import (
    DONE,
    ERROR_BACKOFF,
    FAILED,
    INCOMPLETE,
    Bits,
)
from bistro_tui.engine.statuses.status import TaskStatus

TASK = TaskId(JobName("etl"), NodeName("db7"))


INVOCATION = InvocationId(1, 2)


@dataclass
class Attempt:
    """As the core has one."""

    invocation: InvocationId
    since: float
    began: float = 0.0
    ended: bool = False
    stopping: bool = False
    worker: str = "local"


def over(
    exit_text: str,
    status: TaskStatus,
    *,
    seconds: float = 1.0,
) -> list[Ended]:
    """Let an attempt run, end and be stored with this status."""
    attempt = Attempt(INVOCATION, status.time - seconds, began=50.0 - seconds)
    ended = EndedAttempts({TASK: attempt}.get)
    assert ended.ended(AttemptEnded(TASK, INVOCATION, status, exit_text), 50.0)
    return stored(ended, StoreStatus(task=TASK, serial=1, status=status))


def stored(ended: EndedAttempts, *stores: StoreStatus, now: float = 0.0) -> list[Ended]:
    """Let these statuses be handed to the store, and then be on disk."""
    ended.settled(stores)
    return ended.stored(stores, now)


@pytest.fixture
def messages(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> list[list[str]]:
    """The lines of each record that is logged from now on."""
    found: list[list[str]] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            found.append(record.getMessage().split("\n"))

    logger = logging.getLogger("bistro_tui")
    monkeypatch.setattr(logger, "handlers", [Keep()])
    caplog.set_level(logging.INFO, "bistro_tui")
    return found


@pytest.mark.parametrize(
    ("bits", "backoff", "result", "retry_at"),
    [
        (DONE, 0, Reason.DONE, None),
        (FAILED, 0, Reason.FAILED, None),
        (FAILED | Bits.USES_BACKOFF, 60, Reason.FAILED, None),
        (ERROR_BACKOFF, 30, Reason.BACKOFF, 130.0),
        (ERROR_BACKOFF, 0, Reason.RUNNABLE, None),
        (INCOMPLETE, 0, Reason.RUNNABLE, None),
    ],
)
def test_a_row_says_what_became_of_the_attempt(
    bits: Bits, backoff: int, result: Reason, retry_at: float | None
) -> None:
    status = TaskStatus(bits=bits, time=100.0, backoff_sec=backoff)
    (ended,) = over("exited with status 0", status, seconds=7.5)

    row = ended_row(ended)

    assert (row.task, row.result, row.retry_at) == (TASK, result, retry_at)
    assert (row.ended, row.seconds) == (100.0, 7.5)


def test_the_two_log_lines_name_exit_and_status(messages: list[list[str]]) -> None:
    status = TaskStatus(bits=ERROR_BACKOFF, time=100.0, backoff_sec=30)
    over("exited with status 3", status, seconds=2.0)
    over("killed by signal 9", TaskStatus(bits=DONE, time=100.0), seconds=2.0)

    assert messages == [
        [
            "Task etl, db7 quit with status 3",
            "Got status error_backoff from task etl, db7 after 2.0 s, again in 30 s",
        ],
        [
            "Task etl, db7 quit with status killed by signal 9",
            "Got status done from task etl, db7 after 2.0 s",
        ],
    ]


def test_attempts_that_end_together_are_logged_together(
    messages: list[list[str]],
) -> None:
    status = TaskStatus(bits=DONE, time=100.0)
    tasks = [TaskId(JobName("etl"), NodeName(f"db{n}")) for n in range(3)]
    running = {task: Attempt(INVOCATION, 99.0) for task in tasks}
    ended = EndedAttempts(running.get)
    for task in tasks:
        ended.ended(AttemptEnded(task, INVOCATION, status, "pretended"), 1.0)
    stores = [
        StoreStatus(task=task, serial=number, status=status)
        for number, task in enumerate(tasks)
    ]

    stored(ended, *stores)

    (lines,) = messages
    assert lines[::2] == [
        f"Task etl, db{n} quit with status pretended" for n in range(3)
    ]
    assert len(lines) == 6


def test_an_exception_of_a_task_that_is_done_is_logged_too(
    messages: list[list[str]],
) -> None:
    status = TaskStatus(bits=DONE, time=1.0, data={"exception": "almost"})
    over("exited with status 0", status)
    assert messages[0][1].endswith("after 1.0 s: almost")


def test_of_many_ends_one_a_period_is_logged_if_so_asked(
    messages: list[list[str]],
) -> None:
    status = TaskStatus(bits=DONE, time=1.0)
    ended = EndedAttempts({TASK: Attempt(INVOCATION, 0.0)}.get, log_every_sec=0.5)
    for now in (10.0, 10.4, 10.5, 10.9, 12.0):
        ended.ended(AttemptEnded(TASK, INVOCATION, status, "pretended"), now)
        shown = stored(ended, StoreStatus(TASK, 1, status), now=now)
        assert len(shown) == 1
    assert len(messages) == 3


def test_an_exception_is_the_detail_and_success_needs_none() -> None:
    bad = TaskStatus(bits=ERROR_BACKOFF, time=1.0, data={"exception": "no status"})
    (ended,) = over("killed by signal 9", bad)
    assert ended_row(ended).detail == "no status"

    (ended,) = over("exited with status 0", TaskStatus(bits=DONE, time=1.0))
    assert ended_row(ended).detail == ""


def test_a_row_says_where_the_attempt_ran() -> None:
    attempt = Attempt(INVOCATION, 0.0, worker="w7")
    ended = EndedAttempts({TASK: attempt}.get)
    status = TaskStatus(bits=DONE, time=1.0)
    assert ended.ended(AttemptEnded(TASK, INVOCATION, status, "x"), 50.0)
    (one,) = stored(ended, StoreStatus(task=TASK, serial=1, status=status))
    assert ended_row(one).worker == "w7"
    # A runner that pretends has its own name for where they all run.
    assert ended_row(one, "benchmark").worker == "benchmark"


def test_a_status_without_an_attempt_is_not_shown(messages: list[list[str]]) -> None:
    status = TaskStatus(bits=DONE, time=1.0)
    store = StoreStatus(task=TASK, serial=1, status=status)
    nothing: dict[TaskId, Attempt] = {}
    assert stored(EndedAttempts(nothing.get), store) == []
    assert messages == []


@pytest.mark.parametrize(
    "running",
    [
        None,
        Attempt(InvocationId(1, 3), 0.0),
        Attempt(INVOCATION, 0.0, ended=True),
    ],
    ids=["none runs", "another runs", "its end is known"],
)
def test_an_end_of_an_attempt_that_does_not_run_is_dropped(
    running: Attempt | None,
) -> None:
    known = {} if running is None else {TASK: running}
    ended = EndedAttempts(known.get)
    status = TaskStatus(bits=DONE, time=1.0)

    assert not ended.ended(AttemptEnded(TASK, INVOCATION, status, "exited"), 1.0)
    assert stored(ended, StoreStatus(task=TASK, serial=1, status=status)) == []


def test_an_end_that_is_reported_twice_counts_once() -> None:
    ended = EndedAttempts({TASK: Attempt(INVOCATION, 0.0)}.get)
    report = AttemptEnded(TASK, INVOCATION, TaskStatus(bits=DONE, time=1.0), "exited")
    assert [ended.ended(report, 1.0), ended.ended(report, 2.0)] == [True, False]


def test_a_clock_that_is_set_changes_no_duration() -> None:
    attempt = Attempt(INVOCATION, since=5_000.0, began=10.0)
    ended = EndedAttempts({TASK: attempt}.get)
    status = TaskStatus(bits=DONE, time=1.0)
    records: list[AttemptRecord] = []
    ended.record_by(records.extend, "local")
    ended.ended(AttemptEnded(TASK, INVOCATION, status, "exited"), 12.5)
    store = StoreStatus(TASK, 1, status, INVOCATION)
    ended.settled([store])
    (shown,) = ended.stored([store], 0.0)

    assert ended_row(shown).seconds == 2.5
    (record,) = records
    assert (record.started, record.ended, record.seconds) == (5_000.0, 1.0, 2.5)


@pytest.mark.parametrize(
    ("began", "wall", "times"),
    [
        (90.5, 100.9, (90.5, 100.0)),
        (90.5, 1_000.0, (990.0, 1_000.0)),
        (90.5, 50.0, (40.0, 50.0)),
        (9_000.0, 100.0, (90.0, 100.0)),
    ],
    ids=["right", "behind at the end", "ahead at the end", "ahead at the start"],
)
def test_an_attempt_while_the_clock_is_set_is_recorded_by_the_steady_one(
    began: float, wall: float, times: tuple[float, float]
) -> None:
    invocation = InvocationId(90, 2)
    ended = EndedAttempts({TASK: Attempt(invocation, began, began=0.0)}.get)
    records: list[AttemptRecord] = []
    ended.record_by(records.extend, "here", lambda: wall)
    status = TaskStatus(bits=DONE, time=100.0)
    ended.ended(AttemptEnded(TASK, invocation, status, "exited"), 10.0)
    ended.settled([StoreStatus(TASK, 1, status, invocation)])
    (record,) = records
    assert (record.started, record.ended, record.seconds) == (*times, 10.0)


def settled(
    status: TaskStatus, invocation: InvocationId | None = INVOCATION, **used: Any
) -> list[AttemptRecord]:
    """Return what is recorded when an attempt ends and comes to this status."""
    ended = EndedAttempts({TASK: Attempt(INVOCATION, 90.0, began=0.0)}.get)
    records: list[AttemptRecord] = []
    ended.record_by(records.extend, "here")
    reported = replace(status, bits=ERROR_BACKOFF)
    ended.ended(AttemptEnded(TASK, INVOCATION, reported, "exited", **used), 10.0)
    ended.settled([StoreStatus(TASK, 1, status, invocation)])
    return records


def test_an_attempt_is_recorded_with_the_status_that_is_stored() -> None:
    status = TaskStatus(bits=FAILED, time=100.0, data={"exception": "no " * 2_000})
    (record,) = settled(status, peak_memory=5, cpu_seconds=0.5)
    assert record._replace(detail="") == AttemptRecord(
        invocation=INVOCATION,
        task=TASK,
        started=90.0,
        ended=100.0,
        seconds=10.0,
        exit_text="exited",
        result_bits=FAILED,
        detail="",
        worker="here",
        peak_memory=5,
        cpu_seconds=0.5,
    )
    assert record.detail == ("no " * 2_000)[:1_000]


@pytest.mark.parametrize(
    ("status", "detail"),
    [
        (TaskStatus(bits=DONE, time=1.0), ""),
        (TaskStatus(bits=DONE, time=1.0, data={"exception": "almost"}), ""),
        (TaskStatus(bits=FAILED, time=1.0), ""),
        (
            TaskStatus(bits=INCOMPLETE, time=1.0, data={"exception": {"a": 1}}),
            "{'a': 1}",
        ),
    ],
)
def test_a_record_says_what_went_wrong(status: TaskStatus, detail: str) -> None:
    (record,) = settled(status)
    assert (record.detail, record.peak_memory, record.cpu_seconds) == (
        detail,
        None,
        None,
    )


def test_a_status_that_no_attempt_ended_with_makes_no_record() -> None:
    assert settled(TaskStatus(bits=DONE, time=1.0), invocation=None) == []


def test_an_attempt_of_a_run_before_is_recorded_once_its_status_is_settled() -> None:
    nothing: dict[TaskId, Attempt] = {}
    ended = EndedAttempts(nothing.get)
    records: list[AttemptRecord] = []
    ended.record_by(records.extend, "here")
    left = AttemptRecord(
        INVOCATION, TASK, 1.0, 2.0, 1.0, "", ERROR_BACKOFF, "", "local"
    )
    stored = StoreStatus(TASK, 1, TaskStatus(bits=FAILED, time=2.0), INVOCATION)
    other = StoreStatus(TASK, 1, TaskStatus(bits=DONE, time=2.0), InvocationId(7, 7))

    with ended.left([left]):
        ended.settled([other])
        assert records == []
        ended.settled([stored])
        ended.settled([stored])

    assert records == [left._replace(result_bits=int(FAILED))]


def test_an_attempt_of_a_run_before_is_not_kept_when_nothing_is_settled() -> None:
    nothing: dict[TaskId, Attempt] = {}
    ended = EndedAttempts(nothing.get)
    records: list[AttemptRecord] = []
    ended.record_by(records.extend, "here")
    for number in range(3):
        invocation = InvocationId(1, number)
        left = AttemptRecord(invocation, TASK, 1.0, 2.0, 1.0, "", 0, "", "local")
        with ended.left([left]):
            pass
        assert not ended._left

    status = TaskStatus(bits=FAILED, time=2.0)
    ended.settled([StoreStatus(TASK, 1, status, InvocationId(1, 0))])

    assert records == []
