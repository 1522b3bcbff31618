"""Statuses made for a task: never started, not running, worker lost."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bistro_tui.engine.config.backoff import Backoff, BackoffDuration
from bistro_tui.engine.statuses.made import (
    never_started,
    running,
    safe_backoff,
    worker_lost,
)
from bistro_tui.engine.statuses.saved_backoff import (
    configured_backoff,
    saved_backoff,
    without_saved_backoff,
)
from bistro_tui.engine.statuses.status import TaskStatus, backoff_left, settle
from tests.engine.statuses.builders import SAFE_SEC, lost, status, was_not_running

STEP = BackoffDuration(15, no_more=False)
ENDED = BackoffDuration(60, no_more=True)


def test_each_kind_has_its_bits_and_its_data() -> None:
    started = running(now_wall=7.0)
    refused = never_started("no such worker", now_wall=7.0)
    absent = was_not_running(now_wall=7.0)
    gone = worker_lost("shard1", next_backoff=STEP, now_wall=7.0)

    assert [int(one.bits) for one in (started, refused, absent, gone)] == [
        2,
        32,
        1056,
        3168,
    ]
    assert {one.time for one in (started, refused, absent, gone)} == {7.0}
    assert not started.data
    assert refused.data == {"exception": "no such worker"}
    assert not absent.data
    assert gone.data == {
        "worker_shard": "shard1",
        "exception": "Remote worker lost (crashed? network down?)",
        "__bistro_saved_backoff": 15,
    }


@pytest.mark.parametrize("made", ["never started", "was not running"])
def test_what_never_ran_may_run_at_once_and_costs_no_step(made: str) -> None:
    reported = (
        never_started("x", now_wall=100.0)
        if made == "never started"
        else was_not_running(now_wall=100.0)
    )
    stored = settle(reported, previous=status(96, 30), next_backoff=STEP)
    assert stored.backoff_sec == 0
    assert not backoff_left(stored, now=100.0)
    assert Backoff().next(stored.backoff_sec).seconds == 15


def test_what_never_ran_keeps_the_checkpoint() -> None:
    before = replace(status(4, 0), data={"count": 164})
    for reported in (
        never_started("its warden was lost before it began", now_wall=100.0),
        was_not_running(now_wall=100.0),
        worker_lost("w1", next_backoff=STEP, now_wall=100.0),
    ):
        stored = settle(reported, previous=before, next_backoff=STEP)
        assert stored.data["count"] == 164
        assert stored.data.get("exception") == reported.data.get("exception")


@pytest.mark.parametrize(
    ("reported", "data"),
    [
        (was_not_running(now_wall=200.0), {"count": 164}),
        (
            never_started("no such program", now_wall=200.0),
            {"count": 164, "exception": "no such program"},
        ),
        (
            worker_lost("w2", next_backoff=STEP, now_wall=200.0),
            {
                "count": 164,
                "worker_shard": "w2",
                "exception": "Remote worker lost (crashed? network down?)",
                "__bistro_saved_backoff": 15,
            },
        ),
    ],
)
def test_what_was_said_of_a_loss_is_not_said_of_the_next_attempt(
    reported: TaskStatus, data: dict[str, object]
) -> None:
    left = lost(STEP, replace(status(32, 0), data={"count": 164}))
    assert left.data["worker_shard"] == "shard1"
    assert settle(reported, previous=left, next_backoff=STEP).data == data


def test_a_task_may_use_the_words_of_a_loss_itself() -> None:
    own = replace(status(32, 0), data={"worker_shard": "mine"})
    reported = never_started("no such program", now_wall=200.0)
    stored = settle(reported, previous=own, next_backoff=STEP)
    assert stored.data == {"worker_shard": "mine", "exception": "no such program"}


@pytest.mark.parametrize(
    ("next_sec", "kill_wait_ms", "margin_sec", "delay"),
    [
        (15, 5000, 60, 66),
        (15, 0, 60, 61),
        (15, -1, 60, 61),
        (15, 1999, 60, 62),
        (15, 5000, 0, 15),
        (66, 5000, 60, 66),
        (67, 5000, 60, 67),
        (3600, 5000, 60, 3600),
    ],
)
def test_a_lost_task_waits_until_its_worker_must_have_ended_it(
    next_sec: int, kill_wait_ms: int, margin_sec: int, delay: int
) -> None:
    step = BackoffDuration(next_sec, no_more=False)
    safe = safe_backoff(step, kill_wait_ms=kill_wait_ms, margin_sec=margin_sec)
    assert safe == BackoffDuration(delay, no_more=False)


def test_a_lost_task_is_stored_with_both_delays_and_uses_up_a_step() -> None:
    stored = lost(STEP)
    assert (int(stored.bits), stored.backoff_sec) == (3168, SAFE_SEC)
    assert saved_backoff(stored.bits, stored.data) == 15
    assert backoff_left(stored, now=165.9)
    assert not backoff_left(stored, now=166.0)


def test_a_lost_task_without_a_step_left_fails_and_keeps_the_safe_delay() -> None:
    stored = lost(ENDED)
    assert stored.is_failed
    assert (int(stored.bits), stored.backoff_sec) == (3152, SAFE_SEC)
    assert saved_backoff(stored.bits, stored.data) == 60


def test_the_exported_form_has_both_delays() -> None:
    assert lost(STEP).export() == {
        "result_bits": 3168,
        "time": 100,
        "backoff_duration": 66,
        "data": {
            "worker_shard": "shard1",
            "exception": "Remote worker lost (crashed? network down?)",
            "__bistro_saved_backoff": 15,
        },
    }


def test_forgetting_the_saved_delay_keeps_the_rest_of_the_data() -> None:
    before = lost(STEP).data
    after = without_saved_backoff(before)
    assert after == {**before, "__bistro_saved_backoff": 0}
    assert before["__bistro_saved_backoff"] == 15


def test_other_statuses_have_no_saved_delay_whatever_their_data_says() -> None:
    other = status(96, 30, {"__bistro_saved_backoff": 1})
    assert saved_backoff(other.bits, other.data) is None
    assert configured_backoff(other.bits, other.backoff_sec, other.data) == 30


@pytest.mark.parametrize("saved", [None, "15", -1, True, 1.5, []])
def test_a_saved_delay_that_is_none_leaves_the_one_in_force(saved: object) -> None:
    bad = status(3168, 66, {"__bistro_saved_backoff": saved})
    assert configured_backoff(bad.bits, bad.backoff_sec, bad.data) == 66
    without = status(3168, 66)
    assert configured_backoff(without.bits, without.backoff_sec, {}) == 66


lists = st.builds(
    lambda steps, repeat: Backoff(steps=tuple(sorted(steps)), repeat=repeat),
    st.sets(st.integers(1, 10**6), max_size=6),
    st.booleans(),
)


@given(backoff=lists, current=st.integers(0, 10**6))
def test_a_loss_never_shortens_a_delay_and_the_job_s_own_is_what_counts_on(
    backoff: Backoff, current: int
) -> None:
    step = backoff.next(current)
    errored = settle(status(96), previous=None, next_backoff=step)
    gone = lost(step)

    assert gone.backoff_sec == max(errored.backoff_sec, SAFE_SEC)
    assert gone.is_failed == errored.is_failed
    configured = configured_backoff(gone.bits, gone.backoff_sec, gone.data)
    assert configured == errored.backoff_sec
    assert backoff.next(configured) == backoff.next(errored.backoff_sec)
