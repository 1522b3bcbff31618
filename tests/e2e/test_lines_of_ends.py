"""The two headless log lines of an ended task, for every way in which one can end."""

import re
import signal
import time
from typing import Any

import pytest

from tests.e2e.program import DONE, Place, config_of, shell

pytestmark = pytest.mark.slow

ONE_NODE = {
    "levels": ["host"],
    "node_sources": [{"source": "manual", "prefs": {"n": []}}],
}
NO_STATUS = ": .*status.*"
ENDS: dict[str, tuple[dict[str, Any], str, str, str]] = {
    "done": ({"command": DONE}, "0", "done", ""),
    "failed": ({"command": shell('echo failed > "$2"; exit 4')}, "4", "failed", ""),
    "silent": ({"command": shell("exit 3")}, "3", "failed", NO_STATUS),
    "crashed": (
        {"command": shell("kill -9 $$")},
        "killed by signal 9",
        "failed",
        NO_STATUS,
    ),
    "by-code": (
        {"command": shell("exit 3"), "status_from": "exit_code"},
        "3",
        "failed",
        ": exited with status 3",
    ),
    "slow": (
        {"command": shell("exec sleep 60"), "timeout_sec": 0.3},
        "killed by signal 15",
        "failed",
        ": timed out after 0.3 s",
    ),
    "missing": (
        {"command": ["./no-such-program"]},
        "failed to start: .*",
        "failed",
        ": .*no-such-program.*",
    ),
}
"""By job: what it is, and what is said of its exit, its status, and the reason."""


def said(text: str, job: str) -> list[str]:
    """Return what was logged of the task of a job, without the time."""
    return [line[20:] for line in text.splitlines() if f" {job}, n" in line]


def test_every_end_is_told_with_its_exit_and_its_status(place: Place) -> None:
    jobs = [(name, one[0] | {"backoff": ["fail"]}) for name, one in ENDS.items()]
    config = config_of(*jobs, settings={"nodes": ONE_NODE})

    run = place.batch(place.write_config(config))

    assert run.code == 1, run.err
    for job, (_, status, word, reason) in ENDS.items():
        first, second = said(run.err, job)
        assert re.fullmatch(f"Task {job}, n quit with status {status}", first)
        got = rf"Got status {word} from task {job}, n after \d+\.\d s{reason}"
        assert re.fullmatch(got, second), second


def test_a_task_that_is_ended_with_the_program_is_told_too(place: Place) -> None:
    command = shell(f"touch {place.path}/up; exec sleep 60")
    config = config_of(("a", {"command": command}), settings={"nodes": ONE_NODE})
    path = place.write_config(config)

    with place.start(path, "--no-ui", "--data-dir", place.data) as process:
        deadline = time.monotonic() + 60
        while not (place.path / "up").exists():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)

    first, second = said(err, "a")
    assert first == "Task a, n quit with status killed by signal 15"
    assert second.startswith("Got status incomplete_backoff from task a, n after")
    assert process.returncode == 0
