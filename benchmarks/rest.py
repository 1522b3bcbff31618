"""REST with 100,000 tasks loaded: questions a second, and the engine meanwhile.

    .venv/bin/python -m benchmarks.rest [--seconds S] [--connections N] [--rate R]

400 jobs on 10 hosts of 25 shards; the program runs headless, its tasks are fake. Small
questions come from another process over connections that are kept, first while one
task runs and all others wait, then while about 500 tasks a second start and end. How
late the engine's loop is comes from ``stats``, which looks back a minute: with fewer
``--seconds`` the start is in it. Then: how long the one-shot commands take from exec
to exit, and ``/healthz`` over new connections while 1,000 others drip their headers.
"""

import argparse
import http.client
import json
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.program import PROGRAM, Program, Shape
from benchmarks.rest_load import HOST

SHAPE = Shape(10, 25, 400)
ROUNDS = 7
"""Of each one-shot command, after one that loads it from the disk."""
HALF_OPEN = 1_000
DRIP_SEC = 1.0
HEALTH_SEC = 20.0
START_SEC = 60.0
FOREVER_MS, SHORT_MS = 1_000_000_000, 40
"""Of the fake tasks; 20 of the short ones run at a time."""


@contextmanager
def served(*, is_busy: bool) -> Iterator[tuple[Path, int, Program]]:
    """Give data directory and port of a program that has loaded everything."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        program = Program(
            directory,
            SHAPE.config(manual=False, instance_limit=None if is_busy else 1),
            f"--test-task-duration={SHORT_MS if is_busy else FOREVER_MS}",
            "--http-server-port=0",
        )
        try:
            data = directory / "data"
            yield data, _port(data / "run" / "http.port", program), program
        finally:
            if program.process.returncode is None:
                program.process.terminate()
                program.wait()


def _port(path: Path, program: Program) -> int:
    deadline = time.monotonic() + START_SEC
    while True:
        if path.exists() and program.serves.is_set():
            return int(path.read_text())
        if program.process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError("the program does not serve")
        time.sleep(0.01)


def question(port: int, handler: str) -> Any:
    """Return ``data`` of one handler."""
    connection = http.client.HTTPConnection(HOST, port, timeout=30)
    try:
        connection.request("POST", "/", json.dumps({"it": {"handler": handler}}))
        return json.loads(connection.getresponse().read())["it"]["data"]
    finally:
        connection.close()


def load(port: int, program: Program, chosen: argparse.Namespace) -> None:
    """Ask for a while and print how many were answered, and what it cost."""
    words = [sys.executable, "-m", "benchmarks.rest_load", str(port)]
    words += [f"--{key}={getattr(chosen, key)}" for key in _PASSED_ON]
    used = program.cpu_sec()
    printed = subprocess.run(words, stdout=subprocess.PIPE, check=True).stdout
    used = program.cpu_sec() - used
    found, stats = json.loads(printed), question(port, "stats")
    print(
        f"  {found['a_second']:7,.0f} questions/s  p50 {found['p50_ms']:5.1f} ms"
        f"  p99 {found['p99_ms']:5.1f}  max {found['max_ms']:5.0f}"
        f"  | loop late p99 {stats['loop_lag_p99_ms']:5.1f} ms"
        f"  starts/s {stats['starts_per_second']:4.0f}"
        f"  {found['a_second'] * chosen.seconds / used:,.0f} a processor second",
        flush=True,
    )
    for word, one in found["each"].items():
        print(f"    {word:<14} p50 {one['p50_ms']:5.1f} ms  p99 {one['p99_ms']:5.1f}")
    for said, number in found["wrong"].items():
        print(f"    {number} × {said}")


_PASSED_ON = ("connections", "seconds", "rate")


def one_shot(data: Path) -> None:
    """Print how long commands take that ask once."""
    for words in (["ps"], ["why", "job7", "host3s4"]):
        command = [PROGRAM, *words, "--data-dir", str(data)]
        took = []
        for _ in range(ROUNDS + 1):
            began = time.perf_counter()
            subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
            took.append(time.perf_counter() - began)
        print(
            f"  {words[0]:<4} {1000 * statistics.median(took[1:]):5.0f} ms", flush=True
        )


def half_open(port: int) -> None:
    """Print what ``/healthz`` takes while many connections never end their header."""
    over = threading.Event()
    dripping = threading.Thread(target=_drip, args=(port, over))
    dripping.start()
    took, wrong = [], 0
    try:
        time.sleep(2 * DRIP_SEC)
        deadline = time.monotonic() + HEALTH_SEC
        while time.monotonic() < deadline:
            began = time.perf_counter()
            connection = http.client.HTTPConnection(HOST, port, timeout=10)
            try:
                connection.request("GET", "/healthz")
                wrong += connection.getresponse().status != 200
            except (OSError, http.client.HTTPException):
                wrong += 1
            finally:
                connection.close()
            took.append(time.perf_counter() - began)
            time.sleep(0.01)
    finally:
        over.set()
        dripping.join()
    took.sort()
    late = question(port, "stats")["loop_lag_p99_ms"]
    print(
        f"  {len(took)} × /healthz  p50 {1000 * took[len(took) // 2]:.1f} ms"
        f"  p99 {1000 * took[len(took) * 99 // 100]:.1f}  max {1000 * took[-1]:.1f}"
        f"  {wrong} wrong  | loop late p99 {late:.1f} ms",
        flush=True,
    )


def _drip(port: int, over: threading.Event) -> None:
    """Hold so many connections, each with a byte more a second; replace the closed."""
    held: list[socket.socket] = []
    while not over.wait(DRIP_SEC):
        while len(held) < HALF_OPEN and not over.is_set():
            try:
                one = socket.create_connection((HOST, port), timeout=5)
                one.sendall(b"GET /healthz HTTP/1.1\r\nX-Drip: ")
            except OSError:
                break
            held.append(one)
        held = [one for one in held if _sends(one)]
    for one in held:
        one.close()


def _sends(one: socket.socket) -> bool:
    try:
        one.sendall(b"x")
    except OSError:
        one.close()
        return False
    return True


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="REST with many tasks loaded")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=65.0)
    parser.add_argument("--rate", type=float, default=0.0, help="0: as fast as it can")
    chosen = parser.parse_args()
    print(f"{SHAPE}, {SHAPE.tasks:,} tasks; one task runs")
    with served(is_busy=False) as (data, port, program):
        load(port, program, chosen)
        one_shot(data)
        half_open(port)
    print("tasks start and end")
    with served(is_busy=True) as (data, port, program):
        load(port, program, chosen)
        one_shot(data)


if __name__ == "__main__":
    main()
