"""The real program, serving REST at a port of its own, for tests that ask it much."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.engine.api.scene import CONFIG


class Served(NamedTuple):
    """Where it is, and what it wants to be shown."""

    url: str
    token: str
    process: "subprocess.Popen[bytes]"
    log: Path
    """What it wrote to stdout and stderr."""


@contextmanager
def served(directory: Path) -> Iterator[Served]:
    """Run the program on a config of its own until the end of the context."""
    config, data = directory / "config.json", directory / "data"
    config.write_text(json.dumps(CONFIG, indent=2))
    program = [sys.executable, "-m", "bistro_tui", str(config), "--no-ui"]
    flags = ["--benchmark-run", "--http-server-port=0", f"--data-dir={data}"]
    environment = {**os.environ, "BISTRO_TUI_TEST_TASK_DURATION": "60000"}
    log = directory / "log"
    with log.open("w") as written:
        process = subprocess.Popen(
            [*program, *flags], stdout=written, stderr=written, env=environment
        )
        try:
            yield Served(_url(process, log), _token(data), process, log)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=20)


def _url(process: "subprocess.Popen[bytes]", log: Path) -> str:
    end = time.monotonic() + 20
    while time.monotonic() < end and process.poll() is None:
        for line in log.read_text().splitlines(keepends=True):
            if line.startswith("listening ") and line.endswith("\n"):
                return line.removeprefix("listening ").strip()
        time.sleep(0.02)
    raise AssertionError(log.read_text())


def _token(data: Path) -> str:
    return (data / "secrets" / "api.token").read_text().strip()
