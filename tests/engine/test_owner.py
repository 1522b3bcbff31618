"""What the note in a lock file says, and how people are told of it."""

import json
import time
from pathlib import Path

import pytest

from bistro_tui.engine.owner import Owner, in_words, note_of, noted_in

BEGAN = 1_700_000_000.0


def test_an_owner_is_told_of_by_pid_host_and_start() -> None:
    started = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(BEGAN))
    owner = Owner(7, "here", BEGAN)
    assert in_words(owner) == f"pid 7 on here, started {started}"


@pytest.mark.parametrize("started", [None, 1e300, float("inf"), float("nan")])
def test_a_start_that_no_calendar_has_is_left_out(started: float | None) -> None:
    assert in_words(Owner(7, "here", started)) == "pid 7 on here"


def test_of_one_without_a_note_nothing_is_told() -> None:
    assert in_words(note_of(b"no JSON")) == ""


def test_a_note_is_read_without_looking_at_the_lock(tmp_path: Path) -> None:
    assert noted_in(tmp_path) is None
    (tmp_path / "run").mkdir()
    lock = tmp_path / "run" / "lock"
    lock.write_text(json.dumps({"pid": 7, "host": "here", "started": BEGAN}))
    assert noted_in(tmp_path) == (Owner(7, "here", BEGAN), lock.stat().st_ino)
    lock.write_text("no JSON")
    assert noted_in(tmp_path) == (Owner(None, "", None), lock.stat().st_ino)
