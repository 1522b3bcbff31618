"""Starts and ends on a disk that is full already."""

import contextlib
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.program import Place
from tests.faults.disks import SmallDisk, config_of_tasks, small_disk
from tests.faults.watching import wait_until, wait_until_still

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

FULL = "ERROR disk full: starts paused"
TASKS = 24


def config_of_all(place: Place, *, at_once: int = 2) -> dict[str, Any]:
    config: dict[str, Any] = config_of_tasks(
        place.path / "marks", TASKS, at_once=at_once
    )
    config["bistro_settings"]["backoff"] = [1, "repeat"]
    return config


@contextlib.contextmanager
def started(
    place: Place, *flags: str, config: dict[str, Any] | None = None
) -> Iterator["subprocess.Popen[str]"]:
    """Run the program until the end of the block; its log is ``stderr``."""
    path = place.write_config(config or config_of_all(place))
    log = place.path / "stderr"
    with (
        log.open("w") as file,
        place.start(
            path, "--no-ui", "--data-dir", place.data, *flags, stderr=file
        ) as process,
    ):
        try:
            yield process
        finally:
            process.kill()


def text(place: Place) -> str:
    return (place.path / "stderr").read_text()


def marked(place: Place, what: str) -> list[str]:
    """Return the nodes whose tasks said so."""
    lines = (place.path / "marks").read_text().splitlines()
    return [node for word, node in map(str.split, lines) if word == what]


def wait_for(place: Place, told: str) -> None:
    wait_until(lambda: told in text(place), f"{told}:\n{text(place)}")


def fill(place: Place, disk: SmallDisk, *, files: bool) -> None:
    """Leave a data directory of a run that ended, and no room but the reserve."""
    with started(place):
        wait_until(
            lambda: (place.path / "marks").exists() and len(marked(place, "end")) > 2,
            "some tasks end",
        )
    with started(place) as process:
        wait_for(place, " serves ")
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    assert (place.data / "reserve").exists()
    if files:
        disk.fill_files()
    else:
        disk.fill()


def test_a_start_on_a_full_disk_lives_on_the_reserve_until_there_is_room(
    place: Place,
) -> None:
    with small_disk(place.data) as disk:
        fill(place, disk, files=False)
        assert disk.free == 0
        with started(place, "--exit-when-done") as process:
            wait_for(place, FULL)
            wait_for(place, " serves ")
            wait_until_still(lambda: len(marked(place, "start")), "tasks are started")
            disk.clear()
            assert process.wait(60) == 0, text(place)
        ended = marked(place, "end")
        assert len(ended) == len(set(ended)) == TASKS
        assert (place.data / "reserve").exists()


def test_a_start_that_finds_no_free_inode_says_that_the_disk_is_full(
    place: Place,
) -> None:
    with small_disk(place.data, "size=16m,nr_inodes=100") as disk:
        fill(place, disk, files=True)
        with started(place) as process:
            assert process.wait(60) == 3
        assert "disk full: it cannot be opened" in text(place)
        assert "df -i" in text(place)
        disk.clear()
        with started(place, "--exit-when-done") as process:
            assert process.wait(60) == 0, text(place)


def test_killed_on_a_full_disk_it_starts_again_there_and_nothing_is_lost(
    place: Place,
) -> None:
    with small_disk(place.data) as disk:
        with started(place) as process:
            wait_for(place, "Got status done")
            disk.fill()
            wait_for(place, FULL)
            process.kill()
            process.wait()
        with started(place, "--exit-when-done") as process:
            wait_for(place, FULL)
            wait_for(place, " serves ")
            disk.clear()
            assert process.wait(60) == 0, text(place)
        ended = marked(place, "end")
        assert len(ended) == len(set(ended)) == TASKS
        assert "Traceback" not in text(place)


def test_what_a_stop_on_a_full_disk_loses_of_the_history_is_told(
    place: Place,
) -> None:
    config = config_of_all(place, at_once=TASKS)
    config["bistro_job->j"]["command"][2] = (
        'echo "start $1" >>"$MARKS"; until [ -e "$MARKS.go" ]; do sleep 0.1; done;'
        ' seq 20000; echo "end $1" >>"$MARKS"; echo done >"$2"'
    )
    with small_disk(place.data) as disk:
        with started(place, config=config) as process:
            marks = place.path / "marks"
            wait_until(
                lambda: marks.exists() and len(marked(place, "start")) == TASKS,
                "all run",
            )
            disk.fill()
            wait_for(place, FULL)
            (place.path / "marks.go").touch()
            wait_until(lambda: len(marked(place, "end")) == TASKS, "all end")
            process.send_signal(signal.SIGTERM)
            while process.poll() is None:
                disk.fill()
                time.sleep(0.01)
        assert process.returncode == 3, text(place)
        disk.clear()
        [(kept,)] = place.rows("task_logs.sql3", "SELECT count(*) FROM attempts")
    told = re.search(
        r"dropped while task logs could not be stored: .*records? of (\d+) attempt",
        text(place),
    )
    assert told, text(place)
    assert kept + int(told.group(1)) == len(marked(place, "start"))
