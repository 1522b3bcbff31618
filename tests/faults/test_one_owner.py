"""One scheduler a data directory: the first has it, however it lives or dies."""

import os
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.program import Place, config_of
from tests.faults.crashes import remove_memory
from tests.faults.oracle import Oracle, fresh_mark
from tests.faults.seeds import SCALE
from tests.faults.watching import alive_with, pids, wait_until, wardens_of

ROUNDS = 5 if SCALE == 1 else 100
AT_ONCE = 8
ONE_DAY = 86_400.0
PATIENCE = 60.0
"""Eight interpreters that start at once take long where other things run too."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120 + 30 * ROUNDS)]

HELD = re.compile(r"held by another scheduler \(pid (\d+) on (\S+), started (.*)\)\n")

NODES_OF_A_DAEMON = """#!/bin/sh
env -i /usr/bin/setsid /bin/sleep 902.{mark} >/dev/null 2>&1 &
echo n1
"""


class Owners:
    """Schedulers that all want the same data directory."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.oracle = Oracle(place.path, fresh_mark())
        self._said = place.path / "said"
        self._said.mkdir()
        self._number = 0
        self._started: list[subprocess.Popen[str]] = []
        nodes = self.place.write(
            "nodes.sh", NODES_OF_A_DAEMON.format(mark=self.oracle.mark), mode=0o755
        )
        prefs = {"parent_level": "instance", "script": str(nodes)}
        settings: dict[str, Any] = {
            "nodes": {
                "levels": ["host"],
                "node_sources": [{"source": "script", "prefs": prefs}],
            },
            "resources": {},
        }
        kill = {"method": "term_wait_kill", "kill_wait_ms": 300}
        job = {"kill_subprocess": kill, **self.oracle.job("daemon", ONE_DAY)}
        self.config = place.write_config(config_of(("endless", job), settings=settings))

    def start(self) -> "subprocess.Popen[str]":
        """Start one more; what it says is kept for ``said``."""
        program = Path(sys.executable).with_name("bistro-tui")
        self._number += 1
        with (self._said / str(self._number)).open("w") as said:
            process = subprocess.Popen(
                [
                    *(str(program), str(self.config), "--no-ui"),
                    *("--data-dir", str(self.place.data)),
                ],
                cwd=self.place.path,
                env=self.place.environment() | {"SAID": str(self._number)},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=said,
                text=True,
            )
        self._started.append(process)
        return process

    def wait_until_it_serves(self, process: "subprocess.Popen[str]") -> None:
        wait_until(
            lambda: "serves" in self.said(process) or process.poll() is not None,
            "it serves",
            PATIENCE,
        )
        assert process.poll() is None, self.said(process)

    def said(self, process: "subprocess.Popen[str]") -> str:
        number = self._started.index(process) + 1
        return (self._said / str(number)).read_text()

    def serving(self) -> "subprocess.Popen[str]":
        """Start one and return when it serves and its task runs."""
        process, before = self.start(), len(self.oracle.records())
        self.wait_until_it_serves(process)
        wait_until(lambda: len(self.oracle.records()) > before, "its task runs")
        return process

    def last_of(self, racers: list["subprocess.Popen[str]"]) -> "subprocess.Popen[str]":
        """Return the one that goes on when all others have ended."""
        wait_until(
            lambda: sum(one.poll() is None for one in racers) <= 1,
            "all but one have ended",
            PATIENCE,
        )
        staying = [one for one in racers if one.poll() is None]
        assert len(staying) == 1, [self.said(one) for one in racers]
        return staying[0]

    def refused(self, process: "subprocess.Popen[str]", holder: int) -> None:
        """Fail unless it ended because ``holder`` has the directory, and said so."""
        assert process.wait(PATIENCE) == 4, self.said(process)
        found = HELD.search(self.said(process))
        assert found, self.said(process)
        pid, host, started = found.groups()
        assert (int(pid), host) == (holder, os.uname().nodename)
        age = time.time() - time.mktime(time.strptime(started, "%Y-%m-%d %H:%M:%S"))
        assert -2 < age < 180

    def close(self) -> None:
        for process in self._started:
            process.kill()
            process.wait()
        for one in (
            *alive_with(str(self.place.data)),
            *alive_with(self.oracle.mark),
        ):
            with suppress(ProcessLookupError):
                os.kill(int(one.split()[0]), signal.SIGKILL)
        remove_memory(self.place)


@pytest.fixture
def owners(place: Place) -> Iterator[Owners]:
    made = Owners(place)
    yield made
    made.close()


def test_of_many_that_start_at_once_one_gets_it_and_the_others_say_who(
    owners: Owners,
) -> None:
    for _ in range(ROUNDS):
        # The last one was killed a moment ago, with its task running.
        racers = [owners.start() for _ in range(AT_ONCE)]
        winner = owners.last_of(racers)
        owners.wait_until_it_serves(winner)
        for loser in racers:
            if loser is not winner:
                owners.refused(loser, winner.pid)
        assert winner.poll() is None
        winner.kill()
        winner.wait()
    overlaps = [one for one in owners.oracle.records() if one.what == "overlap"]
    assert not overlaps


def test_the_second_ends_within_a_second_whatever_state_the_first_is_in(
    owners: Owners,
) -> None:
    first = owners.serving()
    worked, taken = [], []
    for number in (signal.SIGCONT, signal.SIGSTOP, signal.SIGCONT):
        first.send_signal(number)
        before, began = cpu_seconds_of_children(), time.monotonic()
        owners.refused(owners.start(), first.pid)
        taken.append(time.monotonic() - began)
        worked.append(cpu_seconds_of_children() - before)
    # Others may want this machine too; it is the program's own time that counts, and
    # that it does not wait for anything.
    assert max(worked) < 1, worked
    assert min(taken) < 1 or min(taken) < 6 * max(worked), (taken, worked)


def cpu_seconds_of_children() -> float:
    """Return what those that have ended took."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_after_a_kill_the_next_start_works_at_once(owners: Owners) -> None:
    for _ in range(3):
        first = owners.serving()
        first.kill()
        # Nobody waits until it is gone, just as in a script.
        second = owners.start()
        first.wait()
        owners.wait_until_it_serves(second)
        assert "held by another scheduler" not in owners.said(second)
        second.kill()
        second.wait()
    overlaps = [one for one in owners.oracle.records() if one.what == "overlap"]
    assert not overlaps


def test_removing_the_lock_lets_nobody_in(owners: Owners) -> None:
    first = owners.serving()
    (owners.place.data / "run" / "lock").unlink()
    second = owners.start()
    assert second.wait(PATIENCE) == 4
    assert "held by another scheduler" in owners.said(second)
    assert first.poll() is None


def locks(place: Place) -> set[tuple[int, int]]:
    """Return which files a scheduler has locked."""
    found = [place.data, place.data / "run" / "lock"]
    recorded = Path((place.data / "run" / "status_files").read_text().strip())
    return {(one.stat().st_dev, one.stat().st_ino) for one in (*found, recorded)}


def has_open(pid: int, files: set[tuple[int, int]]) -> bool:
    with suppress(OSError):
        for name in os.listdir(f"/proc/{pid}/fd"):
            with suppress(OSError):
                found = os.stat(f"/proc/{pid}/fd/{name}")
                if (found.st_dev, found.st_ino) in files:
                    return True
    return False


def paths_open(pid: int, below: Path) -> list[str]:
    links = [os.readlink(f"/proc/{pid}/fd/{n}") for n in os.listdir(f"/proc/{pid}/fd")]
    return [link for link in links if link.startswith(f"{below}/")]


def test_no_task_no_warden_and_no_node_script_has_its_lock(owners: Owners) -> None:
    scheduler = owners.serving()
    run = owners.place.data / "run"
    journals = sorted(str(one) for one in run.glob("warden.*"))
    wait_until(
        lambda: len(wardens_of(scheduler.pid)) == len(journals), "its wardens run"
    )
    mark = owners.oracle.mark
    wait_until(lambda: alive_with(f"900.{mark}"), "the task's daemon runs")
    wait_until(lambda: alive_with(f"901.{mark}"), "its other daemon runs")

    locked = locks(owners.place)

    assert [pid for pid in pids() if has_open(pid, locked)] == [scheduler.pid]
    opened = [paths_open(one, owners.place.data) for one in wardens_of(scheduler.pid)]
    assert sorted(opened) == [[journal] for journal in journals]
