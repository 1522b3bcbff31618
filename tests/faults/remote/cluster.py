"""A scheduler and its workers as real programs, with work that is judged from outside.

A supervisor starts again what has ended, as systemd does. Times are scaled down.
"""

import os
import random
import re
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tests.e2e.program import PROGRAM, Place
from tests.faults.crashes import job_of, remove_memory_of, settings
from tests.faults.kills import Row, look
from tests.faults.oracle import Oracle, Task, fresh_mark
from tests.faults.remote.network import Network, free_port
from tests.faults.seeds import SCALE
from tests.faults.watching import alive_with, wait_until, wardens_of

KILL_WAIT = 0.3
BEAT, LATE = 0.2, 1.0
"""A heartbeat, and a health check, this often; so much later it is too late."""
LOOKS, LOSE, MARGIN = 0.1, 0.6, 0.5
NODES = 6
AT_ONCE = 18
LAST_TASK_DIES = 1.01 * (2 * BEAT + LATE + LOSE) + KILL_WAIT + 1.0
"""Seconds after which a worker that hears nothing has no task alive."""
TO_THE_END = 60.0
TO_WORK = 40.0
TO_A_STOP = KILL_WAIT + 10.0
LONG = 11.0
"""Seconds: a task that nobody ends is still alive when it is started elsewhere."""
KINDS = {
    "quick": 0.0,
    "sleep": LONG,
    "fail": 0.3,
    "daemon": 1.0,
    "stubborn": 1.5,
    "count": 0.3,
}
"""What they do, and for how many seconds."""
COUNTING = ("sleep", "daemon", "stubborn", "count")
"""Those that do it again and again."""
SCHEDULER_FLAGS = (
    f"--heartbeat-grace-period={LATE}",
    f"--healthcheck-period={BEAT}",
    f"--healthcheck-grace-period={LATE}",
    f"--lose-unhealthy-worker-after={LOSE}",
    f"--worker-check-interval={LOOKS}",
    f"--CAUTION-worker-suicide-backoff-safety-margin-sec={MARGIN}",
    f"--CAUTION-worker-suicide-task-kill-wait-ms={int(KILL_WAIT * 1000)}",
    "--unsure-if-running-check-initial-period=0.2",
    "--thrift-send-timeout-ms=300",
    "--thrift-receive-timeout-ms=500",
)
SURPRISED = re.compile("internal error|Unhandled|Traceback|never retrieved")
ENDS = (0, 143, -signal.SIGKILL, -signal.SIGTERM)
WORKER_ENDS = (0, 1, -signal.SIGKILL, -signal.SIGTERM)
"""1: it ended itself, as one does that was lost or replaced."""


class Program:
    """A program that is started again and again with the same words."""

    def __init__(
        self, name: str, words: Sequence[str], place: Place, ends: Sequence[int]
    ) -> None:
        self.name = name
        self.log = place.path / f"{name}.log"
        self.is_wanted = False
        """Whether it is to be started again when it has ended."""
        self._words = words
        self._place = place
        self._ends = ends
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def process(self) -> "subprocess.Popen[bytes]":
        assert self._process is not None, f"{self.name} was never started"
        return self._process

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it, unless it runs."""
        self.is_wanted = True
        if self.is_running:
            return
        self.check_exit()
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._words,
                cwd=self._place.path,
                env=self._place.environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
            )

    def check_exit(self) -> None:
        """It may have been killed, or have ended as it should; nothing else."""
        if self._process is not None:
            code = self._process.poll()
            assert code in self._ends, f"{self.name}: exit {code}\n{self.tail()}"

    def signal(self, number: int) -> None:
        if self.is_running:
            self.process.send_signal(number)

    def kill(self) -> None:
        """Kill it, and let nobody start it again."""
        self.is_wanted = False
        if self._process is not None:
            self.process.kill()
            self.process.wait()

    def terminate(self) -> None:
        """Ask it to end, and wait until it has."""
        self.is_wanted = False
        self.signal(signal.SIGTERM)
        try:
            self.process.wait(TO_A_STOP)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} does not end\n{self.tail()}") from None
        self.check_exit()

    def wardens(self) -> list[int]:
        return wardens_of(self.process.pid) if self.is_running else []

    def check_log(self) -> None:
        """Whatever happens to it, it may not be surprised."""
        lines = self.log.read_text(errors="replace").splitlines()
        wrong = [line for line in lines if SURPRISED.search(line)]
        assert not wrong, f"{self.name}: {wrong[0]}"

    def tail(self) -> str:
        return f"--- {self.name}\n" + self.log.read_text(errors="replace")[-3000:]


class Worker(Program):
    """A worker with its data directory."""

    def __init__(self, name: str, shard: str, cluster: "Cluster") -> None:
        self.shard = shard
        self.data = cluster.place.path / name
        before, host, port = cluster.network.worker_words(shard)
        token = cluster.place.data / "secrets" / "worker.token"
        words = (
            *(*before, PROGRAM, "worker", "--worker-command=/bin/false"),
            *("--scheduler-host", host, "--scheduler-port", str(port)),
            *("--token-file", str(token), "--data-dir", str(self.data)),
            *("--shard-id", shard, f"--heartbeat-period-sec={BEAT}"),
        )
        super().__init__(name, words, cluster.place, WORKER_ENDS)

    def tasks(self) -> list[str]:
        """Return the processes of its tasks that work in its data directory."""
        below, found = f"{self.data}/jobs/", []
        for one in alive_with(self._mark):
            with suppress(OSError):
                if os.readlink(f"/proc/{one.split()[0]}/cwd").startswith(below):
                    found.append(one)
        return found

    _mark = "oracle-task.sh"


class Cluster:
    """One config with much work, its scheduler, its workers and their network."""

    def __init__(
        self,
        place: Place,
        rng: random.Random,
        network: Network,
        *,
        shards: Sequence[str] = ("w1", "w2", "w3"),
        runner: str = "remote",
    ) -> None:
        self.place, self.rng, self.network = place, rng, network
        self.runner = runner
        mark = fresh_mark()
        self.oracle = Oracle(place.path, mark)
        self.config = place.write_config(self._config())
        port = free_port(mark)
        network.open(port, shards)
        before, flags = network.scheduler_words()
        words = (
            *(*before, PROGRAM, str(self.config), "--no-ui", "--exit-when-done"),
            *("--data-dir", str(place.data), "--server-port", str(port)),
            *("--runner", runner, *SCHEDULER_FLAGS, *flags),
        )
        self.scheduler = Program("scheduler", words, place, ENDS)
        self.workers = [Worker(f"worker-{one}", one, self) for one in shards]
        self.others: list[Worker] = []
        """Those that want a shard that another one has."""
        self.faults: list[str] = []
        """What was done to them, in order."""
        self.attempts = 0
        """How many the oracle has heard of, once all was judged."""
        self._began = time.monotonic()
        self._done: set[Task] = set()
        self._starts: dict[Task, int] = {}
        """How often each task had been started when it was first seen as done."""
        self._seen: list[tuple[float, dict[Task, int]]] = []

    def _config(self) -> dict[str, Any]:
        jobs = {
            f"bistro_job->{kind}": job_of(
                self.oracle.job(kind, seconds, counts=kind in COUNTING)
            )
            for kind, seconds in KINDS.items()
        }
        return {"bistro_settings": settings(nodes=NODES, at_once=AT_ONCE), **jobs}

    @property
    def programs(self) -> list[Program]:
        return [self.scheduler, *self._all_workers]

    @property
    def _all_workers(self) -> list[Worker]:
        return [*self.workers, *self.others]

    def start(self) -> None:
        """Start all, and wait until tasks run."""
        self.scheduler.start()
        token = self.place.data / "secrets" / "worker.token"
        wait_until(token.exists, "a token for workers")
        for worker in self.workers:
            worker.start()
        wait_until(self.oracle.records, "a first task")

    def note(self, fault: str) -> None:
        """Say what is done to them now."""
        print(f"{time.monotonic() - self._began:7.2f} {fault}", flush=True)

    def kill(self, pid: int, number: int = signal.SIGKILL) -> None:
        """Send a signal to what may have gone meanwhile."""
        with suppress(ProcessLookupError):
            os.kill(pid, number)

    def tend(self) -> None:
        """Start again what is wanted and has ended by itself."""
        for one in self.programs:
            if one.is_wanted and not one.is_running:
                one.start()

    def wait(self, seconds: float) -> None:
        """Let so much time go by, starting again what ends."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.tend()
            self.look()
            time.sleep(min(0.1, max(0.0, deadline - time.monotonic())))

    def wait_for_work(self) -> None:
        """Let time go by until a task starts, for which it may not take too long."""
        before = self._number_of_starts()
        deadline = time.monotonic() + TO_WORK
        while self._number_of_starts() == before:
            assert time.monotonic() < deadline, f"nothing starts in {TO_WORK} s"
            self.wait(0.1)

    def wait_until(self, condition: Callable[[], object], seconds: float) -> None:
        """Let time go by until this holds, at most so much."""
        deadline = time.monotonic() + seconds
        while not condition() and time.monotonic() < deadline:
            self.wait(0.02)

    def _number_of_starts(self) -> int:
        return sum(one.what == "start" for one in self.oracle.records())

    # The judge.

    @contextmanager
    def judged(self) -> Iterator[None]:
        """Go on to the end of all work after what is done inside, and judge it."""
        try:
            self.start()
            yield
            self.network.heal()
            self.oracle.enough.touch()
            self._to_the_end()
        except BaseException:
            print(*(one.tail() for one in self.programs if one.log.exists()), sep="\n")
            raise
        finally:
            self._clear_away()
        self._judge()

    def look(self) -> None:
        """Fail if a task overlaps, or something stored has been taken back."""
        rows = self._rows()
        boot = float(Path("/proc/uptime").read_text().split()[0])
        records = self.oracle.records()
        overlaps = [one for one in records if one.what == "overlap"]
        assert not overlaps, f"two copies at once: {overlaps}"
        done = {task for task, row in rows.items() if row.result == 1}
        assert self._done <= done, f"not done any more: {self._done - done}"
        starts = Counter(one.task for one in records if one.what == "start")
        for task in done - self._done:
            self._starts[task] = starts[task]
        self._done = done
        counts = {task: row.at for task, row in rows.items()}
        self._seen.append((boot, counts))

    def _rows(self) -> dict[Task, Row]:
        query = (
            "SELECT job_id, node_id, result, json_extract(data, '$.count')"
            " FROM task_statuses"
        )
        return {
            (job, node): Row(result, count or 0)
            for job, node, result, count in look(
                self.place.data / "statuses.sql3", query
            )
        }

    def _to_the_end(self) -> None:
        deadline = time.monotonic() + TO_THE_END * SCALE
        while self.scheduler.is_running or self.scheduler.process.returncode:
            assert time.monotonic() < deadline, f"not done: {self._missing()}"
            self._hurry()
            self.wait(0.2)
        for worker in self._all_workers:
            if worker.is_running:
                worker.terminate()
        assert self.oracle.alive() == []
        self.look()

    def _hurry(self) -> None:
        """Let the long tasks go on to their end."""
        for one in alive_with(f"{LONG:.3f}{self.oracle.mark}"):
            self.kill(int(one.split()[0]))

    def _missing(self) -> list[Task]:
        wanted = {(kind, f"n{i}") for kind in KINDS for i in range(NODES)}
        return sorted(wanted - self._done)

    def _clear_away(self) -> None:
        for one in self.programs:
            with suppress(AssertionError):
                one.signal(signal.SIGCONT)
                one.kill()
        for line in (*alive_with(str(self.place.path)), *self.oracle.alive()):
            with suppress(ProcessLookupError):
                os.kill(int(line.split()[0]), signal.SIGKILL)
        for data in (self.place.data, *(one.data for one in self._all_workers)):
            remove_memory_of(data)
        self.network.close()

    def _judge(self) -> None:
        """Fail unless all is done, each attempt once, and no count went back."""
        assert self._missing() == []
        records = self.oracle.records()
        starts = Counter(one.task for one in records if one.what == "start")
        again = {task for task, times in self._starts.items() if starts[task] > times}
        assert not again, f"started after they were stored as done: {again}"
        attempts = Counter(one.invocation for one in records if one.what == "start")
        twice = [name for name, times in attempts.items() if times > 1]
        assert not twice, f"one invocation started twice: {twice}"
        self._judge_counts()
        for one in self.programs:
            one.check_log()
        self.attempts = len(attempts)
        print(f"{len(self.faults)} faults, {self.attempts} attempts")

    def _judge_counts(self) -> None:
        """No task may count on from less than what had been seen in the store."""
        records = [one for one in self.oracle.records() if "count=" in one.what]
        for boot, counts in self._seen:
            # The clock of the records has hundredths.
            for one in records:
                if one.boot_seconds > boot + 0.02:
                    at = int(one.what.removeprefix("count=") or 0)
                    assert at >= counts.get(one.task, 0), f"{one} after {counts}"
