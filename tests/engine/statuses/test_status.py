"""The arithmetic of backoff and of forgiving."""

import pytest

from bistro_tui.engine.config.backoff import Backoff, BackoffDuration
from bistro_tui.engine.statuses.bits import Bits
from bistro_tui.engine.statuses.status import (
    TaskStatus,
    backoff_left,
    complaint,
    forgive,
    next_backoff,
    settle,
)
from tests.engine.statuses.builders import SAFE_SEC, lost

DEFAULT = Backoff()
FAILS_AFTER_TWO = Backoff(steps=(5, 7), repeat=False)
FAILS_AT_ONCE = Backoff(steps=(), repeat=False)


def status(bits: int, backoff_sec: int = 0, time: float = 100.0) -> TaskStatus:
    return TaskStatus(bits=Bits(bits), time=time, backoff_sec=backoff_sec)


def attempt(previous: TaskStatus | None, bits: int, backoff: Backoff) -> TaskStatus:
    """Return what is stored when an attempt ends with ``bits``."""
    return settle(
        status(bits), previous=previous, next_backoff=next_backoff(previous, backoff)
    )


def delays(backoff: Backoff, *reports: int) -> list[tuple[int, int]]:
    """Return (bits, delay) of what is stored by attempts one after the other."""
    stored: TaskStatus | None = None
    found = []
    for bits in reports:
        stored = attempt(stored, bits, backoff)
        found.append((int(stored.bits), stored.backoff_sec))
    return found


def test_a_task_leaves_its_backoff_exactly_at_the_deadline() -> None:
    errored = status(96, backoff_sec=15)
    assert backoff_left(errored, now=114.9)
    assert not backoff_left(errored, now=115.0)
    assert backoff_left(errored, now=114.0) == 1.0
    assert backoff_left(errored, now=115.0) == 0.0


def test_a_status_without_backoff_is_never_in_backoff() -> None:
    assert not backoff_left(status(8, backoff_sec=15), now=100.0)
    assert backoff_left(status(8, backoff_sec=15), now=100.0) == 0.0


def test_a_clock_that_was_set_back_does_not_prolong_a_backoff() -> None:
    assert backoff_left(status(96, backoff_sec=15, time=9e9), now=100.0) == 15.0


def test_errors_advance_the_delay_until_the_list_repeats_its_last() -> None:
    short = Backoff(steps=(15, 30), repeat=True)
    assert delays(short, 96, 96, 96, 96) == [(96, 15), (96, 30), (96, 30), (96, 30)]


def test_an_error_past_the_end_of_the_list_fails_for_good_with_a_delay_of_60_s() -> (
    None
):
    assert delays(FAILS_AFTER_TWO, 96, 96, 96) == [(96, 5), (96, 7), (80, 60)]
    assert delays(FAILS_AT_ONCE, 96) == [(80, 60)]


@pytest.mark.parametrize("bits", [4, 8, 16, 32])
def test_a_status_without_backoff_has_no_delay_and_resets_the_next_one(
    bits: int,
) -> None:
    assert delays(DEFAULT, 96, 96, bits)[-1] == (bits, 0)


def test_the_first_error_after_incomplete_costs_the_first_step_again() -> None:
    assert delays(DEFAULT, 96, 96, 8, 96) == [(96, 15), (96, 30), (8, 0), (96, 15)]


@pytest.mark.parametrize("bits", [584, 608])
def test_a_status_that_does_not_advance_repeats_the_same_delay(bits: int) -> None:
    assert delays(DEFAULT, bits, bits, bits) == [(bits, 15)] * 3
    assert delays(DEFAULT, 96, 96, bits, bits, 96) == [
        (96, 15),
        (96, 30),
        (bits, 30),
        (bits, 30),
        (96, 60),
    ]


@pytest.mark.parametrize("bits", [584, 608])
def test_a_status_that_does_not_advance_never_becomes_failed(bits: int) -> None:
    assert delays(FAILS_AT_ONCE, bits, bits) == [(bits, 60), (bits, 60)]
    assert delays(FAILS_AFTER_TWO, 96, 96, bits) == [(96, 5), (96, 7), (bits, 7)]


def test_an_edited_list_goes_on_from_the_delay_and_not_from_the_step() -> None:
    before = status(96, backoff_sec=20)
    assert next_backoff(before, DEFAULT) == BackoffDuration(30, no_more=False)


def test_the_next_backoff_of_a_new_task_is_the_first_step() -> None:
    assert next_backoff(None, DEFAULT) == BackoffDuration(15, no_more=False)
    assert next_backoff(None, FAILS_AT_ONCE) == BackoffDuration(60, no_more=True)


def test_a_failed_task_has_no_backoff_left() -> None:
    assert next_backoff(status(80, 60), DEFAULT) == BackoffDuration(60, no_more=True)


SAVED = {"__bistro_saved_backoff": 7}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {"exception": "killed"}),
        ({"count": 7}, {"count": 7, "exception": "killed"}),
        ({"count": 7, "exception": "old"}, {"count": 7, "exception": "killed"}),
        ({"count": 7} | SAVED, {"count": 7, "exception": "killed"}),
    ],
)
@pytest.mark.parametrize("bits", [96, 584])
def test_an_attempt_that_left_nothing_keeps_what_the_one_before_left(
    bits: int, before: dict[str, object], after: dict[str, object]
) -> None:
    previous = TaskStatus(bits=Bits(8), time=1.0, data=before)
    made = TaskStatus(bits=Bits(bits), time=2.0, data=complaint("killed"))
    free = BackoffDuration(1, no_more=False)
    assert settle(made, previous=previous, next_backoff=free).data == after


@pytest.mark.parametrize("left", [{}, {"exception": "mine"}, {"count": 8}])
def test_an_attempt_that_left_its_own_data_replaces_what_was_there(
    left: dict[str, object],
) -> None:
    previous = TaskStatus(bits=Bits(8), time=1.0, data={"count": 7})
    own = TaskStatus(bits=Bits(96), time=2.0, data=left)
    free = BackoffDuration(1, no_more=False)
    assert settle(own, previous=previous, next_backoff=free).data == left


@pytest.mark.parametrize("at_once", [True, False])
def test_a_lost_task_keeps_it_too(at_once: bool) -> None:
    previous = TaskStatus(bits=Bits(8), time=1.0, data={"count": 7})
    known = lost(BackoffDuration(5, no_more=False), previous)
    if not at_once:
        known = lost(BackoffDuration(5, no_more=False), known)
    assert known.data["count"] == 7
    assert known.data["__bistro_saved_backoff"] == 5


def test_settling_keeps_time_and_data() -> None:
    reported = TaskStatus(bits=Bits(96), time=3.5, data={"at": 7})
    stored = settle(reported, previous=None, next_backoff=next_backoff(None, DEFAULT))
    assert stored.time == 3.5
    assert stored.data == {"at": 7}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ((16, 0), (32, 0)),
        ((80, 60), (96, 0)),
        ((96, 15), (96, 0)),
        ((584, 15), (584, 0)),
        ((608, 15), (608, 0)),
    ],
)
def test_forgiving_lets_failed_and_backing_off_tasks_run_at_once_and_keeps_data(
    before: tuple[int, int], after: tuple[int, int]
) -> None:
    forgiven = forgive(
        TaskStatus(bits=Bits(before[0]), time=1.0, backoff_sec=before[1], data={"a": 1})
    )
    assert (int(forgiven.bits), forgiven.backoff_sec) == after
    assert forgiven.data == {"a": 1}
    assert not backoff_left(forgiven, now=1.0)
    assert next_backoff(forgiven, DEFAULT).seconds == 15


@pytest.mark.parametrize("bits", [2, 4, 8, 32])
def test_forgiving_changes_nothing_else(bits: int) -> None:
    one = status(bits)
    assert forgive(one) is one


def test_after_a_loss_the_list_goes_on_from_the_delay_that_the_job_meant() -> None:
    first = lost(next_backoff(None, DEFAULT))
    assert first.backoff_sec == SAFE_SEC
    assert next_backoff(first, DEFAULT) == BackoffDuration(30, no_more=False)
    second = lost(next_backoff(first, DEFAULT), previous=first)
    assert next_backoff(second, DEFAULT) == BackoffDuration(60, no_more=False)


def test_a_status_that_does_not_advance_takes_after_a_loss_the_delay_meant() -> None:
    gone = lost(next_backoff(None, DEFAULT))
    assert attempt(gone, 584, DEFAULT).backoff_sec == 15


def test_forgiving_a_lost_task_leaves_the_delay_that_protects_it() -> None:
    forgiven = forgive(lost(next_backoff(status(96, 30), DEFAULT)))
    assert (int(forgiven.bits), forgiven.backoff_sec) == (3168, SAFE_SEC)
    assert backoff_left(forgiven, now=100.0 + SAFE_SEC - 1)
    assert next_backoff(forgiven, DEFAULT).seconds == 15
    assert attempt(forgiven, 584, DEFAULT).backoff_sec == 0
    assert forgiven.data["worker_shard"] == "shard1"
    assert forgive(forgiven) is forgiven


def test_forgiving_a_lost_task_that_failed_lets_it_run_after_the_same_delay() -> None:
    failed = lost(next_backoff(None, FAILS_AT_ONCE))
    assert failed.is_failed
    forgiven = forgive(failed)
    assert (int(forgiven.bits), forgiven.backoff_sec) == (3168, SAFE_SEC)
    assert next_backoff(forgiven, DEFAULT).seconds == 15


def test_the_exported_form_leaves_out_what_is_empty() -> None:
    assert status(4).export() == {"result_bits": 4, "time": 100}
    assert TaskStatus(
        bits=Bits(96), time=7.9, backoff_sec=15, data={"exception": "x"}
    ).export() == {
        "result_bits": 96,
        "time": 7,
        "data": {"exception": "x"},
        "backoff_duration": 15,
    }
