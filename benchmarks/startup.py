"""How long until ``--help`` has answered, a look at a running scheduler, the screen.

    .venv/bin/python -m benchmarks.startup

Prints the median of seven of each, in milliseconds, beside that of a bare Python on the
same machine in the same run. The screen is painted on a real pty of 140 × 42; it counts
as painted when it shows a job of the config.
"""

import os
import pty
import select
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

ROUNDS = 7
LOOKS = ("ps", "jobs", "top --once")
PROGRAM = str(Path(sys.executable).with_name("bistro-tui"))
SAMPLE = Path(__file__).resolve().parent.parent / "sample_configs" / "simple.json"


def run_to_end(*command: str) -> float:
    """Return the milliseconds that a command takes."""
    began = time.perf_counter()
    subprocess.run(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True
    )
    return 1000 * (time.perf_counter() - began)


@contextmanager
def scheduler() -> Iterator[str]:
    """Run one headless, and give its data directory once it answers."""
    with tempfile.TemporaryDirectory() as data_dir:
        words = [PROGRAM, str(SAMPLE), "--no-ui", "--data-dir", data_dir]
        with subprocess.Popen(words, stderr=subprocess.DEVNULL) as process:
            try:
                while not (Path(data_dir) / "run" / "api.sock").exists():
                    time.sleep(0.05)
                run_to_end(PROGRAM, "errors", "--data-dir", data_dir)
                yield data_dir
            finally:
                process.terminate()


def look(data_dir: str, command: str) -> float:
    """Return the milliseconds that a look takes."""
    return run_to_end(PROGRAM, *command.split(), "--data-dir", data_dir)


def first_paint() -> float:
    """Return the milliseconds from exec until a job of the config is on the screen."""
    with tempfile.TemporaryDirectory() as data_dir:
        began = time.perf_counter()
        pid, terminal = pty.fork()
        if pid == 0:
            os.environ["TERM"] = "xterm-256color"
            os.environ["COLUMNS"], os.environ["LINES"] = "140", "42"
            words = [PROGRAM, str(SAMPLE), "--data-dir", data_dir]
            os.execv(PROGRAM, words)
        try:
            painted = b""
            while b"simple_job" not in painted:
                if not select.select([terminal], [], [], 20)[0]:
                    raise TimeoutError("nothing was painted in 20 s")
                painted += os.read(terminal, 65536)
            took = 1000 * (time.perf_counter() - began)
        finally:
            os.kill(pid, signal.SIGTERM)
            drain(terminal)
            os.waitpid(pid, 0)
            os.close(terminal)
    return took


def drain(terminal: int) -> None:
    """Read until the program has closed its end."""
    try:
        while os.read(terminal, 65536):
            pass
    except OSError:
        return


def median(measure: Callable[[], float]) -> float:
    """Return the median of some rounds."""
    return statistics.median(measure() for _ in range(ROUNDS))


def main() -> None:
    """Measure and print."""
    bare = median(lambda: run_to_end(sys.executable, "-c", "pass"))
    shown = median(lambda: run_to_end(PROGRAM, "--help"))
    with scheduler() as data_dir:
        looks = {one: median(partial(look, data_dir, one)) for one in LOOKS}
    painted = median(first_paint)
    print(f"bare python    {bare:6.0f} ms")
    print(f"--help         {shown:6.0f} ms   {shown / bare:.1f} × bare python")
    for name, took in looks.items():
        print(f"{name:14} {took:6.0f} ms   {took / bare:.1f} × bare python")
    print(f"first paint    {painted:6.0f} ms   {painted / bare:.1f} × bare python")


if __name__ == "__main__":
    main()
