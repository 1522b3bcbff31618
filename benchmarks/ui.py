"""What the screen costs and how quickly it answers, with 100,000 nodes × 50 jobs.

    .venv/bin/python -m benchmarks.ui [PART ...] [--rounds N] [--seconds S]

Parts: frame, keys, flat, rate, work, idle, memory, log, biglog; all of them unless
some are named. The screen is a real pty of 140 × 42 whose other end only reads; tasks
are fake except where logs are read. Modules are compiled before anything is measured,
as an installation has them. Judge by a quiet machine: the load is printed at the end.
"""

import argparse
import json
import os
import re
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.logs import fill
from benchmarks.program import Program, Shape
from benchmarks.screen import Screen, processor_sec, rss_mib, serves, stats, wait_until

SHAPE = Shape(1_000, 99, 50)
"""With the hosts, 100,000 nodes; the jobs' tasks are on the shards."""

FOREVER_MS, SHORT_MS = 1_000_000_000, 500
MODERATE = 20
"""Tasks at a time where there is some activity, each of half a second."""

LETTERS = "абвгдежзиклмнопрстуфцчшщэюя"
"""Nothing else on the screen is Cyrillic."""
BETWEEN_KEYS_SEC = 0.15
_QUIET_SEC = 0.5

LAG_WINDOW_SEC = 60.0
"""What ``stats`` looks back on; the start is not meant."""

LINES_A_SECOND = 10_000
BIG_LOG_LINES = 9_300_000
"""1 GB on disk, of 100 tasks."""


@contextmanager
def place(config: str) -> Iterator[tuple[Path, Path]]:
    """Give a config file and a data directory that is not there yet."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "config.json"
        path.write_text(config)
        yield path, Path(name) / "data"


def fake(duration_ms: int) -> tuple[str, ...]:
    """Return the flags for tasks that only take that long."""
    return ("--benchmark-run", f"--test-task-duration={duration_ms}")


def big(limit: int | None = None) -> str:
    """Return the config of the large shape; ``limit`` tasks at most run in all."""
    return SHAPE.config(manual=False, instance_limit=limit)


@contextmanager
def shown(config: str, *flags: str) -> Iterator[tuple[Screen, Path]]:
    """Run the program with its screen, until the first frame is there."""
    with place(config) as (path, data):
        screen = Screen(path, "--data-dir", data, *flags)
        with screen:
            screen.wait_for(b"job0")
            yield screen, data


@contextmanager
def headless(config: str, *flags: str) -> Iterator[tuple[Program, Path]]:
    """Run the program without a screen, until it answers."""
    with tempfile.TemporaryDirectory() as name:
        program = Program(Path(name), config, *flags)
        try:
            data = Path(name) / "data"
            wait_until(lambda: serves(data), "the program serves")
            yield program, data
        finally:
            program.process.terminate()
            program.wait()


def frame(rounds: int, seconds: float) -> None:
    """From exec to a frame with a job in it."""
    del seconds
    nodes = {"levels": ["host"], "node_sources": []}
    small = {"bistro_settings": {"enabled": False, "resources": {}, "nodes": nodes}}
    job = {"bistro_job->job0": {"owner": "bench", "enabled": False}}
    for name, config in (("", big(1)), (", 1 node", json.dumps({**small, **job}))):
        took = []
        for _ in range(rounds):
            with place(config) as (path, data):
                screen = Screen(path, "--data-dir", data, *fake(FOREVER_MS))
                with screen:
                    took.append(screen.wait_for(b"job0") - screen.began)
        say(f"first frame{name}", 1000 * statistics.median(took), "ms", 800)
    with headless(big(1), *fake(FOREVER_MS)) as (_, data):
        took = []
        for _ in range(rounds):
            with Screen("attach", data) as screen:
                took.append(screen.wait_for(b"job0") - screen.began)
        say("first frame, attach", 1000 * statistics.median(took), "ms", 800)


def keys(rounds: int, seconds: float) -> None:
    """From a key to its paint, while nothing changes."""
    del seconds
    with shown(big(1), *fake(FOREVER_MS)) as (screen, _):
        screen.wait_until_quiet(_QUIET_SEC)
        press_all(screen, rounds, "idle", 60)
        took = []
        for key in ("j" * 15 + "k" * 15) * rounds:
            at = screen.size
            took.append(screen.press(key))
            took[-1] = screen.wait_for(b"\x1b[", since=at) - took[-1]
            time.sleep(BETWEEN_KEYS_SEC)
        spread("cursor, idle", took, 60)


def flat(rounds: int, seconds: float) -> None:
    """From a key to its paint, and how late the engine is, while tasks end flat out."""
    with shown(big(), *fake(0)) as (screen, data):
        ready = time.perf_counter() + LAG_WINDOW_SEC + seconds
        press_all(screen, rounds, "flat out", 120)
        time.sleep(max(0.0, ready - time.perf_counter()))
        lag = stats(data)["loop_lag_p99_ms"]
    say("loop lag p99, screen open", lag, "ms", 10)
    with headless(big(), *fake(0)) as (_, data):
        time.sleep(LAG_WINDOW_SEC + seconds)
        say("loop lag p99, headless", stats(data)["loop_lag_p99_ms"], "ms", None)


def press_all(screen: Screen, rounds: int, when: str, budget: float) -> None:
    """Type into the filters of the jobs, then of all nodes, and print how long it took.

    A key is painted when its own letter has come.
    """
    for pane, way in (("jobs", ""), ("100,000 nodes", "3")):
        screen.press(way)
        time.sleep(1.5)
        took = []
        for _ in range(rounds):
            screen.press("/")
            time.sleep(_QUIET_SEC)
            for letter in LETTERS:
                at = screen.size
                pressed = screen.press(letter)
                painted = screen.wait_for(letter.encode(), since=at)
                took.append(painted - pressed)
                time.sleep(BETWEEN_KEYS_SEC)
            screen.press("\x1b")
            time.sleep(_QUIET_SEC)
        spread(f"key in the filter of {pane}, {when}", took, budget)
    screen.press("1")
    time.sleep(1.0)


def rate(rounds: int, seconds: float) -> None:
    """Tasks started with the screen open, by those without, in turn.

    By the second, and by the processor second of the whole program, which what others
    do on this machine disturbs less.
    """
    with_screen, without, attached = list[_Rate](), list[_Rate](), list[_Rate]()
    for _ in range(rounds):
        with shown(big(), *fake(0)) as (screen, data):
            with_screen.append(_Rate.measured(data, screen.pid, seconds))
        with headless(big(), *fake(0)) as (program, data):
            pid = program.process.pid
            without.append(_Rate.measured(data, pid, seconds))
            with Screen("attach", data) as screen:
                screen.wait_for(b"job0")
                attached.append(_Rate.measured(data, pid, seconds))
    base = _Rate.median(without)
    for name, rates in (("screen open", with_screen), ("attached", attached)):
        found = _Rate.median(rates)
        by_wall, by_cpu = found.wall / base.wall, found.cpu / base.cpu
        say(f"dispatch rate, {name}", by_wall, "of headless", 0.85, at_least=True)
        say("    by processor seconds", by_cpu, "of headless", None)
    print(f"    headless: {base.wall:,.0f}/s, {base.cpu:,.0f} a processor second")


@dataclass(frozen=True, slots=True)
class _Rate:
    """Tasks started a second."""

    wall: float
    cpu: float
    """Of processor time."""

    @classmethod
    def measured(cls, data: Path, pid: int, seconds: float) -> "_Rate":
        """Return it over that window, after three seconds of getting under way."""
        time.sleep(3)
        stat = Path(f"/proc/{pid}/stat")
        began, used = time.perf_counter(), processor_sec(stat)
        before = stats(data)["starts"]
        time.sleep(seconds)
        started = stats(data)["starts"] - before
        used = processor_sec(stat) - used
        return cls(started / (time.perf_counter() - began), started / used)

    @classmethod
    def median(cls, rates: Sequence["_Rate"]) -> "_Rate":
        """Return the median of each."""
        walls, cpus = [one.wall for one in rates], [one.cpu for one in rates]
        return cls(statistics.median(walls), statistics.median(cpus))


def work(rounds: int, seconds: float) -> None:
    """What the screen costs while a few tasks come and go, on each page."""
    del rounds
    with shown(big(MODERATE), *fake(SHORT_MS)) as (screen, _):
        time.sleep(3)
        for page in "12345678":
            screen.press(page)
            time.sleep(2)
            cpu, sent = used_meanwhile(screen, seconds)
            budget = 15 if page == "1" else None
            say(f"page {page}, 40 tasks/s", cpu, "% of a core", budget)
            print(f"    {sent:.1f} KiB/s to the terminal")


def idle(rounds: int, seconds: float) -> None:
    """What goes to the terminal while nothing changes."""
    del rounds
    with shown(big(1), *fake(FOREVER_MS)) as (screen, _):
        for page in "12345678":
            screen.press(page)
            time.sleep(2)
            cpu, sent = used_meanwhile(screen, seconds)
            say(f"page {page}, nothing changes", sent, "KiB/s", 10)
            print(f"    {cpu:.1f} % of a core")


def used_meanwhile(screen: Screen, seconds: float) -> tuple[float, float]:
    """Return percent of a core of the main thread, and KiB a second to the terminal."""
    began, cpu, sent = time.perf_counter(), screen.main_thread_sec(), screen.size
    time.sleep(seconds)
    took = time.perf_counter() - began
    cpu, sent = screen.main_thread_sec() - cpu, screen.size - sent
    return 100 * cpu / took, sent / 1024 / took


def memory(rounds: int, seconds: float) -> None:
    """What the screen adds to the memory of the program."""
    del rounds
    with headless(big(MODERATE), *fake(SHORT_MS)) as (program, _):
        time.sleep(seconds)
        base = rss_mib(program.process.pid)
    with shown(big(MODERATE), *fake(SHORT_MS)) as (screen, _):
        time.sleep(seconds)
        say("memory added", screen.rss_mib() - base, "MiB", 150)
        for page in "23456781":
            screen.press(page)
            time.sleep(1.5)
        say("memory added, all pages seen", screen.rss_mib() - base, "MiB", 150)
    print(f"    headless: {base:.0f} MiB")


PRINTER = f"""
import sys, time
began, printed = time.time(), 0
while True:
    due = int((time.time() - began) * {LINES_A_SECOND})
    lines = ["@%.4f@ a line as services print them %d" % (time.time(), number)
             for number in range(printed, due)]
    if lines:
        print("\\n".join(lines), flush=True)
    printed = due
    time.sleep(0.01)
"""


def log(rounds: int, seconds: float) -> None:
    """How old the newest line is that is shown, of a task that prints 10,000/s."""
    del rounds
    config = {
        "bistro_settings": {
            "enabled": True,
            "resources": {},
            "nodes": {"levels": ["host"], "node_sources": []},
        },
        "bistro_job->job0": {
            "owner": "bench",
            "enabled": True,
            "level_for_tasks": "instance",
            "command": ["/usr/bin/env", "python3", "-c", PRINTER],
        },
    }
    with shown(json.dumps(config)) as (screen, data):
        time.sleep(2)
        at = screen.size
        screen.press("6")
        screen.wait_for(b"as services print", since=at, seconds=10)
        time.sleep(2)
        # Two clocks: the lines have wall seconds.
        offset = time.time() - time.perf_counter()
        at, first = screen.size, len(screen.chunks)
        cpu, sent = used_meanwhile(screen, seconds)
        delays, shown_last, newest = [], at, 0.0
        for moment, length in screen.chunks[first:]:
            stamps = re.findall(rb"@(\d+\.\d{4})@", screen.raw[shown_last:length])
            shown_last = max(shown_last, length - 20)
            if stamps and float(max(stamps)) > newest:
                newest = float(max(stamps))
                delays.append(moment + offset - newest)
        waiting = stats(data)["waiting_log_bytes"]
    spread("age of the newest line of 10,000/s", delays, None)
    print(
        f"    {len(delays) / seconds:.1f} paints/s, {cpu:.0f} % of a core,"
        f" {sent:.0f} KiB/s to the terminal, {waiting} bytes wait for the store"
    )


def biglog(rounds: int, seconds: float) -> None:
    """From the key to the first line of a log of 1 GB."""
    del seconds
    names = [f"db{number}" for number in range(100)]
    config = {
        "bistro_settings": {
            "enabled": True,
            "resources": {},
            "nodes": {
                "levels": ["host"],
                "node_source": "manual",
                "node_source_prefs": {name: [] for name in names},
            },
        },
        "bistro_job->etl": {"owner": "bench", "enabled": False, "command": ["true"]},
    }
    with place(json.dumps(config)) as (path, data):
        data.mkdir(mode=0o700)
        fill(data / "task_logs.sql3", BIG_LOG_LINES)
        size = (data / "task_logs.sql3").stat().st_size / 2**30
        took = []
        for _ in range(rounds):
            # The lines are old, and are to be there still.
            flags = ("--log-retention=315360000",)
            with Screen(path, "--data-dir", data, *flags) as screen:
                screen.wait_for(b"etl")
                screen.wait_until_quiet(_QUIET_SEC)
                at = screen.size
                pressed = screen.press("l")
                painted = screen.wait_for(b"handled request", since=at)
                took.append(painted - pressed)
    say(f"a log of {size:.2f} GiB opens", 1000 * statistics.median(took), "ms", 300)


def spread(what: str, took: Sequence[float], budget: float | None) -> None:
    """Print p95 of these seconds, beside median and maximum."""
    ordered = sorted(1000 * one for one in took)
    say(f"{what}, p95", ordered[int(0.95 * (len(ordered) - 1))], "ms", budget)
    print(
        f"    median {statistics.median(ordered):.0f} ms, longest {ordered[-1]:.0f} ms"
        f" of {len(ordered)}"
    )


def say(
    what: str, found: float, unit: str, budget: float | None, *, at_least: bool = False
) -> None:
    """Print one figure beside its budget."""
    bound = ""
    if budget is not None:
        is_kept = found >= budget if at_least else found <= budget
        sign = "≥" if at_least else "≤"
        bound = f"{sign} {budget:g}  {'kept' if is_kept else 'NOT KEPT'}"
    print(f"{what:52} {found:9.2f} {unit:12} {bound}", flush=True)


PARTS: dict[str, Callable[[int, float], None]] = {
    one.__name__: one
    for one in (frame, keys, flat, rate, work, idle, memory, log, biglog)
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="the screen")
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], metavar="PART")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=10.0)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as compiled:
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        os.environ.setdefault("PYTHONPYCACHEPREFIX", compiled)
        with shown(big(1), *fake(FOREVER_MS)):
            pass
        for part in chosen.parts or PARTS:
            PARTS[part](chosen.rounds, chosen.seconds)
    print("load {:.1f} {:.1f} {:.1f}".format(*os.getloadavg()))


if __name__ == "__main__":
    main()
