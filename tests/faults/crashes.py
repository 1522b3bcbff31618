"""The whole program, killed and stopped at random moments until its work is done."""

import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.e2e.program import Place
from tests.faults.oracle import Oracle, Task, fresh_mark, judge
from tests.faults.seeds import SCALE
from tests.faults.watching import Patience, alive_with, wardens_of

KILL_WAIT = 0.3
NODES = 30 * SCALE
AT_ONCE = 30
LONGEST_STOP = 0.8
TO_THE_END = 90.0 * SCALE
KINDS = ("sleep", "fail", "daemon", "quick", "stubborn", "plain")
ENDS = (0, 143, -signal.SIGKILL, -signal.SIGTERM)
"""The last one before it had its own way with signals."""
GOT_DONE = re.compile(rb"Got status done from task (\S+), (\S+) ")

Fault = Callable[["Crashes"], None]
Pause = Callable[[float], None]


def settings(*, nodes: int, at_once: int) -> dict[str, Any]:
    """Return settings with that many nodes, and tasks that run at once."""
    return {
        "enabled": True,
        "backoff": [1, "repeat"],
        "nodes": {
            "levels": ["host"],
            "node_source": "manual",
            "node_source_prefs": {f"n{i}": [] for i in range(nodes)},
        },
        "resources": {"instance": {"slots": {"limit": at_once, "default": 1}}},
    }


class Crashes:
    """One config with 180 tasks in one data directory, and its program."""

    def __init__(
        self, place: Place, rng: random.Random, pause: Pause = time.sleep
    ) -> None:
        """``pause`` is called with seconds wherever something is waited for."""
        self.place = place
        self.rng = rng
        self.pause = pause
        self.oracle = Oracle(place.path, fresh_mark())
        self.log = place.path / "stderr"
        self.shown: set[Task] = set()
        """Tasks that were seen as done, in the log or in the store."""
        self.config = place.write_config(self._config())
        self._process: subprocess.Popen[bytes] | None = None
        self._older: set[str] = set()
        """Pids of tasks that an earlier start has left to this one."""
        self._unwatched: set[str] = set()
        """Pids of tasks whose warden was killed; the scheduler has to see it."""

    def _config(self) -> dict[str, Any]:
        jobs = {}
        for kind in KINDS:
            seconds = self.rng.uniform(0.05, 1.0) if kind not in "quick plain" else 0.0
            jobs[f"bistro_job->{kind}"] = job_of(self.oracle.job(kind, seconds))
        return {"bistro_settings": settings(nodes=NODES, at_once=AT_ONCE), **jobs}

    @property
    def tasks(self) -> int:
        """How many tasks have to be done in the end."""
        return NODES * len(KINDS)

    @property
    def process(self) -> "subprocess.Popen[bytes]":
        """The running program."""
        assert self._process is not None
        return self._process

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it with the same command as ever."""
        self._older = self._tasks_alive()
        self._unwatched = set()
        program = Path(sys.executable).with_name("bistro-tui")
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *(str(program), str(self.config)),
                    *("--no-ui", "--exit-when-done", "--json"),
                    *("--data-dir", str(self.place.data)),
                ],
                cwd=self.place.path,
                env=self.place.environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
            )

    def run(self, faults: Sequence[Fault]) -> None:
        """Let these happen at random moments, run to the end, and judge."""
        with self.judged():
            for fault in faults:
                if not self.is_running:
                    self.check_exit()
                    self.start()
                self.wait(self.rng.uniform(0, 2.0))
                fault(self)
                self.compare()

    @contextmanager
    def judged(self) -> Iterator[None]:
        """Go on to the end after what is done inside, and judge it."""
        try:
            yield
            self.to_the_end()
            assert self.oracle.alive() == []
            self.compare()
        finally:
            self.end()
        self.judge()

    def judge(self) -> None:
        """Fail unless all is done, each task once."""
        assert len(self.shown) == self.tasks
        judge(self.oracle.records(), expected=self.tasks, silent=self.shown)

    def wait(self, seconds: float) -> None:
        """Wait so long, or until it has ended."""
        deadline = time.monotonic() + seconds
        while self.is_running and time.monotonic() < deadline:
            self.pause(0.01)

    def check_exit(self) -> None:
        """It may have been killed or be through; it may not have given up."""
        if self._process is not None:
            code = self._process.returncode
            assert code in ENDS, f"exit {code}:\n{self.tail()}"

    def to_the_end(self) -> None:
        """Start it as often as it takes until it says that all is done."""
        deadline = time.monotonic() + TO_THE_END
        while True:
            if not self.is_running:
                self.check_exit()
                if self._process is not None and self._process.returncode == 0:
                    return
                self.start()
            assert time.monotonic() < deadline, f"not done:\n{self.tail()}"
            self.wait(1.0)

    def end(self) -> None:
        """Leave no process behind."""
        if self._process is not None:
            with suppress(OSError):
                self._process.send_signal(signal.SIGCONT)
            self._process.kill()
            self._process.wait()
        for one in (*alive_with(str(self.place.data)), *self.oracle.alive()):
            self.signal(int(one.split()[0]), signal.SIGKILL)
        remove_memory(self.place)

    def pids_alive(self) -> set[str]:
        """Return the processes of tasks."""
        return {one.split()[0] for one in self.oracle.alive()}

    def compare(self) -> None:
        """Fail if a status that was shown has been taken back."""
        done = self.stored()
        lost = self.shown - done
        assert not lost, f"shown as done, and not any more: {lost}\n{self.tail()}"
        logged = {
            (job.decode(), node.decode())
            for job, node in GOT_DONE.findall(self.log.read_bytes())
        }
        self.shown |= done | logged
        if not self.is_running:
            assert self.shown == self.stored(), "shown and not stored"

    def stored(self) -> set[Task]:
        """Return the tasks that are done, as the store says."""
        if not (self.place.data / "statuses.sql3").exists():
            return set()
        query = (
            "select name from sqlite_master where name = 'task_statuses'",
            "select job_id, node_id from task_statuses where result = 1",
        )
        if not self.place.rows("statuses.sql3", query[0]):
            return set()
        return {(job, node) for job, node in self.place.rows("statuses.sql3", query[1])}

    def tail(self) -> str:
        """Return the last of what it said."""
        return self.log.read_text(errors="replace")[-3000:]

    # What can happen to it.

    def wardens(self) -> list[int]:
        # Once it is reaped, its number may be that of another test's scheduler.
        return wardens_of(self.process.pid) if self.process.poll() is None else []

    def signal(self, pid: int, number: int) -> None:
        """Send a signal to what may have gone meanwhile."""
        with suppress(ProcessLookupError):
            os.kill(pid, number)

    def kill_warden(self, pid: int) -> None:
        """Kill it; what it started is then the scheduler's to end."""
        self.signal(pid, signal.SIGKILL)
        self._unwatched |= self._tasks_alive()

    def _tasks_alive(self) -> set[str]:
        return {self.oracle.task_pid(one) for one in self.oracle.alive()}

    def nothing_stays(self, *, of_killed_wardens: bool) -> None:
        """Fail if something of a task is alive after its kill wait and 2 s.

        What an earlier run has left is a matter of the next start, and so is what a
        killed warden has left when the scheduler died before it could end it.
        """
        excused = self._older | (set() if of_killed_wardens else self._unwatched)
        patience = Patience(KILL_WAIT + 2)
        while alive := [
            one
            for one in self.oracle.alive()
            if self.oracle.task_pid(one) not in excused
        ]:
            assert not patience.is_over, f"{alive}\n{self.tail()}"
            self.pause(0.02)


def remove_memory(place: Place) -> None:
    """Remove what a killed scheduler leaves in memory; its data directory goes too."""
    remove_memory_of(place.data)


def remove_memory_of(data: Path) -> None:
    """Remove what whoever had this data directory has left in memory."""
    with suppress(OSError):
        path = Path((data / "run" / "status_files").read_text().strip())
        if path.name.startswith("bistro-tui-"):
            shutil.rmtree(path)


def job_of(part: dict[str, object]) -> dict[str, object]:
    """Return the config of a job of which ``part`` says what it runs."""
    kill = {"method": "term_wait_kill", "kill_wait_ms": int(KILL_WAIT * 1000)}
    return {"owner": "t", "kill_subprocess": kill, **part}


def kill_scheduler(run: Crashes) -> None:
    run.process.kill()
    run.process.wait()
    if run.rng.random() < 0.5:
        run.nothing_stays(of_killed_wardens=False)
    else:
        run.pause(run.rng.uniform(0, 0.3))


def kill_warden(run: Crashes) -> None:
    for pid in run.wardens()[:1]:
        run.kill_warden(pid)


def kill_wardens(run: Crashes) -> None:
    for pid in run.wardens():
        run.kill_warden(pid)


def kill_all_at_once(run: Crashes) -> None:
    """Scheduler and wardens; only the next start can end their tasks."""
    pids = [run.process.pid, *run.wardens()]
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for pid in pids:
            run.signal(pid, number)
    run.process.wait()


def stop_warden(run: Crashes) -> None:
    for pid in run.wardens()[:1]:
        run.signal(pid, signal.SIGSTOP)
        run.pause(run.rng.uniform(0, LONGEST_STOP))
        run.signal(pid, signal.SIGCONT)


def stop_warden_and_kill_scheduler(run: Crashes) -> None:
    """The next start has to continue it."""
    for pid in run.wardens()[:1]:
        run.signal(pid, signal.SIGSTOP)
    run.process.kill()
    run.process.wait()


def stop_warden_and_kill_it(run: Crashes) -> None:
    for pid in run.wardens()[:1]:
        run.signal(pid, signal.SIGSTOP)
        run.pause(run.rng.uniform(0, LONGEST_STOP))
        run.kill_warden(pid)


def stop_scheduler(run: Crashes) -> None:
    run.signal(run.process.pid, signal.SIGSTOP)
    run.pause(run.rng.uniform(0, LONGEST_STOP))
    run.signal(run.process.pid, signal.SIGCONT)


def stop_scheduler_and_kill_it(run: Crashes) -> None:
    run.signal(run.process.pid, signal.SIGSTOP)
    run.pause(run.rng.uniform(0, LONGEST_STOP))
    kill_scheduler(run)


def stop_tasks(run: Crashes) -> None:
    pids = [int(one.split()[0]) for one in run.oracle.alive()]
    for pid in pids:
        run.signal(pid, signal.SIGSTOP)
    run.pause(run.rng.uniform(0, LONGEST_STOP))
    for pid in pids:
        run.signal(pid, signal.SIGCONT)


def terminate(run: Crashes) -> None:
    """Ask it to stop; it ends its tasks and says how."""
    run.signal(run.process.pid, signal.SIGTERM)
    run.process.wait(KILL_WAIT + 60)
    run.nothing_stays(of_killed_wardens=True)


ALL: list[Fault] = [
    kill_scheduler,
    kill_warden,
    kill_wardens,
    kill_all_at_once,
    stop_warden,
    stop_warden_and_kill_scheduler,
    stop_warden_and_kill_it,
    stop_scheduler,
    stop_scheduler_and_kill_it,
    stop_tasks,
    terminate,
]


def told(log: Path) -> dict[str, int]:
    """Return how often the log tells of what."""
    text = log.read_text(errors="replace")
    words = ("adopted", "left over", "was lost", "still ending", "Traceback")
    return {word: text.count(word) for word in words} | {
        "starts": text.count(" serves ")
    }
