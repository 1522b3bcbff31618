"""A short run with a task of each kind, and what must be true however it is disturbed.

The tasks tell the oracle of themselves, in a file that the product never reads.
"""

import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, NamedTuple

from tests.e2e.program import PROGRAM, Place
from tests.faults.oracle import Oracle, Task, fresh_mark, judge
from tests.faults.strace import Calls, Traced, times_happened
from tests.faults.watching import alive_with

KILL_WAIT = 0.3
LAST_STEP = 3
LONGEST = 60.0
"""Seconds until a run must be over; faults make it wait for a second now and then."""
LONGEST_ENDING = 15.0
"""Seconds until nothing of a task is alive."""
MOST_FAULTS = 4
"""After so many of what should be one, a run need not come to an end."""

SCRIPT = r"""#!/bin/sh
# KIND SECONDS MARK NODE STATUS_FILE JSON
kind=$1 seconds=$2 mark=$3 status_file=$5 json=$6
say() {
    read -r up idle </proc/uptime
    echo "$1 $BISTRO_JOB $BISTRO_NODE $BISTRO_INVOCATION $up $$" >>"$ORACLE"
}
exec 9>>"$LOCKS/$BISTRO_JOB.$BISTRO_NODE"
flock -n 9 || say overlap
say start
echo "output of $BISTRO_INVOCATION"
case $kind in
daemon)
    setsid sleep "900.$mark" >/dev/null 2>&1 &
    (env -i /usr/bin/setsid /bin/sleep "901.$mark" >/dev/null 2>&1 9>&- &)
    ;;
fail)
    if [ ! -e "tried-$BISTRO_NODE" ]; then
        : >"tried-$BISTRO_NODE"
        echo '{"result_bits": 32}' >"$status_file"
        say error
        exit 1
    fi
    ;;
sleep) sleep "$seconds$mark" ;;
steps)
    at=${json##*\"at\":}
    [ "$at" = "$json" ] && at=0
    at=$((${at%%[!0-9]*} + 1))
    say "step$at"
    if [ "$at" -lt 3 ]; then
        echo "{\"result\": \"incomplete\", \"data\": {\"at\":$at}}" >"$status_file"
        exit 0
    fi
    ;;
esac
say ending
echo done >"$status_file"
say end
"""
KINDS = {"plain": 0.0, "fail": 0.0, "steps": 0.0, "daemon": 0.0, "sleep": 0.15}
BELOW = 2
"""Nodes below each host; the plain tasks run there."""
_SHOWN = re.compile(r"Got status (\S+) from task (\S+), (\S+) ")


class Stored(NamedTuple):
    """A row of the status store."""

    result: int
    data: str | None


class Scripted:
    """Such a run in a directory of its own."""

    def __init__(self, directory: Path, hosts: int = 1, *, longer: float = 0) -> None:
        """``longer``: seconds that the task that sleeps does so more than it has to."""
        # What is written beside the config wakes those who watch it.
        inside = directory / "place"
        inside.mkdir(parents=True)
        self.directory = directory
        self.place = Place(inside)
        self.oracle = Oracle(directory, fresh_mark())
        self.log = directory / "stderr"
        self.trace = directory / "strace"
        self._longer = longer
        self.grow(hosts)
        self.pid = 0
        """Of the scheduler that ran under strace."""

    def grow(self, hosts: int) -> None:
        """Have so many hosts from the next start on."""
        self.tasks = hosts * (len(KINDS) - 1 + BELOW)
        self.config = self.place.write_config(self._config(hosts))

    def _config(self, hosts: int) -> dict[str, Any]:
        script = str(self.place.write("task.sh", SCRIPT))
        jobs = {}
        for kind, seconds in KINDS.items():
            more = self._longer if kind == "sleep" else 0
            job = self.oracle.job(kind, seconds + more)
            command = job["command"]
            assert isinstance(command, list)
            command[1] = script
            kill = {"method": "term_wait_kill", "kill_wait_ms": int(KILL_WAIT * 1000)}
            level = "below" if kind == "plain" else "host"
            job |= {"owner": "t", "level_for_tasks": level, "kill_subprocess": kill}
            jobs[f"bistro_job->{kind}"] = job
        settings = {
            "enabled": True,
            "backoff": [1, "repeat"],
            "nodes": {
                "levels": ["host", "below"],
                "node_source": "manual",
                "node_source_prefs": {
                    f"h{i}": [f"h{i}n{j}" for j in range(BELOW)] for i in range(hosts)
                },
            },
            "resources": {"instance": {"slots": {"limit": 20, "default": 1}}},
        }
        return {"bistro_settings": settings, **jobs}

    @property
    def words(self) -> list[str]:
        """The command, the same for every start."""
        return [
            *(PROGRAM, str(self.config), "--no-ui", "--exit-when-done", "--json"),
            *("--data-dir", str(self.place.data)),
        ]

    def options(self) -> dict[str, Any]:
        """Return what Popen needs beside that."""
        return {
            "cwd": self.place.path,
            "env": self.place.environment(),
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.DEVNULL,
        }

    def run(self, calls: Calls, injection: str) -> tuple[int, str]:
        """Return the exit code of a run under strace, and what strace wrote.

        ``injection``: as strace has it; empty: nothing happens to it.
        """
        flags = ["-e", f"trace={calls.names}"]
        if injection:
            flags += ["-e", f"inject={calls.names}:{injection}"]
        path = str(self.directory / calls.path) if calls.path else ""
        return self.trace_with(flags, path)

    def trace_with(
        self, flags: list[str], path: str = "", *, is_resumed: bool = True
    ) -> tuple[int, str]:
        """Return the same with these flags, for calls on one file or on any.

        ``is_resumed``: whether what scheduler and warden leave, when both are killed,
        is ended by another start, which strace does not see.
        """
        with self.log.open("ab") as said:
            traced = Traced(
                flags, self.words, self.trace, path=path, stderr=said, **self.options()
            )
        code = self._ended(traced.process, self.happens_again_and_again)
        self.check()
        self.pid = traced.process.pid
        if code < 0 and times_happened(self.trace.read_text(errors="replace")) > 1:
            if not is_resumed:
                return code, traced.wait_for_log()
            # With scheduler and warden gone, only the next start ends what is left.
            self.resume()
            code = 0
        # Strace makes all of this slow; test_crashes asks for the promised time.
        deadline = time.monotonic() + LONGEST_ENDING
        while alive := self.oracle.alive():
            assert time.monotonic() < deadline, f"{alive}\n{self.tail()}"
            time.sleep(0.02)
        return code, traced.wait_for_log()

    def happens_again_and_again(self) -> bool:
        """Return whether each new process meets it, so that it goes on like that."""
        return times_happened(self.trace.read_text(errors="replace")) > MOST_FAULTS

    def resume(self) -> None:
        """Start it again, undisturbed; it must get through by itself."""
        with self.log.open("ab") as said:
            process = subprocess.Popen(self.words, stderr=said, **self.options())
        code = self._ended(process)
        assert code == 0, f"exit {code}:\n{self.tail()}"

    def check(self) -> None:
        """Fail if something was shown that a fresh look at the store does not find."""
        said = self.log.read_text(errors="replace")
        assert "Traceback" not in said, self.tail()
        told = lost(shown_in(said), self.stored())
        assert not told, f"{told}\n{self.tail()}"

    def finish(self) -> None:
        """Check that everything has ended, once and rightly."""
        self.check()
        assert self.oracle.alive() == []
        stored = self.stored()
        assert [row.result for row in stored.values()] == [1] * self.tasks, stored
        records = self.oracle.records()
        assert len({one.task for one in records if one.what == "ending"}) == self.tasks
        # One may have been ended after it wrote its status and before it said so.
        said = {one.task for one in records if one.what == "end"}
        judge(records, expected=len(said))
        for node in {node for job, node in stored if job == "steps"}:
            self._judge_steps(("steps", node))

    def _judge_steps(self, task: Task) -> None:
        """Fail if an attempt did not find what the one before had stored."""
        words = [one.what for one in self.oracle.records() if one.task == task]
        steps = [int(what[4:]) for what in words if what.startswith("step")]
        # One that is broken off before it reports leaves what the one before stored.
        assert steps == sorted(steps), f"a checkpoint was lost: {steps}"
        assert set(steps) == set(range(1, LAST_STEP + 1)), steps

    def stored(self) -> dict[Task, Stored]:
        """Return all rows, as they are in a copy of the files."""
        with tempfile.TemporaryDirectory() as aside:
            for path in self.place.data.glob("statuses.sql3*"):
                if not path.name.endswith("-shm"):
                    shutil.copyfile(path, Path(aside) / path.name)
            database = Path(aside) / "statuses.sql3"
            if not database.exists():
                return {}
            with closing(sqlite3.connect(database)) as connection:
                (verdict,) = connection.execute("pragma integrity_check").fetchone()
                assert verdict == "ok", verdict
                return rows_of(connection)

    def tail(self) -> str:
        """Return the last of what it said."""
        return self.log.read_text(errors="replace")[-3000:]

    def clean_up(self) -> None:
        """End what a failed run has left."""
        marks = (str(self.place.data), self.oracle.mark)
        for one in (line for mark in marks for line in alive_with(mark)):
            with suppress(ProcessLookupError):
                os.kill(int(one.split()[0]), signal.SIGKILL)

    def _ended(
        self, process: "subprocess.Popen[bytes]", give_up: Callable[[], bool] = bool
    ) -> int:
        """Return its exit code; it must end by itself, or is killed to give up."""
        deadline = time.monotonic() + LONGEST
        while process.poll() is None:
            is_late = time.monotonic() > deadline
            if is_late or give_up():
                process.kill()
                process.wait()
            assert not is_late, f"it does not end:\n{self.tail()}"
            time.sleep(0.02)
        return process.returncode


def shown_in(said: str) -> list[tuple[str, Task]]:
    """Return the statuses that were shown, in order."""
    return [(word, (job, node)) for word, job, node in _SHOWN.findall(said)]


def lost(shown: Sequence[tuple[str, Task]], stored: Mapping[Task, Stored]) -> list[str]:
    """Return what was shown and is not stored, nor anything that came later."""
    told = []
    at: Counter[Task] = Counter()
    for word, task in shown:
        row = stored.get(task)
        if row is None or (word == "done" and row.result != 1):
            told.append(f"{word} of {task} was shown and {row} is stored")
        at[task] += word == "incomplete"
    for task, steps in at.items():
        row = stored.get(task, Stored(0, None))
        step = json.loads(row.data or "{}").get("at", 0)
        if row.result != 1 and step < steps:
            told.append(f"step {steps} of {task} was shown and {row} is stored")
    return told


def rows_of(connection: sqlite3.Connection) -> dict[Task, Stored]:
    """Return all rows of a status store; none if it has no table yet."""
    query = "select name from sqlite_master where name = 'task_statuses'"
    if connection.execute(query).fetchone() is None:
        return {}
    query = "select job_id, node_id, result, data from task_statuses"
    return {
        (job, node): Stored(result, data)
        for job, node, result, data in connection.execute(query)
    }
