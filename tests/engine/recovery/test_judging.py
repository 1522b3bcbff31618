"""What became of an attempt: its file, its end, its job, what is stored."""

from pathlib import Path
from typing import Any

import pytest

from bistro_tui.engine.config.model import Job
from bistro_tui.engine.recovery.judging import (
    is_stored,
    newest_of_each_task,
    reported_status,
)
from bistro_tui.engine.recovery.records import EndRecord, LeftAttempt, left_attempt
from bistro_tui.engine.statuses.attempts import LastAttempt
from bistro_tui.engine.statuses.bits import (
    DONE,
    ERROR_BACKOFF,
    FAILED,
    INCOMPLETE,
    INCOMPLETE_BACKOFF,
    Bits,
)
from bistro_tui.engine.statuses.report import Exit
from bistro_tui.engine.statuses.status import TaskStatus
from bistro_tui.engine.warden.journal import parse_journal
from tests.engine.config.builders import parsed_job
from tests.engine.recovery.builders import LeftRun, attempt_id, task

NOW = 1_700_000_100.0
BEGAN = attempt_id(1).start_time

WHOLE_NIGHT = parsed_job(status_from="exit_code", timeout_sec=30)


def end(**changed: Any) -> EndRecord:
    fields: dict[str, Any] = {
        "exit": Exit(code=0),
        "core_dumped": False,
        "killed": False,
        "timed_out": False,
        "ended": NOW - 50,
        "stdout": b"",
        "stderr": b"",
    }
    return EndRecord(**fields | changed)


def said(
    content: bytes | None, ended: EndRecord | None, job: Job | None = None
) -> tuple[Bits, str]:
    status = reported_status(
        content, ended, unknown="the host burned", job=job, now_wall=NOW
    )
    return status.bits, str(status.data.get("exception", ""))


TIMED_OUT = end(exit=Exit(signal=15), timed_out=True)
KILLED = end(exit=Exit(signal=9), killed=True)


@pytest.mark.parametrize(
    ("content", "ended", "job", "bits", "exception"),
    [
        # A written status counts, however the task ended and whatever is known.
        (b"done\n", end(exit=Exit(code=1)), None, DONE, ""),
        (b"done", KILLED, None, DONE, ""),
        (b"failed", TIMED_OUT, WHOLE_NIGHT, FAILED, ""),
        (b"done", None, None, DONE, ""),
        (b"don", None, None, ERROR_BACKOFF, "Cannot parse status: 'don', it is"),
        # Killed with its scheduler.
        (b"", KILLED, None, INCOMPLETE_BACKOFF, "Task killed, no status returned"),
        (None, KILLED, WHOLE_NIGHT, INCOMPLETE_BACKOFF, "Task killed"),
        # Ended by itself while nobody listened.
        (b"", end(), None, ERROR_BACKOFF, "No status returned: exited with status 0"),
        (b"", end(), WHOLE_NIGHT, DONE, ""),
        (b"", end(exit=Exit(code=3)), WHOLE_NIGHT, ERROR_BACKOFF, "exited with status"),
        (None, end(), WHOLE_NIGHT, ERROR_BACKOFF, "Cannot read status"),
        # Its time was up.
        (b"", TIMED_OUT, WHOLE_NIGHT, ERROR_BACKOFF, "timed out after 30 s"),
        (b"", TIMED_OUT, None, ERROR_BACKOFF, "timed out"),
        # Nobody saw it end.
        (b"", None, WHOLE_NIGHT, INCOMPLETE_BACKOFF, "the host burned"),
        (None, None, None, INCOMPLETE_BACKOFF, "the host burned"),
    ],
)
def test_what_an_attempt_is_taken_to_have_reported(
    content: bytes | None,
    ended: EndRecord | None,
    job: Job | None,
    bits: Bits,
    exception: str,
) -> None:
    found_bits, text = said(content, ended, job)

    assert found_bits == bits
    assert exception in text
    assert bool(exception) == bool(text)


def test_the_time_of_a_status_is_that_of_the_end_but_never_in_the_future() -> None:
    def time_of(ended: EndRecord | None) -> float:
        return reported_status(b"done", ended, unknown="", job=None, now_wall=NOW).time

    assert time_of(end()) == NOW - 50
    assert time_of(end(ended=NOW + 1000)) == NOW
    assert time_of(None) == NOW


def left(
    number: int = 1, *, node: str = "n1", commits: int = 5, start_time: int = BEGAN
) -> LeftAttempt:
    run = LeftRun(Path("/nowhere"))
    invocation = attempt_id(number, start_time=start_time)
    run.add(number, of=task(node), content=None, invocation=invocation, commits=commits)
    (entry,) = parse_journal(f"{run.lines[0]}\n".encode()).unsettled
    return left_attempt(entry, "boot")


OTHER = attempt_id(9)


@pytest.mark.parametrize(
    ("last", "known_at", "has_files", "expected"),
    [
        (LastAttempt(attempt_id(1), 6), BEGAN + 5, True, True),
        (LastAttempt(attempt_id(1), 6), BEGAN + 5, False, True),
        # Stored of the attempt before this one, or of one after it.
        (LastAttempt(OTHER, 5), BEGAN + 5, False, False),
        (LastAttempt(OTHER, 0), BEGAN + 5, False, False),
        (LastAttempt(OTHER, 6), BEGAN - 60, True, True),
        # A store that does not know attempts: files go only when the status is stored.
        (None, None, True, False),
        (None, None, False, False),
        (None, BEGAN + 5, True, False),
        (None, BEGAN + 5, False, True),
        (None, BEGAN - 5, False, False),
    ],
)
def test_a_status_that_is_stored_already_is_not_adopted_again(
    last: LastAttempt | None,
    known_at: float | None,
    has_files: bool,
    expected: bool,
) -> None:
    known = TaskStatus(bits=INCOMPLETE, time=known_at) if known_at is not None else None

    assert is_stored(left(), last=last, known=known, has_files=has_files) is expected


@pytest.mark.parametrize("bits", [DONE, FAILED])
@pytest.mark.parametrize("last", [None, LastAttempt(OTHER, 5)])
def test_a_final_status_is_never_replaced(last: LastAttempt | None, bits: Bits) -> None:
    known = TaskStatus(bits=bits, time=BEGAN - 60.0)

    assert is_stored(left(), last=last, known=known, has_files=True)


def test_of_each_task_only_the_last_start_counts_whatever_the_clock_said() -> None:
    early = left(1, commits=5)
    same_second = left(2, commits=6)
    clock_set_back = left(3, commits=7, start_time=BEGAN - 3600)
    other_task = left(4, node="n2", commits=5)
    uncounted = [left(number, node="n3", commits=0) for number in (5, 6)]
    attempts = [clock_set_back, other_task, same_second, *reversed(uncounted), early]

    assert newest_of_each_task(attempts) == [uncounted[1], other_task, clock_set_back]
