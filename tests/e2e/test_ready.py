"""After a crash, work that has nothing to do with what was left goes on soon."""

import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.program import Place, config_of, shell

pytestmark = pytest.mark.slow

NODES = 10_000
LEFT = 5
KILL_WAIT_MS = 60_000
"""What was left takes longer than the start may."""
READY_SEC = 2.0
"""Of the program's own time: how much of it others take is not its affair."""

STUBBORN = "trap '' TERM; echo $$ >>pids; while :; do sleep 0.05; done"
FIRST = "read -r up idle </proc/uptime; echo $up >>../first"


def config(*more: str) -> dict[str, Any]:
    """Return jobs of which ``old`` is done everywhere and ``left`` never ends."""
    some = {"host": {"whitelist": [f"n{number}" for number in range(LEFT)]}}
    others = {"host": {"whitelist": [f"n{number}" for number in range(LEFT, 2 * LEFT)]}}
    kill = {"method": "term_wait_kill", "kill_wait_ms": KILL_WAIT_MS}
    jobs: dict[str, dict[str, Any]] = {
        "old": {"command": shell('echo done >"$2"')},
        "left": {
            "command": shell(STUBBORN),
            "filters": some,
            "kill_subprocess": kill,
        },
        "fresh": {"command": shell(f"{FIRST}; sleep 60"), "filters": others},
    }
    nodes: dict[str, list[str]] = {f"n{number}": [] for number in range(NODES)}
    settings = {
        "nodes": {
            "levels": ["host"],
            "node_source": "manual",
            "node_source_prefs": nodes,
        },
        "resources": {"host": {"place": {"limit": 1, "default": 1}}},
    }
    chosen = [(name, jobs[name]) for name in ("old", "left", *more)]
    return config_of(*chosen, settings=settings)


def until(condition: Any, seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.01)


def words(path: Path) -> list[str]:
    return path.read_text().split() if path.exists() else []


@pytest.fixture
def crashed(place: Place) -> Iterator[Place]:
    """A data directory with 10,000 rows, whose scheduler was killed at work."""
    tiny = config_of(("old", {"command": shell('echo done >"$2"')}))
    assert place.batch(place.write_config(tiny)).code == 0
    with closing(sqlite3.connect(place.data / "statuses.sql3")) as connection:
        connection.executemany(
            "REPLACE INTO task_statuses (job_id, node_id, timestamp, result)"
            " VALUES ('old', ?, 1700000000, 1)",
            [(f"n{number}",) for number in range(NODES)],
        )
        connection.commit()
    path = place.write_config(config())
    pids = place.data / "jobs" / "left" / "pids"
    flags = (path, "--no-ui", "--data-dir", place.data)
    with place.start(*flags, stderr=subprocess.DEVNULL) as scheduler:
        until(lambda: len(words(pids)) == LEFT)
        scheduler.kill()
    yield place
    for pid in words(pids):
        try:
            os.killpg(int(pid), signal.SIGKILL)
        except ProcessLookupError:
            continue


def test_the_next_start_is_ready_while_what_was_left_still_ends(
    crashed: Place,
) -> None:
    path = crashed.write_config(config("fresh"))
    flags = (path, "--no-ui", "--data-dir", crashed.data)
    began = time.clock_gettime(time.CLOCK_BOOTTIME)
    with crashed.start(*flags, stderr=subprocess.DEVNULL) as scheduler:
        try:
            first = crashed.data / "jobs" / "first"
            until(lambda: len(words(first)) == LEFT)
            worked = cpu_seconds(scheduler.pid)
            taken = min(map(float, words(first))) - began
            left = words(crashed.data / "jobs" / "left" / "pids")
            assert all(Path(f"/proc/{pid}").exists() for pid in left)
        finally:
            scheduler.kill()

    print(f"the first task began after {taken:.2f} s ({worked:.2f} s of CPU)")
    assert worked < READY_SEC
    # Those of the run before have not been started again, for they still lived.
    assert len(left) == LEFT


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
