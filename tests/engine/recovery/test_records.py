"""Records of a run before, whole and damaged."""

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bistro_tui.engine.recovery.records import EndRecord, end_record, left_attempt
from bistro_tui.engine.statuses.report import Exit
from bistro_tui.engine.warden.journal import JournalEntry
from tests.engine.recovery.builders import PLACE, LeftRun, attempt_id, end_fields, task


def entry(record: object) -> JournalEntry:
    return JournalEntry(1, json.dumps(record).encode(), 42, 5, 6)


def good_record() -> dict[str, Any]:
    return LeftRun(Path("/run")).record(task(), attempt_id(1), 2.5)


def test_an_attempt_is_read_with_its_names_files_and_process() -> None:
    record = good_record() | {
        "config_file": f"/run/{attempt_id(1)}.json",
        "statuses": [*PLACE, 7],
    }
    left = left_attempt(entry(record), "boot")

    assert left.task == task()
    assert left.invocation == attempt_id(1)
    assert left.status_file == Path(f"/run/{attempt_id(1)}.status")
    assert left.config_file == Path(f"/run/{attempt_id(1)}.json")
    assert left.end_record == Path(f"/run/{attempt_id(1)}.exit")
    assert (left.place, left.commits, left.number) == (PLACE, 7, 1)
    assert (left.boot_id, left.pid, left.kill_wait_sec) == ("boot", 42, 2.5)
    assert (left.born_after_ns, left.born_before_ns) == (5, 6)


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"status_file": "/etc/passwd"}, "a file that is not called"),
        ({"status_file": f"{attempt_id(1)}.status"}, "a file that is not called"),
        ({"status_file": f"/run/{attempt_id(2)}.status"}, "a file that is not called"),
        ({"config_file": "/"}, "a file that is not called"),
        ({"invocation": [1]}, "invocation is not a pair"),
        ({"invocation": [1, -1]}, "invocation is not a pair"),
        ({"invocation": "1-1"}, "invocation is not a pair"),
        ({"job": None}, "its job is not a text"),
        ({"node": 7}, "its node is not a text"),
        ({"statuses": None}, "where its status belongs"),
        ({"statuses": ["sqlite", "t", "5"]}, "where its status belongs"),
        ({"kill_wait": "soon"}, "kill_wait is not a number"),
        ({"kill_wait": 10**400}, "kill_wait is not a number"),
    ],
)
def test_a_record_that_says_something_else_is_refused_with_the_reason(
    changed: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        left_attempt(entry(good_record() | changed), "boot")


def test_an_end_is_read() -> None:
    fields = end_fields(
        code=-1, signal=6, core=True, killed=True, stdout=b"out\xff", stderr=b"e"
    )
    found = end_record(json.dumps(fields).encode())

    assert found == EndRecord(
        exit=Exit(signal=6),
        core_dumped=True,
        killed=True,
        timed_out=False,
        ended=1_700_000_050.5,
        stdout=b"out\xff",
        stderr=b"e",
    )
    assert found.text == "killed by signal 6 (core dumped)"


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        (end_fields(), "exited with status 0"),
        (end_fields(code=3), "exited with status 3"),
        (end_fields(code=-1), "ended in an unknown way"),
    ],
)
def test_how_it_ended_is_told_in_words(fields: dict[str, Any], text: str) -> None:
    assert end_record(json.dumps(fields).encode()).text == text


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=5,
)
KEYS = [*good_record(), *end_fields()]


@given(st.dictionaries(st.sampled_from(KEYS), values))
def test_whatever_a_record_holds_a_value_error_is_the_worst(
    changed: dict[str, Any],
) -> None:
    whole = {**good_record(), **end_fields(), **changed}
    with contextlib.suppress(ValueError):
        assert left_attempt(entry(whole), "boot").status_file.suffix == ".status"
    with contextlib.suppress(ValueError):
        assert end_record(json.dumps(whole).encode()).ended >= 0


@given(st.binary(max_size=30) | values.map(repr).map(str.encode))
def test_what_is_no_record_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        end_record(content)


def test_text_nested_too_deeply_is_refused() -> None:
    with pytest.raises(ValueError, match="not a JSON object"):
        end_record(b"[" * 100_000)
