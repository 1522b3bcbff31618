"""Output of every kind: nothing is lost, nothing stalls, memory stays what it was."""

import json
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.program import REPOSITORY, Place
from tests.e2e.terminal import Terminal
from tests.faults.seeds import SCALE
from tests.faults.watching import Watch, resident_bytes

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180 * SCALE)]

ALLOWED_GROWTH = 64 * 2**20
ALLOWED_LAG_SEC = 0.020
ATTEMPTS = 5
LOOK_SEC = 0.02
SHOWN_SEC = 5.0
"""It waits for its rest for 200 ms, then for the next picture of a busy machine."""
TO_RUNNING_TASKS = "\t\t"
SPEWING = 10
SPEWING_SEC = 4.0 * SCALE

SPEWERS = {
    "lines": "yes 'a line of output as programs write it, with some words in it'",
    "short": "yes",
    "wide": "yes $(head -c 3000 /dev/zero | tr '\\0' x)",
    "endless": "cat /dev/zero",
    "noise": "cat /dev/urandom",
}


def config_of_commands(jobs: dict[str, list[str]]) -> dict[str, Any]:
    """Return a config in which all these run at once, each on one node."""
    return {
        "bistro_settings": {
            "enabled": True,
            "backoff": ["fail"],
            "nodes": {
                "levels": ["host"],
                "node_source": "manual",
                "node_source_prefs": {"n": []},
            },
            "resources": {"instance": {"slots": {"limit": 20, "default": 1}}},
        },
        **{
            f"bistro_job->{name}": {
                "owner": "t",
                "status_from": "exit_code",
                "command": command,
            }
            for name, command in jobs.items()
        },
    }


class Run:
    """The headless engine, watched from inside (its loop) and outside (its memory)."""

    def __init__(self, place: Place, jobs: dict[str, list[str]]) -> None:
        config = place.write_config(config_of_commands(jobs))
        words = [sys.executable, "-m", "benchmarks.launcher", "--lag"]
        self._process = subprocess.Popen(
            [*words, str(config), str(place.data)],
            cwd=REPOSITORY,
            env=place.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._log = place.data / "task_logs.sql3"
        self._base = 0
        self.growth = 0
        """Bytes that it held more than after its start."""
        self._own_late: list[float] = []
        self._looked = time.monotonic()
        with Watch(self._look, LOOK_SEC):
            out, err = self._process.communicate(timeout=120 * SCALE)
        assert self._process.returncode == 0, err[-3000:]
        self.summary: dict[str, Any] = json.loads(out)
        assert self.summary["done"] == len(jobs), err[-3000:]

    @property
    def late(self) -> list[float]:
        """Seconds by which short sleeps on its loop were too long, in order."""
        return sorted(self.summary["late"])

    @property
    def late_p99(self) -> float:
        """Beyond what a process that does nothing was late: the machine's own part."""
        return max(0.0, _p99(self.late) - _p99(sorted(self._own_late)))

    def _look(self) -> None:
        now = resident_bytes(self._process.pid)
        late = time.monotonic() - self._looked - LOOK_SEC
        self._own_late.append(late)
        self._looked = time.monotonic()
        if self._base:
            self.growth = max(self.growth, now - self._base)
        elif self._log.exists():
            # It has loaded all of its program by now, and no task has started.
            self._base = now


def shell(script: str, *more: str) -> list[str]:
    return ["/bin/sh", "-c", script, "task", *more]


def _p99(ordered: list[float]) -> float:
    return ordered[len(ordered) * 99 // 100]


def _fresh(path: Path) -> Path:
    path.mkdir()
    return path


def kept(place: Place, job: str) -> list[bytes]:
    """Return the rows of a job's stdout, as bytes."""
    query = f"select line from stdout where job_id = '{job}' order by time_and_count"
    return [
        line if isinstance(line, bytes) else line.encode()
        for (line,) in place.rows("task_logs.sql3", query)
    ]


def test_ten_that_spew_flat_out_neither_stall_the_loop_nor_fill_memory(
    place: Place,
) -> None:
    ways = list(SPEWERS)
    jobs = {
        f"spew{n}": shell(f"timeout {SPEWING_SEC} {SPEWERS[ways[n % len(ways)]]}; true")
        for n in range(SPEWING)
    }
    lags = []
    for attempt in range(ATTEMPTS):
        run = Run(Place(_fresh(place.path / str(attempt))), jobs)
        print(f"p99 {run.late_p99:.4f} s, most {run.late[-1]:.4f} s, {run.growth:,} B")
        assert run.summary["seconds"] > SPEWING_SEC
        assert run.growth <= ALLOWED_GROWTH
        lags.append(run.late_p99)
        if run.late_p99 <= ALLOWED_LAG_SEC:
            break
    assert min(lags) <= ALLOWED_LAG_SEC


def test_hundreds_of_megabytes_without_a_newline_come_in_rows(place: Place) -> None:
    size = 200_000_000 * SCALE
    run = Run(place, {"long": shell(f"head -c {size} /dev/zero | tr '\\0' z")})
    query = "select sum(length(line)), max(length(line)), count(*) from stdout"
    total, longest, rows = place.rows("task_logs.sql3", query)[0]
    assert total == size
    assert longest == 65_000
    assert rows == -(-size // 65_000)
    assert run.growth <= ALLOWED_GROWTH


def test_an_unfinished_line_is_on_the_screen_soon(place: Place) -> None:
    script = (
        'echo up; until [ -e go ]; do sleep 0.01; done; printf "half a line"; sleep 60'
    )
    config = place.write_config(config_of_commands({"half": shell(script)}))
    terminal = Terminal(place, config, "--data-dir", place.data)
    try:
        terminal.wait_for("│ up")
        terminal.press(TO_RUNNING_TASKS)
        terminal.press("l")
        terminal.wait_for("Log half@n")
        (place.data / "jobs" / "half" / "go").touch()
        began = time.monotonic()
        terminal.wait_for("half a line")
        assert time.monotonic() - began < SHOWN_SEC
    finally:
        terminal.close()


def test_whatever_is_written_comes_back_byte_for_byte(
    place: Place, rng: random.Random
) -> None:
    noise = rng.randbytes(3_000_000)
    bars = b"".join(b"\r%3d %% %s" % (n, b"=" * n) for n in range(101)) + b"\n"
    bad = "größer ".encode("latin-1") + b"\0\xff\xfe\x1b]0;title\x07\x9b31m\n\n\r\n"
    files: dict[str, bytes] = {"noise": noise, "bars": bars, "bad": bad}
    jobs = {}
    for name, content in files.items():
        (place.path / name).write_bytes(content)
        jobs[name] = shell('exec cat "$1"', str(place.path / name))
    one_by_one = b"one byte a write,\nand no newline at the end"
    script = f"import os\nfor c in {one_by_one!r}: os.write(1, bytes([c]))"
    jobs["bytes"] = [sys.executable, "-I", "-S", "-c", script]

    Run(place, jobs)

    for name, content in (files | {"bytes": one_by_one}).items():
        rows = kept(place, name)
        assert b"".join(rows) == content, name
        assert all(len(row) <= 65_000 for row in rows)
        assert all(b"\n" not in row[:-1] for row in rows), "a row is a line"
    assert kept(place, "bars") == [bars]
