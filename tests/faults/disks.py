"""Small file systems to fill up, and a judge of what a scheduler shows."""

import contextlib
import os
import re
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from tests.faults.needs import need_program, need_root

GOT_STATUS = re.compile(r"Got status (\w+) from task (\S+), (\S+) after")
RESULTS = {"done": 1, "failed": 2}


class SmallDisk:
    """A file system of its own."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._filler = path / "filler"

    @property
    def free(self) -> int:
        """Bytes that can still be written."""
        found = os.statvfs(self.path)
        return found.f_frsize * found.f_bfree

    def fill(self, leave: int = 0) -> None:
        """Take all room but so many bytes."""
        with contextlib.suppress(OSError), self._filler.open("ab", 0) as file:
            while self.free > leave:
                file.write(bytes(min(65_536, self.free - leave)))

    def fill_files(self) -> None:
        """Make files until there can be no more."""
        directory = self.path / "files"
        directory.mkdir()
        with contextlib.suppress(OSError):
            for number in range(1_000_000):
                (directory / str(number)).touch()

    def clear(self) -> None:
        """Give the room back."""
        self._filler.unlink(missing_ok=True)
        if (self.path / "files").is_dir():
            for one in (self.path / "files").iterdir():
                one.unlink()
            (self.path / "files").rmdir()


@contextlib.contextmanager
def small_disk(path: Path, options: str = "size=8m") -> Iterator[SmallDisk]:
    """Mount one at ``path`` while the block runs."""
    need_root()
    need_program("mount")
    path.mkdir()
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "bistro-test", path], check=True
    )
    try:
        yield SmallDisk(path)
    finally:
        subprocess.run(["umount", "-l", path], check=True)


class Shown:
    """Reads the log as it grows: what is shown has to be in the database by then."""

    def __init__(self, log: Path, database: Path) -> None:
        self._log = log
        self._database = database
        self._offset = 0
        self._rest = ""
        self.done: dict[tuple[str, str], float] = {}
        """When each task was seen to be shown as done."""
        self.false: list[str] = []
        """What was shown and not stored."""
        self._looking = threading.Lock()
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Judge nothing meanwhile, as the database is away; it is made up for."""
        with self._looking:
            yield

    def look(self) -> None:
        """Judge what was logged since the last look."""
        with self._looking:
            self._look()

    def _look(self) -> None:
        before = self._offset, self._rest
        with self._log.open() as file:
            file.seek(self._offset)
            text = self._rest + file.read()
            self._offset = file.tell()
        *lines, self._rest = text.split("\n")
        found = [match for line in lines if (match := GOT_STATUS.search(line))]
        if not found:
            return
        try:
            stored = self._stored()
        except sqlite3.OperationalError:
            # Its files are being taken away; the next look judges these, too.
            self._offset, self._rest = before
            return
        for match in found:
            word, *task = match.groups()
            job, node = task
            if stored.get((job, node)) != RESULTS.get(word, 0):
                self.false.append(match.group())
            self.done[job, node] = time.monotonic()

    def _stored(self) -> dict[tuple[str, str], int]:
        uri = f"file:{self._database}?mode=ro"
        with contextlib.closing(sqlite3.connect(uri, uri=True)) as connection:
            rows = connection.execute(
                "SELECT job_id, node_id, result FROM task_statuses"
            )
            return {(job, node): result for job, node, result in rows}

    def _run(self) -> None:
        while not self._is_over.wait(0.02):
            self.look()

    def __enter__(self) -> "Shown":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()


def config_of_tasks(
    marks: Path, tasks: int, *, at_once: int, seconds: float = 0.1
) -> dict[str, object]:
    """Return a config of tasks that say in a file that they began and ended.

    Whoever has said that it ended is done, also if it is told to end just then.
    """
    prefs = {"parent_level": "instance", "start": 1, "end": tasks, "format": "n{i}"}
    script = (
        f'echo "start $1" >>"$MARKS"; sleep {seconds}; echo "this is $1"'
        ' && trap "" TERM && echo "end $1" >>"$MARKS"; echo done >"$2"'
    )
    return {
        "bistro_settings": {
            "enabled": True,
            "backoff": ["fail"],
            "nodes": {
                "levels": ["host"],
                "node_sources": [{"source": "range_label", "prefs": prefs}],
            },
            "resources": {"instance": {"slots": {"limit": at_once, "default": 1}}},
        },
        "bistro_job->j": {
            "owner": "t",
            "command": ["/bin/sh", "-c", script, "task"],
            "env": {"MARKS": str(marks)},
        },
    }
