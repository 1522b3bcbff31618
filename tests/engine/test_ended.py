"""What is logged and shown of an attempt once its status is on disk."""

import logging

import pytest

from bistro_tui.engine.ended import EndedAttempts
from bistro_tui.engine.ids import InvocationId, JobName, NodeName, TaskId
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


def ended(exit_text: str, status: TaskStatus) -> AttemptEnded:
    return AttemptEnded(
        task=TASK, invocation=InvocationId(1, 2), reported=status, exit_text=exit_text
    )


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
    attempts = EndedAttempts()
    attempts.attempt_ended(ended("exited with status 0", status), seconds=7.5)

    row = attempts.status_stored(StoreStatus(task=TASK, serial=1, status=status))

    assert row is not None
    assert (row.task, row.result, row.retry_at) == (TASK, result, retry_at)
    assert (row.ended, row.seconds) == (100.0, 7.5)


def test_the_two_log_lines_name_exit_and_status(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("bistro_tui"), "propagate", True)
    caplog.set_level(logging.INFO, "bistro_tui")
    status = TaskStatus(bits=ERROR_BACKOFF, time=100.0, backoff_sec=30)
    attempts = EndedAttempts()
    attempts.attempt_ended(ended("exited with status 3", status), seconds=2.0)

    attempts.status_stored(StoreStatus(task=TASK, serial=1, status=status))

    assert caplog.messages == [
        "Task etl, db7 quit with status 3",
        "Got status error_backoff from task etl, db7 after 2.0 s, again in 30 s",
    ]


def test_an_exception_is_the_detail_and_success_needs_none() -> None:
    attempts = EndedAttempts()
    bad = TaskStatus(bits=ERROR_BACKOFF, time=1.0, data={"exception": "no status"})
    attempts.attempt_ended(ended("killed by signal 9", bad), seconds=1.0)
    row = attempts.status_stored(StoreStatus(task=TASK, serial=1, status=bad))
    assert row is not None
    assert row.detail == "no status"

    good = TaskStatus(bits=DONE, time=1.0)
    attempts.attempt_ended(ended("exited with status 0", good), seconds=1.0)
    row = attempts.status_stored(StoreStatus(task=TASK, serial=2, status=good))
    assert row is not None
    assert row.detail == ""


def test_a_status_without_an_attempt_is_no_row() -> None:
    status = TaskStatus(bits=DONE, time=1.0)
    store = StoreStatus(task=TASK, serial=1, status=status)
    assert EndedAttempts().status_stored(store) is None
