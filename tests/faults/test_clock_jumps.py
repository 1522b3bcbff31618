"""The wall clock is set to anything, again and again; nothing is early, late or lost.

libfaketime gives the program another wall clock, and leaves the clocks alone that
nobody can set. Tasks do not get it: they write the true seconds since the boot.
"""

import itertools
import os
import random
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.e2e.program import Place, config_of, shell
from tests.faults.needs import need_program
from tests.faults.seeds import SCALE

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180 * SCALE)]

HOUR, YEAR = 3_600, 31_557_600
ALLOWED_SEC = 20.0
"""Late by what a machine takes that stands still now and then; a jump is 600 s or more.

A wait by the wall clock is seldom late where that jumps back and forth: it is early.
"""
EARLY_SEC = 0.1
BACKOFF_SEC = 2
TIMEOUT_SEC = 2
KILL_WAIT_SEC = 1.5
TALKING_SEC = 10 * SCALE
JUMP_SEC = 0.25

_LOG = (
    "forked() {{ read -r stat < /proc/$$/stat; set -- ${{stat##*)}}; echo ${{20}}; }}; "
    "forked=$(forked); log() {{ read up rest < /proc/uptime; "
    'echo "$1 $task $up $forked" >> "$oracle"; }}; '
)
_HEAD = 'task="$0@$1" oracle={oracle}; ' + _LOG
_DONE = 'log end; echo done > "$2"; '
RETRIES = (
    _HEAD + "log start; "
    'if [ "$(grep -c "^start $task " "$oracle")" -gt {times} ]; then '
    + _DONE
    + 'else log end; echo error_backoff > "$2"; fi'
)
HANGS = (
    _HEAD + "{trap}log start; "
    'if [ "$(grep -c "^start $task " "$oracle")" -gt 1 ]; then '
    + _DONE
    + "else while :; do log alive; sleep 0.05; done; fi"
)
TALKS = (
    _HEAD + "log start; n=0; "
    "while [ $n -lt {lines} ]; do echo $n; n=$((n+1)); sleep 0.1; done; " + _DONE
)


def jobs(oracle: Path, seconds: int) -> Iterator[tuple[str, dict[str, Any]]]:
    scripts = {
        "retries": RETRIES.format(oracle=oracle, times=max(seconds // 3, 1)),
        "hangs": HANGS.format(oracle=oracle, trap=""),
        "deaf": HANGS.format(oracle=oracle, trap='trap "" TERM; '),
        "talks": TALKS.format(oracle=oracle, lines=10 * seconds),
    }
    for name, script in scripts.items():
        command = shell(script)
        command[-1] = name
        yield name, {"command": command, "timeout_sec": TIMEOUT_SEC}


def config(oracle: Path, seconds: int, *names: str) -> dict[str, Any]:
    found = config_of(
        *(one for one in jobs(oracle, seconds) if not names or one[0] in names),
        settings={
            "backoff": [BACKOFF_SEC, "repeat"],
            "kill_subprocess": {
                "method": "term_wait_kill",
                "kill_wait_ms": int(1000 * KILL_WAIT_SEC),
            },
            "resources": {"instance": {"slots": {"limit": 100, "default": 1}}},
            "nodes": {
                "levels": ["host"],
                "node_source": "manual",
                "node_source_prefs": {"n1": [], "n2": []},
            },
        },
    )
    del found["bistro_job->talks"]["timeout_sec"]
    return found


class FakeClock:
    """The wall clock of programs that run with its environment."""

    def __init__(self, path: Path) -> None:
        need_program("faketime")
        self._path = path
        self.set(0)
        found = subprocess.run(
            ["faketime", "now", "printenv", "LD_PRELOAD"],
            check=True,
            capture_output=True,
            text=True,
        )
        self.environment = {
            "LD_PRELOAD": found.stdout.strip(),
            "FAKETIME_TIMESTAMP_FILE": str(path),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
        }

    def set(self, offset: float) -> None:
        """Let it be so many seconds beyond the true time."""
        aside = self._path.with_suffix(".new")
        aside.write_text(f"{offset:+.0f}")
        aside.replace(self._path)

    def set_to(self, second: float) -> None:
        """Let it be that second of the epoch."""
        self.set(second - time.time())


def jump(clock: FakeClock, rng: random.Random) -> None:
    match rng.randrange(6):
        case 0:
            clock.set(rng.choice((HOUR, -HOUR)))
        case 1:
            clock.set(rng.choice((YEAR, -YEAR, 600)))
        case 2:
            clock.set_to(86_400)
        case 3:
            clock.set_to(2.2e9)
        case 4:
            clock.set_to(4.42e9)
        case _:
            clock.set(0)


class Told(NamedTuple):
    """One line of a task; seconds since the boot."""

    word: str
    at: float
    forked: float
    """When its process began, before it could tell of itself."""


def moments(oracle: Path) -> dict[str, list[Told]]:
    """Return by task what it wrote, in order."""
    found: dict[str, list[Told]] = {}
    for line in oracle.read_text().splitlines():
        word, task, up, ticks = line.split()
        forked = int(ticks) / os.sysconf("SC_CLK_TCK")
        found.setdefault(task, []).append(Told(word, float(up), forked))
    return found


def judge(oracle: Path) -> int:
    """Fail if any wait was not as long as it should be; return how many there were."""
    waits = 0
    for task, told in moments(oracle).items():
        runs: list[list[Told]] = []
        for one in told:
            if one.word == "start":
                runs.append([])
            runs[-1].append(one)
        for before, run in itertools.pairwise(runs):
            waited = run[0].at - before[-1].at
            assert _is_right(waited, BACKOFF_SEC), f"{task} waited {waited} s"
            waits += 1
        job = task.partition("@")[0]
        if job in ("hangs", "deaf"):
            allowed = TIMEOUT_SEC + (KILL_WAIT_SEC if job == "deaf" else 0)
            lasted = runs[0][-1].at - runs[0][0].at
            assert lasted <= allowed + ALLOWED_SEC, f"{task} lasted {lasted} s"
            # It may have lived on without a turn to say so, and have begun so.
            until_next = runs[1][0].at - runs[0][0].forked
            assert _is_right(until_next, allowed + BACKOFF_SEC), f"{task} {until_next}"
    return waits


def _is_right(seconds: float, wanted: float) -> bool:
    return wanted - EARLY_SEC <= seconds <= wanted + ALLOWED_SEC


def check_logs(place: Place, lines: int) -> None:
    for node in ("n1", "n2"):
        found = place.rows(
            "task_logs.sql3",
            "SELECT time_and_count, line FROM stdout"
            f" WHERE job_id = 'talks' AND node_id = '{node}' ORDER BY time_and_count",
        )
        assert [int(line) for _, line in found] == list(range(lines))
        assert all(0 < one <= 2**63 - 1 for one, _ in found)


def test_nothing_is_early_late_or_lost_while_the_clock_is_set_again_and_again(
    place: Place, rng: random.Random
) -> None:
    clock, oracle = FakeClock(place.path / "clock"), place.path / "oracle"
    oracle.touch()
    file = place.write_config(config(oracle, TALKING_SEC))
    jumps, output = 0, place.path / "err"
    with (
        output.open("w") as err,
        place.start(
            file,
            *("--no-ui", "--exit-when-done", "--data-dir", place.data),
            *("--log-prune-frequency", 1),
            env=clock.environment,
            stderr=err,
        ) as process,
    ):
        try:
            while process.poll() is None:
                time.sleep(JUMP_SEC)
                jump(clock, rng)
                jumps += 1
        finally:
            process.kill()
    told = output.read_text()
    assert process.returncode == 0, told
    assert jumps >= 30
    for word in ("Traceback", "exception", "rror:"):
        assert word not in told, told
    # Two jobs that hang have one wait on each node, those that retry some more.
    assert judge(oracle) >= 2 * (2 + TALKING_SEC // 3)
    check_logs(place, 10 * TALKING_SEC)
    rows = place.rows("statuses.sql3", "SELECT result FROM task_statuses")
    assert rows == [(1,)] * 8
    rows = place.rows("task_logs.sql3", "SELECT seconds FROM attempts")
    assert len(rows) >= 12
    assert all(0 <= seconds <= 3 * TALKING_SEC for (seconds,) in rows)
    ((shown,),) = place.rows(
        "statuses.sql3", "SELECT max(timestamp) - min(timestamp) FROM task_statuses"
    )
    assert shown > HOUR / 2, "the program did not see its clock being set"
    ((remembered,),) = place.rows(
        "task_logs.sql3", "SELECT max(started) - min(started) FROM attempts"
    )
    assert remembered < 4 * TALKING_SEC


@pytest.mark.parametrize("second", [86_400, 4.42e9][:SCALE])
def test_after_a_crash_all_goes_on_whatever_the_clock_was_set_to(
    place: Place, second: float
) -> None:
    clock, oracle = FakeClock(place.path / "clock"), place.path / "oracle"
    oracle.touch()
    file = place.write_config(config(oracle, 1, "retries", "talks"))
    flags = ("--no-ui", "--exit-when-done", "--data-dir", place.data)
    with place.start(file, *flags, env=clock.environment) as first:
        deadline = time.monotonic() + 60
        while "end retries@n1" not in oracle.read_text():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        os.kill(first.pid, signal.SIGKILL)
    clock.set_to(second)

    again = place.run(file, *flags, env=clock.environment)

    assert again.code == 0, again.err
    assert "Traceback" not in again.err
    rows = place.rows("statuses.sql3", "SELECT result FROM task_statuses")
    assert rows == [(1,)] * 4
    for task, told in moments(oracle).items():
        starts = [one.at for one in told if one.word == "start"]
        # A start of the program, an old copy's end, and its own delay at most.
        waits = [later - up for up, later in itertools.pairwise(starts)]
        assert max(waits, default=0) < 40, task
    ids = [
        one
        for (one,) in place.rows(
            "task_logs.sql3",
            "SELECT time_and_count FROM stdout ORDER BY time_and_count",
        )
    ]
    assert len(set(ids)) == len(ids) > 0
    assert 0 < ids[0] <= ids[-1] <= 2**63 - 1
