"""A scheduler and its workers as real programs, with work that is judged from outside.

A supervisor starts again what has ended, as systemd does.
"""

import os
import random
import signal
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
from tests.faults.remote.mutants import words_of
from tests.faults.remote.network import Network, free_port
from tests.faults.remote.programs import ENDS, Program, Worker, session_of
from tests.faults.remote.times import SCALED, Times
from tests.faults.seeds import SCALE
from tests.faults.watching import alive_with, wait_until

NODES = 2
"""For each worker."""
AT_ONCE = 6
"""The same."""
KINDS = ("quick", "sleep", "fail", "daemon", "stubborn", "count")
SECONDS = {"fail": 0.3, "daemon": 1.0, "stubborn": 1.5, "count": 0.3}
"""For how many they work; those that sleep do for long."""
COUNTING = ("sleep", "daemon", "stubborn", "count")
"""Those that do it again and again."""


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
        times: Times = SCALED,
        mutant: str = "",
    ) -> None:
        self.place, self.rng, self.network = place, rng, network
        self.times = times
        self._nodes = NODES * len(shards)
        self._at_once = AT_ONCE * len(shards)
        self._program = words_of(mutant) if mutant else (PROGRAM,)
        self.runner = runner
        mark = fresh_mark()
        self.oracle = Oracle(place.path, mark)
        self.config = place.write_config(self._config())
        port = free_port(mark)
        network.open(port, shards)
        before, flags = network.scheduler_words()
        words = (
            *(*before, *self._program, str(self.config)),
            *("--no-ui", "--exit-when-done", "--data-dir", str(place.data)),
            *("--server-port", str(port), "--runner", runner),
            *(*times.scheduler_flags(), *flags),
        )
        self.scheduler = Program(
            "scheduler", words, place, ends=ENDS, to_a_stop=times.to_a_stop
        )
        self.workers = [self.worker(f"worker-{one}", one) for one in shards]
        self.others: list[Worker] = []
        """Those that want a shard that another one has."""
        self.faults: list[str] = []
        """What was done to them, in order."""
        self.longest_wait = 0.0
        """Seconds in which no task started, at most, when one was waited for."""
        self.attempts = 0
        """How many the oracle has heard of, once all was judged."""
        self._began = time.monotonic()
        self._done: set[Task] = set()
        self._starts: dict[Task, int] = {}
        """How often each task had been started when it was first seen as done."""
        self._seen: list[tuple[float, dict[Task, int]]] = []

    def worker(self, name: str, shard: str) -> Worker:
        """Return one that was not started yet."""
        before, host, port = self.network.worker_words(shard)
        token = self.place.data / "secrets" / "worker.token"
        words = (
            *(*before, *self._program, "worker", "--worker-command=/bin/false"),
            *("--scheduler-host", host, "--scheduler-port", str(port)),
            *("--token-file", str(token), *self.times.worker_flags()),
        )
        stop = self.times.to_a_stop
        return Worker(name, shard, words, self.place, to_a_stop=stop)

    def _config(self) -> dict[str, Any]:
        jobs = {
            f"bistro_job->{kind}": job_of(
                self.oracle.job(kind, seconds, counts=kind in COUNTING)
            )
            for kind, seconds in self._seconds.items()
        }
        limits = settings(nodes=self._nodes, at_once=self._at_once)
        return {"bistro_settings": limits, **jobs}

    @property
    def _seconds(self) -> dict[str, float]:
        """How long the tasks of each kind work."""
        seconds = {**SECONDS, "sleep": self.times.long}
        return {kind: seconds.get(kind, 0.0) for kind in KINDS}

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
        wait_until(token.exists, "a token for workers", self.times.to_work)
        for worker in self.workers:
            worker.start()
        wait_until(self.oracle.records, "a first task", self.times.to_work)

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
        before = self.number_of_starts()
        began, seconds = time.monotonic(), self.times.to_work
        while self.number_of_starts() == before:
            waited = time.monotonic() - began
            assert waited < seconds, f"nothing starts in {seconds} s"
            self.longest_wait = max(waited, self.longest_wait)
            self.wait(0.1)

    def wait_until(self, condition: Callable[[], object], seconds: float) -> None:
        """Let time go by until this holds, at most so much."""
        deadline = time.monotonic() + seconds
        while not condition() and time.monotonic() < deadline:
            self.wait(0.02)

    def number_of_starts(self) -> int:
        return sum(one.what == "start" for one in self.oracle.records())

    def long_tasks(self, worker: Worker) -> set[str]:
        """Return the sessions of its tasks that sleep for long."""
        return worker.sessions() & {*map(session_of, self._sleepers())}

    def _sleepers(self) -> list[str]:
        return alive_with(f"{self.times.long:.3f}{self.oracle.mark}")

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
        if not self._seen or self._seen[-1][1] != counts:
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
        deadline = time.monotonic() + self.times.to_the_end * SCALE
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
        for one in self._sleepers():
            self.kill(int(one.split()[0]))

    def _missing(self) -> list[Task]:
        wanted = {(kind, f"n{i}") for kind in KINDS for i in range(self._nodes)}
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
        print(
            f"{len(self.faults)} faults, {self.attempts} attempts,"
            f" {self.longest_wait:.0f} s at most until a start"
        )

    def _judge_counts(self) -> None:
        """No task may count on from less than what had been seen in the store."""
        records = [one for one in self.oracle.records() if "count=" in one.what]
        for boot, counts in self._seen:
            # The clock of the records has hundredths.
            for one in records:
                if one.boot_seconds > boot + 0.02:
                    at = int(one.what.removeprefix("count=") or 0)
                    assert at >= counts.get(one.task, 0), f"{one} after {counts}"
