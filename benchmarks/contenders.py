"""Who runs the same short tasks: ours, the tools people use, and a C program."""

import contextlib
import json
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

from benchmarks.processor_time import Run, run

PROGRAM = str(Path(sys.executable).with_name("bistro-tui"))
LIMIT_SOURCE = Path(__file__).with_name("limit.c")
MEMORY = Path("/dev/shm")
JOB = "bench"

TRUE = ("/bin/true",)
SHELL = ("/bin/sh", "-c", 'echo hi; echo done > "$2"', "sh")
"""What gets the node and the status file as its last two words."""


class Work(Enum):
    """What each task does."""

    TRUE = "true"
    """Nothing; its exit code is its status."""
    SHELL = "sh"
    """Prints a line and writes a file: its status."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One run of a contender."""

    tasks: int
    rate: float
    """Tasks a second without the start: of ours, as its summary says."""
    whole_rate: float
    """Tasks a second of the whole command's life."""
    used: Run
    """Of ours and of GNU parallel without what a start with next to no work takes."""
    late: Sequence[float] = ()
    """Seconds by which a sleep on the scheduler's loop was too long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a run may put its files, all of them new."""

    disk: Path
    memory: Path
    """For what tasks write: in memory where there is such a file system."""
    limit: Path
    """The C program."""


class NotInstalledError(Exception):
    """The peer is not there; the text says what is missing."""


@contextlib.contextmanager
def fresh_place(limit: Path) -> Iterator[Place]:
    """Give directories for one run, and remove them after it."""
    with contextlib.ExitStack() as stack:
        disk = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        memory = disk
        if MEMORY.is_dir():
            memory = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=MEMORY)))
        yield Place(disk=disk, memory=memory, limit=limit)


def build_limit(directory: Path) -> Path:
    """Return the C program, built there; NotInstalledError without a compiler."""
    program = directory / "limit"
    _need("cc")
    words = ["cc", "-O2", "-Wall", "-Werror", "-o", str(program), str(LIMIT_SOURCE)]
    subprocess.run(words, check=True)
    return program


def bistro(work: Work, tasks: int, slots: int, place: Place) -> Sample:
    """Run the installed program; durable statuses and logs, each checked after."""
    return _ours(work, tasks, slots, place, [PROGRAM])


def bistro_with_ballast(gigabytes: float) -> "Contender":
    """Return the same program in a process that holds so much memory."""
    words = [*_launcher(), "--ballast-gb", str(gigabytes)]

    def start(work: Work, tasks: int, slots: int, place: Place) -> Sample:
        return _ours(work, tasks, slots, place, words)

    return start


def bistro_watched(work: Work, tasks: int, slots: int, place: Place) -> Sample:
    """Run the same engine beside a probe that says how late its loop wakes."""
    config, data_dir = _config(work, tasks, slots, place), place.disk / "data"
    words = [*_launcher(), "--lag", str(config), str(data_dir)]
    return _checked(work, tasks, place, words)


def c_limit(work: Work, tasks: int, slots: int, place: Place) -> Sample:
    """Run the C program, with pipes and a file to read where the task has them."""
    files = ["--files", str(place.memory)] if work is Work.SHELL else []
    command = SHELL if work is Work.SHELL else TRUE
    words = [str(place.limit), *files, str(tasks), str(slots), *command]
    return _peer(tasks, place, words)


def xargs(work: Work, tasks: int, slots: int, place: Place) -> Sample:
    """Run ``xargs -P``; nobody takes the output or looks at the files."""
    _need("xargs")
    if work is Work.TRUE:
        words, lines = ["-n", "1", *TRUE], (f"{i}\n" for i in range(tasks))
    else:
        words = ["-n", "2", *SHELL]
        lines = (f"{i} {place.memory}/{i}\n" for i in range(tasks))
    return _peer(tasks, place, ["xargs", "-P", str(slots), *words], "".join(lines))


def make(work: Work, tasks: int, slots: int, place: Place) -> Sample:
    """Run ``make -j``, with -O where tasks print, so that their lines stay together."""
    _need("make")
    recipe = "/bin/true $@"
    if work is Work.SHELL:
        script = SHELL[2].replace("$", "$$")
        recipe = f"/bin/sh -c '{script}' sh $@ {place.memory}/$@"
    names = " ".join(str(i) for i in range(tasks))
    makefile = place.disk / "Makefile"
    makefile.write_text(f".PHONY: all {names}\nall: {names}\n{names}:\n\t@{recipe}\n")
    flags = ["-O"] if work is Work.SHELL else []
    return _peer(
        tasks, place, ["make", "-f", str(makefile), "-r", "-j", str(slots), *flags]
    )


def gnu_parallel(work: Work, tasks: int, slots: int, place: Place) -> Sample:
    """Run GNU parallel, which has a shell run each task."""
    _need("parallel")
    script = "/bin/true {}"
    if work is Work.SHELL:
        script = f"echo hi; echo done > {place.memory}/{{}}"
    lines = "".join(f"{i}\n" for i in range(tasks))
    words = ["env", "PARALLEL_SHELL=/bin/sh", "parallel", "--will-cite", "-j"]
    words += [str(slots), script]
    start = _peer(1, place, words, "0\n").used
    sample = _peer(tasks, place, words, lines)
    used = sample.used - start
    return replace(sample, rate=(tasks - 1) / used.wall, used=used)


Contender = Callable[[Work, int, int, Place], Sample]
"""Runs so many tasks of that work in so many slots."""


def _need(program: str) -> None:
    if shutil.which(program) is None:
        raise NotInstalledError(f"{program} is not installed")


def _peer(tasks: int, place: Place, words: Sequence[str], lines: str = "") -> Sample:
    given, log = place.disk / "given", place.disk / "log"
    given.write_text(lines)
    with given.open("rb") as stdin, open("/dev/null", "wb") as stdout:
        took = run(words, stdin=stdin, stdout=stdout, log=log)
    rate = tasks / took.wall
    return Sample(tasks=tasks, rate=rate, whole_rate=rate, used=took)


def _ours(
    work: Work, tasks: int, slots: int, place: Place, program: Sequence[str]
) -> Sample:
    flags = ["--no-ui", "--exit-when-done", "--json", "--data-dir"]
    idle = _config(work, tasks, slots, place, enabled=False)
    start = _logged(place, [*program, str(idle), *flags, str(place.disk / "idle")])
    config = _config(work, tasks, slots, place)
    words = [*program, str(config), *flags, str(place.disk / "data")]
    sample = _checked(work, tasks, place, words)
    return replace(sample, used=sample.used - start)


def _launcher() -> list[str]:
    return [sys.executable, "-m", "benchmarks.launcher"]


def _config(
    work: Work, tasks: int, slots: int, place: Place, *, enabled: bool = True
) -> Path:
    nodes = {"parent_level": "instance", "start": 1, "end": tasks, "format": "n{i}"}
    path = place.disk / "config.json"
    job = {
        "owner": "bench",
        "enabled": enabled,
        "command": list(SHELL if work is Work.SHELL else TRUE),
        "status_from": "file" if work is Work.SHELL else "exit_code",
    }
    settings = {
        "enabled": True,
        "nodes": {
            "levels": ["node"],
            "node_sources": [{"source": "range_label", "prefs": nodes}],
        },
        "resources": {"instance": {"slots": {"limit": slots, "default": 1}}},
    }
    path.write_text(
        json.dumps({"bistro_settings": settings, f"bistro_job->{JOB}": job})
    )
    return path


def _logged(place: Place, words: Sequence[str]) -> Run:
    """Run ours; what it prints is left in ``printed``."""
    with (place.disk / "printed").open("wb") as stdout:
        return run(
            words, stdin=subprocess.DEVNULL, stdout=stdout, log=place.disk / "log"
        )


def _checked(work: Work, tasks: int, place: Place, words: Sequence[str]) -> Sample:
    took = _logged(place, words)
    summary = json.loads((place.disk / "printed").read_text())
    lines = tasks if work is Work.SHELL else 0
    found = {
        "done in the summary": (summary["done"], tasks),
        "started": (summary["started"], tasks),
        "statuses stored": (_count(place, "statuses", _STATUSES), tasks),
        "lines stored": (_count(place, "task_logs", _LINES), lines),
    }
    wrong = {what: pair for what, pair in found.items() if pair[0] != pair[1]}
    if wrong:
        raise RuntimeError(f"found and expected differ: {wrong}")
    return Sample(
        tasks=tasks,
        rate=summary["tasks_per_second"],
        whole_rate=tasks / took.wall,
        used=took,
        late=summary.get("late", ()),
    )


_STATUSES = f"""
    SELECT count(DISTINCT node_id) FROM task_statuses
    WHERE job_id = '{JOB}' AND result = 1
"""
_LINES = f"""
    SELECT count(DISTINCT node_id) FROM stdout
    WHERE job_id = '{JOB}' AND CAST(line AS TEXT) = 'hi' || char(10)
"""


def _count(place: Place, database: str, query: str) -> int:
    path = place.disk / "data" / f"{database}.sql3"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return int(connection.execute(query).fetchone()[0])
