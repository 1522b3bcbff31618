"""What the whole program does with tasks that take no time: speed, start, memory, idle.

    .venv/bin/python -m benchmarks.program [HOSTSxSHARDSxJOBS ...]
    .venv/bin/python -m benchmarks.program --start 40000x25x1
    .venv/bin/python -m benchmarks.program --idle 40000x25x1
    .venv/bin/python -m benchmarks.program --lag 12000x25x1

Bistro's own shape: each host has room for two tasks, each shard for one. The program
runs headless, as ``--benchmark-run --test-task-duration 0 --exit-when-done --json``;
its log lines are read and thrown away. With ``--start`` one task runs at a time; with
``--idle`` one runs without an end and all others wait. ``--lag`` runs the engine in
this process, beside a 5 ms sleep that says how late it wakes.
"""

import argparse
import asyncio
import json
import logging
import os
import random
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from bistro_tui.cli.collecting import loading
from bistro_tui.engine.clock import SystemClock
from bistro_tui.engine.engine import Engine
from bistro_tui.engine.ids import NodeName
from bistro_tui.engine.options import EngineOptions

PROGRAM = str(Path(sys.executable).with_name("bistro-tui"))
DEFAULT_SHAPES = ("400x25x1", "400x25x30", "12000x25x1")
IDLE_SEC = 10.0
LAG_SEC = 0.005


@dataclass(frozen=True, slots=True)
class Shape:
    """How much there is to do."""

    hosts: int
    shards: int
    jobs: int

    @classmethod
    def parse(cls, text: str) -> "Shape":
        """Return what ``12000x25x1`` means."""
        hosts, shards, jobs = map(int, text.split("x"))
        return cls(hosts, shards, jobs)

    @property
    def tasks(self) -> int:
        """All of them."""
        return self.hosts * self.shards * self.jobs

    def __str__(self) -> str:
        return f"{self.hosts} × {self.shards} × {self.jobs}"

    def config(self, *, manual: bool, instance_limit: int | None = None) -> str:
        """Return the config; ``instance_limit`` tasks at most run in all."""
        resources = {
            "host": {"host_slots": {"limit": 2, "default": 1}},
            "shard": {"shard_slots": {"limit": 1, "default": 1}},
        }
        if instance_limit is not None:
            resources["instance"] = {"slots": {"limit": instance_limit, "default": 1}}
        written = {"node_source": "manual", "node_source_prefs": self._names()}
        ranges = {
            "node_sources": [
                _range("instance", "host{i}", self.hosts),
                _range("host", "{parent}s{i}", self.shards),
            ]
        }
        return json.dumps(
            {
                "bistro_settings": {
                    "enabled": True,
                    "nodes": {
                        "levels": ["host", "shard"],
                        **(written if manual else ranges),
                    },
                    "resources": resources,
                },
                **{
                    f"bistro_job->job{j}": {"owner": "bench", "enabled": True}
                    for j in range(self.jobs)
                },
            }
        )

    def _names(self) -> dict[str, list[str]]:
        return {
            f"host{h}": [f"host{h}s{s}" for s in range(self.shards)]
            for h in range(self.hosts)
        }


def _range(parent_level: str, form: str, number: int) -> dict[str, object]:
    prefs = {"parent_level": parent_level, "start": 1, "end": number, "format": form}
    return {"source": "range_label", "prefs": prefs}


class Program:
    """The running program, its log lines read as they come."""

    def __init__(self, directory: Path, config: str, *flags: str) -> None:
        (directory / "config.json").write_text(config)
        self._began = time.perf_counter()
        self.process = subprocess.Popen(
            [
                PROGRAM,
                str(directory / "config.json"),
                "--no-ui",
                "--benchmark-run",
                "--data-dir",
                str(directory / "data"),
                *flags,
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.first_task: float | None = None
        """Seconds from exec to the first task that has ended."""
        self.serves = threading.Event()
        """It has loaded everything."""
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        self.used_sec = 0.0
        """Processor time, once it has ended."""

    def _read(self) -> None:
        assert self.process.stderr is not None
        descriptor, seen = self.process.stderr.fileno(), b""
        while chunk := os.read(descriptor, 1 << 20):
            if self.first_task is None:
                seen += chunk
                if b" serves " in seen:
                    self.serves.set()
                if b" quit with status " in seen:
                    self.first_task = time.perf_counter() - self._began

    def wait(self) -> tuple[bytes, float]:
        """Return what it printed and its peak memory in MiB."""
        assert self.process.stdout is not None
        printed = self.process.stdout.read()
        _, status, used = os.wait4(self.process.pid, 0)
        self.process.returncode = os.waitstatus_to_exitcode(status)
        self._reader.join()
        self.used_sec = used.ru_utime + used.ru_stime
        return printed, used.ru_maxrss / 1024

    def cpu_sec(self) -> float:
        """Return the processor time that it has used."""
        stat = Path(f"/proc/{self.process.pid}/stat").read_text()
        fields = stat.rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def rss_mib(self) -> float:
        """Return the memory that it uses now."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def speed(shape: Shape, rounds: int, *, manual: bool) -> None:
    """Run everything to its end and print the rate."""
    rates, starts, peaks, walls, used = [], [], [], [], []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as directory:
            began = time.perf_counter()
            program = Program(
                Path(directory),
                shape.config(manual=manual),
                "--test-task-duration=0",
                "--exit-when-done",
                "--json",
            )
            printed, peak = program.wait()
            walls.append(time.perf_counter() - began)
        summary = json.loads(printed)
        assert summary["done"] == shape.tasks, summary
        assert program.first_task is not None
        rates.append(summary["tasks_per_second"])
        starts.append(program.first_task)
        peaks.append(peak)
        used.append(program.used_sec)
    rate, first = statistics.median(rates), statistics.median(starts)
    wall = statistics.median(walls)
    after_start = shape.tasks / max(wall - first, 1e-9)
    print(
        f"{shape!s:>18}  {shape.tasks:>9,} tasks  {rate:>8,.0f} tasks/s"
        f"  {after_start:>8,.0f} after the start"
        f"  {shape.tasks / statistics.median(used):>8,.0f} a processor second"
        f"  first task {first:5.2f} s  whole run {wall:6.2f} s"
        f"  peak {max(peaks):4.0f} MiB",
        flush=True,
    )


def start(shape: Shape, *, manual: bool) -> None:
    """Print how long it takes until the first task has ended."""
    with tempfile.TemporaryDirectory() as directory:
        program = Program(
            Path(directory),
            shape.config(manual=manual, instance_limit=1),
            "--test-task-duration=0",
        )
        while program.first_task is None and program.process.poll() is None:
            time.sleep(0.001)
        rss = program.rss_mib()
        program.process.send_signal(signal.SIGTERM)
        program.wait()
    print(f"{shape!s:>18}  first task {program.first_task:5.2f} s  {rss:5.0f} MiB")


def idle(shape: Shape, *, manual: bool) -> None:
    """Print what waiting costs when one task runs and no other can."""
    with tempfile.TemporaryDirectory() as directory:
        program = Program(
            Path(directory),
            shape.config(manual=manual, instance_limit=1),
            "--test-task-duration=1000000000",
        )
        program.serves.wait(120)
        time.sleep(2)  # what is done once after the start is no idling
        before = program.cpu_sec()
        time.sleep(IDLE_SEC)
        used = program.cpu_sec() - before
        rss = program.rss_mib()
        program.process.send_signal(signal.SIGTERM)
        program.wait()
    print(
        f"{shape!s:>18}  idle {100 * used / IDLE_SEC:5.2f} % of a core  {rss:5.0f} MiB"
    )


def lag(shape: Shape, *, manual: bool) -> None:
    """Print how late a timer of the engine's loop fires while tasks end flat out."""
    log = logging.getLogger("bistro_tui")
    log.setLevel(logging.INFO)
    log.propagate = False
    log.addHandler(logging.NullHandler())
    late = sorted(asyncio.run(_lag(shape, manual)))
    print(
        f"{shape!s:>18}  loop lag ms: median {1000 * late[len(late) // 2]:.1f}"
        f"  p99 {1000 * late[len(late) * 99 // 100]:.1f}  max {1000 * late[-1]:.1f}"
        f"  ({len(late)} probes,"
        f" {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB)"
    )


async def _lag(shape: Shape, manual: bool) -> list[float]:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "config.json"
        path.write_text(shape.config(manual=manual))
        options = EngineOptions(
            config_path=path,
            data_dir=Path(directory) / "data",
            benchmark_run=True,
            test_task_duration_ms=0,
            exit_when_done=True,
        )
        engine = Engine(
            options, instance=NodeName("here"), clock=SystemClock(), rng=random.Random()
        )
        with loading():
            await engine.open()
        running = asyncio.ensure_future(engine.run())
        late = []
        while not running.done():
            began = time.perf_counter()
            await asyncio.sleep(LAG_SEC)
            late.append(time.perf_counter() - began - LAG_SEC)
        await running
        return late


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="the whole program, fake tasks")
    parser.add_argument("shapes", nargs="*", type=Shape.parse)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--manual", action="store_true", help="the config names each node"
    )
    for name in ("start", "idle", "lag"):
        parser.add_argument(f"--{name}", action="store_true")
    chosen = parser.parse_args()
    for shape in chosen.shapes or map(Shape.parse, DEFAULT_SHAPES):
        if chosen.start:
            start(shape, manual=chosen.manual)
        elif chosen.idle:
            idle(shape, manual=chosen.manual)
        elif chosen.lag:
            lag(shape, manual=chosen.manual)
        else:
            speed(shape, chosen.rounds, manual=chosen.manual)


if __name__ == "__main__":
    main()
