"""A status on its way from a worker to the scheduler."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bistro_tui.engine.config.backoff import BackoffDuration
from bistro_tui.engine.remote.worker_machine import WAS_NOT_RUNNING
from bistro_tui.engine.statuses import made
from bistro_tui.engine.statuses.bits import DONE, ERROR_BACKOFF, INCOMPLETE, Bits
from bistro_tui.engine.statuses.passed_on import as_text, from_text
from bistro_tui.engine.statuses.report import WORDS, error_backoff, killed, parse_report
from bistro_tui.engine.statuses.status import Complaint, TaskStatus, settle

ABSENT = Bits.ERROR | Bits.OVERWRITEABLE
_NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
_LEAVES = st.none() | st.booleans() | _NUMBERS
_JSON = st.recursive(
    _LEAVES | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@pytest.mark.parametrize("word", WORDS)
def test_a_bare_word_stays_one(word: str) -> None:
    status = parse_report(word.encode(), now_wall=1.0)
    assert WORDS[as_text(status)] == WORDS[word]
    assert from_text(as_text(status), now_wall=1.0) == status


@settings(max_examples=60)
@given(
    bits=st.sampled_from(sorted(set(WORDS.values()))),
    data=st.dictionaries(st.text(), _JSON),
)
def test_what_a_task_wrote_arrives_as_it_was_read(
    bits: Bits, data: dict[str, object]
) -> None:
    written = json.dumps({"result_bits": int(bits), "data": data})
    status = parse_report(written.encode(), now_wall=5.0)
    arrived = from_text(as_text(status), now_wall=5.0)
    assert arrived == status
    assert not isinstance(arrived.data, Complaint)


def test_numbers_that_take_more_room_when_written_again_are_no_longer_a_report() -> (
    None
):
    written = '{"result":"done","data":{"x":[' + ",".join(["1e15"] * 13_000) + "]}}"
    status = parse_report(written.encode(), now_wall=5.0)
    assert status.is_done
    text = as_text(status)
    assert len(text) > len(written)
    assert from_text(text, now_wall=5.0) == status


@pytest.mark.parametrize(
    "status",
    [
        killed(now_wall=2.0),
        error_backoff("No status returned: exited with status 3", now_wall=2.0),
    ],
)
def test_what_was_said_for_a_task_still_keeps_its_checkpoint(
    status: TaskStatus,
) -> None:
    arrived = from_text(as_text(status), now_wall=2.0)
    assert arrived == status
    assert isinstance(arrived.data, Complaint)


def test_what_a_worker_says_of_tasks_that_it_does_not_have_arrives() -> None:
    for status in (
        made.never_started("no room", now_wall=3.0),
        TaskStatus(bits=ABSENT, time=3.0, data=Complaint()),
    ):
        assert from_text(as_text(status), now_wall=3.0) == status


def test_a_task_that_was_not_running_keeps_its_checkpoint() -> None:
    arrived = from_text(WAS_NOT_RUNNING, now_wall=3.0)
    assert arrived == TaskStatus(bits=ABSENT, time=3.0)
    assert isinstance(arrived.data, Complaint)
    assert as_text(arrived) == WAS_NOT_RUNNING
    before = TaskStatus(bits=INCOMPLETE, time=0.0, data={"at": 3})
    after = settle(arrived, previous=before, next_backoff=BackoffDuration(5, False))
    assert after.data == {"at": 3}


def test_a_task_cannot_pass_its_own_data_for_a_complaint() -> None:
    written = b'{"result": "incomplete", "made": true, "data": {"made": true}}'
    status = parse_report(written, now_wall=0.0)
    arrived = from_text(as_text(status), now_wall=0.0)
    assert arrived == TaskStatus(bits=INCOMPLETE, time=0.0, data={"made": True})
    assert not isinstance(arrived.data, Complaint)


@given(st.text())
def test_whatever_arrives_becomes_a_status(text: str) -> None:
    status = from_text(text, now_wall=7.0)
    assert status.time == 7.0
    if text not in WORDS:
        assert status.bits == ERROR_BACKOFF
        assert "the worker passed on" in status.data["exception"]


def test_a_worker_cannot_say_that_a_task_runs_or_that_it_was_lost() -> None:
    for bits in (Bits.RUNNING, made.WORKER_LOST, DONE | Bits.FAILED):
        text = json.dumps({"result_bits": int(bits)})
        assert from_text(text, now_wall=0.0).bits == ERROR_BACKOFF
