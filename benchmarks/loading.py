"""How long a start takes with very many statuses, and what it keeps in memory.

    .venv/bin/python -m benchmarks.loading [ROWS ...]

A store with that many rows is made: 100 jobs, two thirds of the tasks done, one third
in backoff or over it, one task never run. Then the store alone is opened and loaded,
beside a 5 ms sleep that says how late the loop wakes; and the whole program is run as a
process, until the task that never ran has begun.
"""

import argparse
import asyncio
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from multiprocessing import get_context
from pathlib import Path

from bistro_tui.engine.ids import JobName, NodeName, TaskId
from bistro_tui.engine.statuses.bits import DONE, ERROR_BACKOFF
from bistro_tui.engine.statuses.status import TaskStatus
from bistro_tui.engine.statuses.store import StatusStore

PROGRAM = str(Path(sys.executable).with_name("bistro-tui"))
JOBS = 100
LAG_SEC = 0.005
LONGEST_SEC = 120.0
_TABLE = "task_statuses"


async def fill(path: Path, rows: int) -> None:
    """Make a store with ``rows`` statuses."""
    now = time.time()
    store = await StatusStore.open(path, _TABLE)
    for job in range(JOBS):
        await store.save([_row(job, node, now) for node in range(rows // JOBS)])
    await store.close()


def _row(job: int, node: int, now: float) -> tuple[TaskId, TaskStatus]:
    task = TaskId(JobName(f"job{job:03}"), NodeName(f"host1s{node + 1}"))
    if node % 3:
        return task, TaskStatus(bits=DONE, time=now - node)
    data = {"exception": f"exited with status {node % 50}"}
    error = TaskStatus(bits=ERROR_BACKOFF, time=now - 30, backoff_sec=86_400, data=data)
    return task, error


async def load(path: Path) -> None:
    """Print what opening and loading the store takes."""
    late: list[float] = []

    async def probe() -> None:
        while True:
            began = time.perf_counter()
            await asyncio.sleep(LAG_SEC)
            late.append(time.perf_counter() - began - LAG_SEC)

    probing = asyncio.ensure_future(probe())
    began = time.perf_counter()
    store = await StatusStore.open(path, _TABLE)
    opened = time.perf_counter()
    known = await store.load()
    loaded = time.perf_counter()
    probing.cancel()
    await store.close()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{len(known):>10,} rows  open {opened - began:5.2f} s"
        f"  load {loaded - opened:5.2f} s  loop late by at most"
        f" {1000 * max(late, default=0):4.0f} ms  peak {peak:4.0f} MiB",
        flush=True,
    )


def _load(path: Path) -> None:
    asyncio.run(load(path))


def start(directory: Path, rows: int) -> None:
    """Print how long the program takes from exec to the first task that has begun."""
    began_file = directory / "began"
    nodes = {"source": "range_label", "prefs": {}}
    prefs = {"parent_level": "host", "start": 1, "end": rows // JOBS}
    nodes["prefs"] = {**prefs, "format": "{parent}s{i}"}
    hosts = {"source": "manual", "prefs": {"host1": []}}
    job = {"owner": "bench", "enabled": True, "command": ["/bin/true"]}
    new = {**job, "level_for_tasks": "host"}
    new["command"] = ["/bin/sh", "-c", f"echo > {began_file}; exec sleep 60"]
    config = {
        "bistro_settings": {
            "enabled": True,
            "nodes": {"levels": ["host", "shard"], "node_sources": [hosts, nodes]},
            "resources": {"instance": {"slots": {"limit": 1, "default": 1}}},
        },
        **{f"bistro_job->job{one:03}": job for one in range(JOBS)},
        "bistro_job->new": new,
    }
    (directory / "config.json").write_text(json.dumps(config))
    words = [PROGRAM, str(directory / "config.json"), "--no-ui"]
    began = time.perf_counter()
    program = subprocess.Popen(
        [*words, "--data-dir", str(directory)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while not began_file.exists() and program.poll() is None:
        if time.perf_counter() - began > LONGEST_SEC:
            break
        time.sleep(0.002)
    took = time.perf_counter() - began
    status = Path(f"/proc/{program.pid}/status").read_text()
    rss = int(status.partition("VmRSS:")[2].split()[0]) / 1024
    program.send_signal(signal.SIGTERM)
    program.wait()
    assert began_file.exists(), "no task has begun"
    print(f"{rows:>10,} rows  first task began after {took:5.2f} s  {rss:4.0f} MiB")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="a start with very many statuses")
    parser.add_argument("rows", nargs="*", type=int, default=[10_000, 1_000_000])
    for rows in parser.parse_args().rows:
        with tempfile.TemporaryDirectory() as name:
            directory = Path(name)
            os.chmod(directory, 0o700)
            path = directory / "statuses.sql3"
            asyncio.run(fill(path, rows))
            loading = get_context("spawn").Process(target=_load, args=(path,))
            loading.start()
            loading.join()
            start(directory, rows)


if __name__ == "__main__":
    main()
