"""The program, in a process that holds much memory or says how late its loop wakes.

    python -m benchmarks.launcher [--ballast-gb GB] ARGUMENT ...
    python -m benchmarks.launcher --lag [--server-port PORT] CONFIG DATA_DIR

The first is ``bistro-tui ARGUMENT ...`` in this very process, with so much memory held
and touched. The second runs the headless engine to its end, beside a sleep of 5 ms on
the same loop, and prints one JSON document: the summary, and ``late``, the seconds by
which each sleep was too long, with ``busy``, how much of that at most the thread worked
for itself, and ``at``, when it began. With a port tasks run on workers, until SIGTERM.
"""

import argparse
import asyncio
import json
import mmap
import random
import socket
import time
from pathlib import Path

from bistro_tui.cli.headless import serve_headless
from bistro_tui.cli.main import main as bistro_main
from bistro_tui.cli.notify import ServiceManager
from bistro_tui.engine.clock import SystemClock
from bistro_tui.engine.engine import Engine
from bistro_tui.engine.ids import NodeName
from bistro_tui.engine.options import EngineOptions
from bistro_tui.engine.outcome import Outcome

SLEEP_SEC = 0.005
CHUNK = 2**20


class WatchedEngine(Engine):
    """An engine that notes how late its loop wakes while it serves."""

    def __init__(self, options: EngineOptions) -> None:
        super().__init__(
            options,
            instance=NodeName(socket.gethostname()),
            clock=SystemClock(),
            rng=random.Random(),
        )
        self.late: list[float] = []
        self.at: list[float] = []
        self.busy: list[float] = []
        """No more than each of ``late``: what is left out is other programs'."""

    async def run(self) -> Outcome:
        """Serve, and look at the clock after each short sleep."""
        watching = asyncio.ensure_future(self._watch())
        try:
            return await super().run()
        finally:
            watching.cancel()

    async def _watch(self) -> None:
        while True:
            began, used = time.perf_counter(), time.thread_time()
            await asyncio.sleep(SLEEP_SEC)
            late = time.perf_counter() - began - SLEEP_SEC
            self.at.append(began)
            self.late.append(late)
            self.busy.append(min(late, time.thread_time() - used))


def run_watched(config: Path, data_dir: Path, server_port: int | None) -> None:
    """Run ``config`` to its end and print what came of it.

    That is when nothing is left to do; with ``server_port`` it waits for SIGTERM.
    """
    engine = WatchedEngine(
        EngineOptions(
            config_path=config,
            data_dir=data_dir,
            exit_when_done=server_port is None,
            server_port=server_port,
        )
    )
    nobody = ServiceManager()
    outcome = serve_headless(engine, log_format="text", manager=nobody).outcome
    assert outcome is not None
    told = {"at": engine.at, "late": engine.late, "busy": engine.busy}
    print(json.dumps({**outcome.as_json(), **told}))


def hold(size: int) -> mmap.mmap:
    """Return that much memory, all of it written to, in small pages."""
    held = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    # As the heap of a program that runs for long: huge pages would flatter fork.
    held.madvise(mmap.MADV_NOHUGEPAGE)
    for _ in range(size // CHUNK):
        held.write(b"\1" * CHUNK)
    return held


def main() -> None:
    """Run the program as asked for."""
    parser = argparse.ArgumentParser(description="the program in a special process")
    parser.add_argument("--ballast-gb", type=float, default=0.0)
    parser.add_argument("--lag", action="store_true")
    parser.add_argument("--server-port", type=int)
    parser.add_argument("arguments", nargs=argparse.REMAINDER)
    asked = parser.parse_args()
    ballast = hold(int(asked.ballast_gb * 2**30)) if asked.ballast_gb else None
    if asked.lag:
        config, data_dir = map(Path, asked.arguments)
        run_watched(config, data_dir, asked.server_port)
    else:
        bistro_main(asked.arguments)
    del ballast


if __name__ == "__main__":
    main()
