"""The program, in a process that holds much memory or says how late its loop wakes.

    python -m benchmarks.launcher [--ballast-gb GB] ARGUMENT ...
    python -m benchmarks.launcher --lag CONFIG DATA_DIR

The first is ``bistro-tui ARGUMENT ...`` in this very process, with so much memory held
and touched. The second runs the headless engine to its end, beside a sleep of 5 ms on
the same loop, and prints one JSON document: the summary, and ``late``, the seconds by
which each sleep was too long.
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

    async def run(self) -> Outcome:
        """Serve, and look at the clock after each short sleep."""
        watching = asyncio.ensure_future(self._watch())
        try:
            return await super().run()
        finally:
            watching.cancel()

    async def _watch(self) -> None:
        while True:
            began = time.perf_counter()
            await asyncio.sleep(SLEEP_SEC)
            self.late.append(time.perf_counter() - began - SLEEP_SEC)


def run_watched(config: Path, data_dir: Path) -> None:
    """Run ``config`` until nothing is left to do and print what came of it."""
    engine = WatchedEngine(
        EngineOptions(config_path=config, data_dir=data_dir, exit_when_done=True)
    )
    nobody = ServiceManager()
    outcome = serve_headless(engine, log_format="text", manager=nobody).outcome
    assert outcome is not None
    print(json.dumps({**outcome.as_json(), "late": engine.late}))


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
    parser.add_argument("arguments", nargs=argparse.REMAINDER)
    asked = parser.parse_args()
    ballast = hold(int(asked.ballast_gb * 2**30)) if asked.ballast_gb else None
    if asked.lag:
        config, data_dir = map(Path, asked.arguments)
        run_watched(config, data_dir)
    else:
        bistro_main(asked.arguments)
    del ballast


if __name__ == "__main__":
    main()
