"""Disks that are full, fail, are slow or go away: nothing is shown that is not stored,
nothing is lost, and all goes on by itself."""

import contextlib
import os
import random
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.program import DONE, PROGRAM, Place, config_of, shell
from tests.faults.disks import GOT_STATUS, Shown, config_of_tasks, small_disk
from tests.faults.needs import need_program
from tests.faults.seeds import SCALE
from tests.faults.watching import children_of, wait_until, wait_until_still

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180 * SCALE)]

CYCLES = 6 * SCALE
RESUMES_SEC = 60.0
SYNC_SEC = 3.0
"""Long beside what an answer takes, also under strace on a busy machine."""
WELL = "statuses can be stored again"


class Run:
    """A scheduler with endless short tasks, and what it shows."""

    def __init__(self, place: Place, process: "subprocess.Popen[str]") -> None:
        self.place = place
        self.process = process
        self.log = place.path / "stderr"
        self.marks = place.path / "marks"
        self.shown = Shown(self.log, place.data / "statuses.sql3")

    @property
    def text(self) -> str:
        return self.log.read_text()

    def since(self, offset: int) -> str:
        """Return what was logged from that length of the log on."""
        return self.text[offset:]

    def marked(self, what: str) -> list[str]:
        """Return the nodes whose tasks said so."""
        if not self.marks.exists():
            return []
        lines = [line.split() for line in self.marks.read_text().splitlines()]
        return [node for word, node in lines if word == what]

    def wait_for(self, text: str, offset: int = 0, seconds: float = 60) -> float:
        """Return how long it took until that was logged."""
        return wait_until(
            lambda: text in self.since(offset) or self._fail_if_dead(), text, seconds
        )

    def wait_for_more_done(self, seconds: float = RESUMES_SEC) -> None:
        """Return when tasks are started and shown again."""
        before = len(self.shown.done)
        wait_until(
            lambda: len(self.shown.done) > before + 10 or self._fail_if_dead(),
            f"more tasks are shown as done:\n{self.text[-2000:]}",
            seconds,
        )

    def _fail_if_dead(self) -> bool:
        assert self.process.poll() is None, self.text[-3000:]
        return False


@contextlib.contextmanager
def running(place: Place, *, at_once: int = 8) -> Iterator[Run]:
    """Run one; at the end everything that was shown and that ended must be stored."""
    config = config_of_tasks(place.path / "marks", 100_000, at_once=at_once)
    path = place.write_config(config)
    log = place.path / "stderr"
    with (
        log.open("w") as file,
        place.start(path, "--no-ui", "--data-dir", place.data, stderr=file) as process,
    ):
        run = Run(place, process)
        try:
            run.wait_for(" serves ")
            with run.shown:
                run.wait_for_more_done()
                yield run
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)
    run.shown.look()
    assert process.returncode == 0, run.text[-3000:]
    assert "Traceback" not in run.text
    assert "internal error" not in run.text
    assert run.shown.false == []
    stored = {
        node
        for (node,) in place.rows(
            "statuses.sql3", "SELECT node_id FROM task_statuses WHERE result = 1"
        )
    }
    ended = run.marked("end")
    assert set(ended) <= stored, "what ended is lost"
    assert len(ended) == len(set(ended)), "a task ran again"


def test_a_disk_that_fills_up_pauses_starts_and_nothing_is_lost(
    place: Place, rng: random.Random
) -> None:
    slowest = 0.0
    with small_disk(place.data) as disk, running(place) as run:
        for _ in range(CYCLES):
            offset = len(run.text)
            disk.fill(leave=rng.choice([0, 0, 4_096, 65_536]))
            if rng.random() < 0.7:
                run.wait_for("ERROR disk full: starts paused", offset)
                wait_until_still(lambda: len(run.marked("start")), "tasks are started")
                time.sleep(rng.random() / 2)
                disk.clear()
                slowest = max(slowest, run.wait_for(WELL, offset, RESUMES_SEC))
            else:
                time.sleep(rng.random() / 5)
                disk.clear()
            run.wait_for_more_done()
    print(f"resumed within {slowest:.1f} s")


def test_the_output_of_tasks_alone_fills_no_disk(place: Place) -> None:
    script = 'i=0; while [ $i -lt 2500 ]; do echo "$1 $i $2 0123456789 0123456789"; '
    script += 'i=$((i+1)); done; echo done > "$2"'
    settings = {"resources": {"instance": {"c": {"limit": 4, "default": 1}}}}
    job = {"command": shell(script)}
    config = place.write_config(
        config_of(*((f"j{i}", job) for i in range(20)), settings=settings)
    )
    with small_disk(place.data):
        ran = place.batch(config)
        assert (place.data / "task_logs.sql3").stat().st_size <= 4 * 2**20
    assert ran.code == 0, ran.err[-2000:]
    assert "half of what its disk has room for" in ran.err
    assert "disk full" not in ran.err


def test_without_a_free_inode_starts_are_paused_too(place: Place) -> None:
    options = "size=16m,nr_inodes=100"
    with small_disk(place.data, options) as disk, running(place) as run:
        reserve = (place.data / "reserve").stat()
        assert (reserve.st_size, reserve.st_mode & 0o777) == (2**20, 0o600)
        assert reserve.st_blocks * 512 >= 2**20
        disk.fill_files()
        run.wait_for("ERROR disk full: starts paused")
        disk.clear()
        run.wait_for(WELL, seconds=RESUMES_SEC)
        run.wait_for_more_done()


def test_what_goes_away_pauses_starts_until_it_is_back(place: Place) -> None:
    away, other = place.path / "away", b"somebody else's"
    with running(place) as run:
        for path in (place.data, place.data / "statuses.sql3"):
            offset = len(run.text)
            with run.shown.held():
                path.rename(away)
                run.wait_for("which is gone or was replaced", offset)
                wait_until_still(
                    lambda: len(GOT_STATUS.findall(run.text)), "something is shown"
                )
                assert not path.exists(), "it was made again"
                if path.suffix:
                    path.write_bytes(other)
                    time.sleep(1)
                    assert path.read_bytes() == other, "another file was written to"
                away.rename(path)
            run.wait_for(WELL, offset, RESUMES_SEC)
            run.wait_for_more_done()


def test_what_is_expendable_is_made_again_and_no_task_waits(place: Place) -> None:
    with running(place) as run:
        for name in ("task_logs.sql3", "task_logs.sql3-wal", "task_logs.sql3-shm"):
            (place.data / name).unlink()
        (place.data / "statuses.sql3-wal").unlink()
        shutil.rmtree(place.data / "jobs")
        run.wait_for_more_done()
        run.wait_for_more_done()
        last = run.marked("end")[-1]
        wait_until(
            lambda: (
                (place.data / "task_logs.sql3").exists()
                and place.rows(
                    "task_logs.sql3", f"SELECT 1 FROM stdout WHERE node_id = '{last}'"
                )
            ),
            "lines are stored again",
        )
        assert (place.data / "jobs").is_dir()


def traced(place: Place, config: Path, inject: str, *flags: str) -> list[str]:
    """Return the words that run the program with something done to its syncs.

    Only calls that concern the status database and the log are seen and counted.
    """
    need_program("strace")
    seen = ("statuses.sql3", "statuses.sql3-wal")
    paths = [place.path / "stderr", *(place.data / name for name in seen)]
    return [
        *("strace", "-f", "-y", "-qq", "-o", str(place.path / "trace")),
        *(word for path in paths for word in ("-P", str(path))),
        *("-e", "trace=fdatasync,openat,write", "-e", "signal=none"),
        *("-e", f"inject=fdatasync:{inject}"),
        *(PROGRAM, str(config), "--no-ui", "--data-dir", str(place.data), *flags),
    ]


def with_databases(place: Place) -> None:
    """Have both databases made, so that what is injected hits what comes later."""
    assert place.batch(place.write_config(config_of())).code == 0


@pytest.mark.parametrize("number", [1, 3] if SCALE == 1 else range(1, 20))
def test_after_a_failed_sync_nothing_is_shown_before_the_database_was_opened_again(
    place: Place, number: int
) -> None:
    with_databases(place)
    job = {"command": shell('sleep 0.2; echo done > "$2"')}
    limit = {"resources": {"instance": {"concurrency": {"limit": 1, "default": 1}}}}
    config = place.write_config(config_of(("j", job), settings=limit))
    words = traced(place, config, f"error=EIO:when={number}", "--exit-when-done")
    log = place.path / "stderr"
    with log.open("w") as file:
        ran = subprocess.run(words, env=place.environment(), stderr=file, timeout=60)
    assert ran.returncode == 0, log.read_text()
    assert "Traceback" not in log.read_text()
    rows = place.rows("statuses.sql3", "SELECT DISTINCT result FROM task_statuses")
    assert rows == [(1,)]
    failures, is_broken = 0, False
    for line in (place.path / "trace").read_text().splitlines():
        if "(INJECTED)" in line and "statuses.sql3-wal" in line:
            is_broken = True
            failures += 1
        elif "openat" in line and 'statuses.sql3"' in line:
            is_broken = False
        elif "Got status" in line:
            assert not is_broken, line
    assert failures, "nothing was injected"


def test_a_disk_that_never_syncs_again_shows_nothing_and_the_program_can_be_stopped(
    place: Place,
) -> None:
    with_databases(place)
    config = config_of_tasks(place.path / "marks", 100_000, at_once=4)
    words = traced(place, place.write_config(config), "error=EIO:when=3+")
    with followed(place, words) as (process, log):
        wait_until(lambda: "starts paused" in log.read_text(), "it is told")
        with Shown(log, place.data / "statuses.sql3") as shown:
            marks = place.path / "marks"
            wait_until_still(
                lambda: marks.read_text().count("start"), "tasks are started"
            )
            wait_until_still(lambda: len(shown.done), "something is shown")
    assert process.returncode == 3
    last = log.read_text().splitlines()[-1]
    assert re.search("[0-9]+ status(es were| was) not stored, .* may run again$", last)
    assert shown.false == []
    assert "Traceback" not in log.read_text()
    assert "statuses cannot be stored: starts paused — disk I/O error" in (
        log.read_text()
    )


@contextlib.contextmanager
def followed(
    place: Place, words: list[str]
) -> Iterator[tuple["subprocess.Popen[bytes]", Path]]:
    """Run a program under strace until the end of the block; then stop it."""
    log = place.path / "stderr"
    with (
        log.open("w") as file,
        subprocess.Popen(words, env=place.environment(), stderr=file) as process,
    ):
        try:
            wait_until(lambda: " serves " in log.read_text(), "it serves")
            yield process, log
        finally:
            for child in children_of(process.pid):
                os.kill(child, signal.SIGTERM)
            try:
                process.wait(60)
            finally:
                for child in children_of(process.pid):
                    os.kill(child, signal.SIGKILL)


def test_on_a_slow_disk_the_scheduler_answers_and_statuses_are_shown_later(
    place: Place,
) -> None:
    with_databases(place)
    config = place.write_config(config_of(("j", {"command": DONE})))
    words = traced(place, config, f"delay_enter={SYNC_SEC * 1_000_000:.0f}")
    answers: list[float] = []
    with followed(place, words) as (process, log):
        for asked in range(1, 5):
            for child in children_of(process.pid):
                os.kill(child, signal.SIGHUP)
            answers.append(
                wait_until(
                    lambda: log.read_text().count("asked to reload") == asked,  # noqa: B023 - called at once
                    "it answers",
                )
            )
        wait_until(lambda: log.read_text().count("Got status done") == 4, "all shown")
    assert process.returncode == 0
    assert max(answers) < SYNC_SEC * 2 / 3, answers


def test_a_read_only_file_system_is_refused_at_the_start(place: Place) -> None:
    config = place.write_config(config_of(("j", {"command": DONE})))
    with small_disk(place.data) as disk:
        subprocess.run(["mount", "-o", "remount,ro", disk.path], check=True)
        ran = place.batch(config)
    assert ran.code == 3
    assert "Read-only file system" in ran.err
    assert "Traceback" not in ran.err


def test_a_full_disk_is_named_at_the_start(place: Place) -> None:
    config = place.write_config(config_of(("j", {"command": DONE})))
    with small_disk(place.data) as disk:
        disk.fill()
        ran = place.batch(config)
    assert ran.code == 3
    assert "disk full" in ran.err
    assert "free some space" in ran.err


@pytest.mark.parametrize("name", ["statuses.sql3", "task_logs.sql3"])
def test_a_fifo_in_place_of_a_database_is_refused(place: Place, name: str) -> None:
    config = place.write_config(config_of(("j", {"command": DONE})))
    place.data.mkdir()
    os.mkfifo(place.data / name)
    ran = place.batch(config)
    assert ran.code == 3
    assert f"{name}: is a FIFO, not a database" in ran.err
    assert "move it away" in ran.err
