"""What remote workers cost a scheduler: dispatch, heartbeats, a restart, memory.

    .venv/bin/python -m benchmarks.remote [--only dispatch idle restart real]
    .venv/bin/python -m benchmarks.remote --only dispatch --tasks 100000 --rounds 3

The scheduler is the whole program, headless, with durable statuses. But for ``real``,
200 workers are simulated in one process: links, protocol and leases are theirs, their
tasks end at once and are no processes. ``dispatch`` lets them run all tasks, and counts
the statuses on disk after it; its peer is the same scheduler with tasks that it
pretends to run itself, which stores nothing. ``idle`` has all of them beat at default
periods with nothing to do. ``restart`` kills a scheduler whose workers are busy, and
starts it again. ``real`` is two worker programs and /bin/true.

Rates compare within one run only; on a machine that others use, look at the ratios.
"""

import argparse
import json
import os
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

PROGRAM = str(Path(sys.executable).with_name("bistro-tui"))
WAIT_SEC = 600.0
SETTLE_SEC = 20.0
"""Longer than a heartbeat period: what a start brings is no idling."""
IDLE_SEC = 60.0
BUSY_SEC = 20.0
"""Of a task that a restart finds running."""

RATE = 1_500.0
IDLE_PERCENT = 5.0
BACK_SEC = 60.0
LATE_P99_MS = 50.0

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What is wanted, and what was found."""

    what: str
    found: float
    bound: float
    is_least: bool

    def __str__(self) -> str:
        is_met = self.found >= self.bound if self.is_least else self.found <= self.bound
        sign = ">=" if self.is_least else "<="
        return (
            f"{'ok' if is_met else 'MISSED':<7}{self.what:<44}{self.found:>10,.2f}"
            f"  {sign} {self.bound:,.2f}"
        )


class Process:
    """A program, what it prints being read as it comes."""

    def __init__(self, words: Sequence[str], log: Path) -> None:
        with log.open("ab") as stderr:
            self.process = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=stderr,
                # Nobody's secrets but those of this run.
                env={**os.environ, "XDG_STATE_HOME": str(log.parent / "state")},
            )
        self._log = log
        self.printed = ""
        """The last line."""
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.printed = line.decode()

    def until(self, holds: Callable[[], object]) -> None:
        """Wait for that; RuntimeError if the program ends before, or time is up."""
        deadline = time.perf_counter() + WAIT_SEC
        while not holds():
            code = self.process.poll()
            if code is not None or time.perf_counter() > deadline:
                text = self._log.read_text(errors="replace")[-2000:]
                raise RuntimeError(f"{self.process.args!r}: exit code {code}\n{text}")
            time.sleep(0.01)

    def cpu_sec(self) -> float:
        """Return the processor time that it has used."""
        stat = Path(f"/proc/{self.process.pid}/stat").read_text()
        fields = stat.rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def mib(self) -> float:
        """Return the most memory that it has used."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) / 1024

    def end(self, number: int = signal.SIGTERM) -> str:
        """Send a signal and return the last line once the program has ended."""
        if self.process.poll() is None:
            self.process.send_signal(number)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self._reader.join()
        return self.printed


class Stage:
    """A scheduler and its workers, in a place of their own."""

    def __init__(self, path: Path, resources: ExitStack) -> None:
        self._path, self._resources = path, resources
        self._config, self.data = path / "config.json", path / "data"
        self.port = 0

    def scheduler(self, *, watched: bool = False) -> Process:
        """Start it, on the port that it had before."""
        port_file = self.data / "run" / "worker.port"
        port_file.unlink(missing_ok=True)
        serving = ["--server-port", str(self.port)]
        if watched:
            words = [sys.executable, "-m", "benchmarks.launcher", "--lag", *serving]
            words += [str(self._config), str(self.data)]
        else:
            words = [PROGRAM, str(self._config), "--no-ui", *serving]
            words += ["--data-dir", str(self.data)]
        started = self._started(words, "scheduler.log")
        started.until(lambda: port_file.exists() and port_file.read_text().strip())
        self.port = int(port_file.read_text())
        return started

    @property
    def _token(self) -> str:
        return str(self.data / "secrets" / "worker.token")

    def simulated(self, number: int, *, task_sec: float = 0.0) -> "Workers":
        """Start so many workers, and wait until each may have tasks."""
        words = [sys.executable, "-m", "benchmarks.simulated_workers"]
        words += [str(self.port), self._token, "--workers", str(number)]
        words += ["--task-sec", str(task_sec)]
        workers = Workers(self._started(words, "workers.log"))
        workers.process.until(lambda: workers.told("healthy") == number)
        return workers

    def real(self, number: int) -> list[Process]:
        """Start so many worker programs."""
        return [
            self._started(
                [
                    *(PROGRAM, "worker", "--scheduler-host", "127.0.0.1"),
                    *("--scheduler-port", str(self.port)),
                    *("--token-file", self._token, "--shard-id", f"w{n}"),
                    *("--worker-command", "/bin/true"),
                    *("--data-dir", str(self._path / f"worker{n}")),
                ],
                f"worker{n}.log",
            )
            for n in range(number)
        ]

    def _started(self, words: Sequence[str], log: str) -> Process:
        process = Process(words, self._path / log)
        self._resources.callback(process.end, signal.SIGKILL)
        return process

    def configure(self, tasks: int, *, slots: int, enabled: bool) -> None:
        """Write the config; the scheduler sees it by itself."""
        nodes = {"parent_level": "instance", "start": 1, "end": tasks}
        config = {
            "bistro_settings": {
                "enabled": enabled,
                "nodes": {
                    "levels": ["node"],
                    "node_sources": [
                        {"source": "range_label", "prefs": {**nodes, "format": "n{i}"}}
                    ],
                },
                "resources": {"worker": {"slots": {"limit": slots, "default": 1}}},
            },
            "bistro_job->bench": {
                "owner": "bench",
                "enabled": True,
                "command": ["/bin/true"],
                "status_from": "exit_code",
            },
        }
        fresh = self._config.with_suffix(".new")
        fresh.write_text(json.dumps(config))
        fresh.replace(self._config)

    def stored(self) -> int:
        """Return how many tasks are done on disk."""
        query = (
            "SELECT count(DISTINCT node_id) FROM task_statuses"
            " WHERE job_id = 'bench' AND result = 1"
        )
        with closing(sqlite3.connect(self.data / "statuses.sql3")) as connection:
            return int(connection.execute(query).fetchone()[0])


class Workers:
    """The simulated ones."""

    def __init__(self, process: Process) -> None:
        self.process = process

    def told(self, what: str) -> float:
        """Return what their process said last; 0 before it has."""
        line = self.process.printed
        found: float = json.loads(line)[what] if line else 0
        return found


@contextmanager
def stage() -> Iterator[Stage]:
    """Give a new place, and end all that runs there."""
    with ExitStack() as resources:
        path = Path(resources.enter_context(tempfile.TemporaryDirectory()))
        yield Stage(path, resources)


def dispatch(asked: argparse.Namespace) -> list[Target]:
    """Measure how fast tasks that take no time are dispatched."""
    rates, peers, lags = [], [], []
    for _ in range(asked.rounds):
        peers.append(_pretended(asked.tasks))
        rate, late = _dispatched(asked)
        rates.append(rate)
        lags.append(late)
    rate, late = statistics.median(rates), statistics.median(lags)
    return [
        Target(what="dispatch, tasks/s", found=rate, bound=RATE, is_least=True),
        Target(
            what="loop late by its own work, p99 ms",
            found=late,
            bound=LATE_P99_MS,
            is_least=False,
        ),
    ]


def _dispatched(asked: argparse.Namespace) -> tuple[float, float]:
    with stage() as here:
        here.configure(asked.tasks, slots=asked.slots, enabled=False)
        scheduler = here.scheduler(watched=True)
        workers = here.simulated(asked.workers)
        before = scheduler.cpu_sec(), workers.process.cpu_sec()
        here.configure(asked.tasks, slots=asked.slots, enabled=True)
        workers.process.until(lambda: workers.told("delivered") >= asked.tasks)
        first = workers.told("first_start")
        took = time.perf_counter() - first
        used = [
            1000 * (now - then) / asked.tasks
            for now, then in zip(
                (scheduler.cpu_sec(), workers.process.cpu_sec()), before, strict=True
            )
        ]
        mib = scheduler.mib(), workers.process.mib()
        summary = json.loads(scheduler.end())
        stored = here.stored()
        if stored != asked.tasks:
            raise RuntimeError(f"{stored} statuses on disk, not {asked.tasks}")
    late, busy = (
        _quantiles(
            [
                one
                for one, at in zip(summary[name], summary["at"], strict=True)
                if first <= at <= first + took
            ]
        )
        for name in ("late", "busy")
    )
    print(
        f"  {asked.workers} workers, {asked.tasks:,} tasks:"
        f" {asked.tasks / took:,.0f} tasks/s;"
        f" ms a task: scheduler {used[0]:.3f}, all workers {used[1]:.3f};"
        f" MiB: scheduler {mib[0]:.0f}, all workers {mib[1]:.0f};"
        f" loop late ms: median {late[0]:.1f}, p99 {late[1]:.1f}, most {late[2]:.1f};"
        f" by its own work p99 {busy[1]:.1f}, most {busy[2]:.1f}",
        flush=True,
    )
    return asked.tasks / took, busy[1]


def _quantiles(seconds: Sequence[float]) -> tuple[float, float, float]:
    """Return median, p99 and the most in ms."""
    found = sorted(seconds)
    median, p99, most = (
        1000 * found[min(len(found) - 1, int(q * len(found)))] for q in (0.5, 0.99, 1.0)
    )
    return median, p99, most


def _pretended(tasks: int) -> float:
    with stage() as here:
        here.configure(tasks, slots=1_600, enabled=True)
        words = [PROGRAM, str(here.data.parent / "config.json"), "--no-ui", "--json"]
        words += ["--benchmark-run", "--test-task-duration=0", "--exit-when-done"]
        words += ["--data-dir", str(here.data)]
        with (here.data.parent / "log").open("wb") as log:
            printed = subprocess.run(
                words, stdout=subprocess.PIPE, stderr=log, check=True, timeout=WAIT_SEC
            ).stdout
    rate: float = json.loads(printed)["tasks_per_second"]
    print(f"  pretended by the scheduler itself: {rate:,.0f} tasks/s", flush=True)
    return rate


def idle(asked: argparse.Namespace) -> list[Target]:
    """Measure what heartbeats and health checks cost."""
    with stage() as here:
        here.configure(asked.tasks, slots=asked.slots, enabled=False)
        scheduler = here.scheduler()
        workers = here.simulated(asked.workers)
        time.sleep(SETTLE_SEC)
        before = scheduler.cpu_sec(), workers.process.cpu_sec()
        time.sleep(IDLE_SEC)
        after = scheduler.cpu_sec(), workers.process.cpu_sec()
        shares = [
            100 * (now - then) / IDLE_SEC
            for now, then in zip(after, before, strict=True)
        ]
        print(
            f"  {asked.workers} workers idle, % of a core:"
            f" scheduler {shares[0]:.2f}, all workers {shares[1]:.2f};"
            f" MiB: scheduler {scheduler.mib():.0f},"
            f" all workers {workers.process.mib():.0f}",
            flush=True,
        )
    return [
        Target(
            what="scheduler with idle workers, % of a core",
            found=shares[0],
            bound=IDLE_PERCENT,
            is_least=False,
        )
    ]


def restart(asked: argparse.Namespace) -> list[Target]:
    """Measure how soon tasks start after a scheduler was killed and is back."""
    with stage() as here:
        here.configure(asked.tasks, slots=asked.slots, enabled=True)
        first = here.scheduler()
        workers = here.simulated(asked.workers, task_sec=BUSY_SEC)
        everywhere = asked.workers * asked.slots
        workers.process.until(lambda: workers.told("started") >= everywhere)
        # By then each has heard, with a heartbeat, which others there are. Before, the
        # next scheduler could not tell whether some are missing.
        time.sleep(SETTLE_SEC)
        first.end(signal.SIGKILL)
        time.sleep(asked.down_sec)
        began = time.perf_counter()
        here.scheduler()
        serves = time.perf_counter() - began
        workers.process.until(lambda: workers.told("last_start") > began)
        starts = workers.told("last_start") - began
        workers.process.until(lambda: workers.told("healthy") == asked.workers)
        back = time.perf_counter() - began
    print(
        f"  killed with {everywhere:,} tasks running, down for {asked.down_sec:g} s;"
        f" seconds from its start until it serves {serves:.1f},"
        f" a task starts {starts:.1f}, all {asked.workers} workers are healthy"
        f" {back:.1f}",
        flush=True,
    )
    return [
        Target(
            what="tasks start after a restart, s",
            found=max(starts, back),
            bound=BACK_SEC,
            is_least=False,
        )
    ]


def real(asked: argparse.Namespace) -> list[Target]:
    """Measure two worker programs."""
    tasks = asked.real_tasks
    with stage() as here:
        here.configure(tasks, slots=4, enabled=False)
        scheduler = here.scheduler()
        real_workers = here.real(2)
        log = here.data.parent
        for n, worker in enumerate(real_workers):
            said = log / f"worker{n}.log"
            worker.until(lambda: "became healthy" in said.read_text())  # noqa: B023 - called at once
        everybody = (scheduler, *real_workers)
        before = [one.cpu_sec() for one in everybody]
        here.configure(tasks, slots=4, enabled=True)
        scheduler.until(lambda: here.stored() > 0)
        began, there = time.perf_counter(), here.stored()
        scheduler.until(lambda: here.stored() >= tasks)
        rate = (tasks - there) / (time.perf_counter() - began)
        used = [
            1000 * (one.cpu_sec() - then) / tasks
            for one, then in zip(everybody, before, strict=True)
        ]
        for worker in real_workers:
            worker.end()
    words = ", ".join(f"{ms:.2f}" for ms in used)
    print(
        f"  2 worker programs, {tasks:,} times /bin/true: {rate:,.0f} tasks/s;"
        f" ms a task: scheduler and workers themselves {words}",
        flush=True,
    )
    return []


PARTS = {"dispatch": dispatch, "idle": idle, "restart": restart, "real": real}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="remote workers, mostly simulated")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--workers", type=int, default=200)
    parser.add_argument("--tasks", type=int, default=100_000)
    parser.add_argument("--slots", type=int, default=8, help="of each worker")
    parser.add_argument("--rounds", type=int, default=3, help="of dispatch")
    parser.add_argument("--down-sec", type=float, default=5.0)
    parser.add_argument("--real-tasks", type=int, default=4_000)
    asked = parser.parse_args()
    found: list[Target] = []
    for name in asked.only:
        print(name, flush=True)
        found += PARTS[name](asked)
    print("\ntargets")
    for one in found:
        print(one)


if __name__ == "__main__":
    main()
