"""Scheduler and workers as programs that a test starts, kills and starts again."""

import os
import re
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress

from tests.e2e.program import Place
from tests.faults.watching import alive_with, stat_of, wardens_of

SURPRISED = re.compile("internal error|Unhandled|Traceback|never retrieved")
ENDS = (0, 143, -signal.SIGKILL, -signal.SIGTERM)
WORKER_ENDS = (0, 1, -signal.SIGKILL, -signal.SIGTERM)
"""1: it ended itself, as one does that was lost or replaced."""


class Program:
    """A program that is started again and again with the same words."""

    def __init__(
        self,
        name: str,
        words: Sequence[str],
        place: Place,
        *,
        ends: Sequence[int],
        to_a_stop: float,
    ) -> None:
        """``ends``: its exit codes. ``to_a_stop``: seconds, once it is asked to end."""
        self.name = name
        self.log = place.path / f"{name}.log"
        self.is_wanted = False
        """Whether it is to be started again when it has ended."""
        self._words = words
        self._place = place
        self._ends = ends
        self._to_a_stop = to_a_stop
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def process(self) -> "subprocess.Popen[bytes]":
        assert self._process is not None, f"{self.name} was never started"
        return self._process

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it, unless it runs."""
        self.is_wanted = True
        if self.is_running:
            return
        self.check_exit()
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._words,
                cwd=self._place.path,
                env=self._place.environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
            )

    def check_exit(self) -> None:
        """It may have been killed, or have ended as it should; nothing else."""
        if self._process is not None:
            code = self._process.poll()
            assert code in self._ends, f"{self.name}: exit {code}\n{self.tail()}"

    def signal(self, number: int) -> None:
        if self.is_running:
            self.process.send_signal(number)

    def kill(self) -> None:
        """Kill it, and let nobody start it again."""
        self.is_wanted = False
        if self._process is not None:
            self.process.kill()
            self.process.wait()

    def terminate(self) -> None:
        """Ask it to end, and wait until it has."""
        self.is_wanted = False
        self.signal(signal.SIGTERM)
        try:
            self.process.wait(self._to_a_stop)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} does not end\n{self.tail()}") from None
        self.check_exit()

    def wardens(self) -> list[int]:
        return wardens_of(self.process.pid) if self.is_running else []

    def check_log(self) -> None:
        """Whatever happens to it, it may not be surprised."""
        lines = self.log.read_text(errors="replace").splitlines()
        wrong = [line for line in lines if SURPRISED.search(line)]
        assert not wrong, f"{self.name}: {wrong[0]}"

    def tail(self) -> str:
        return f"--- {self.name}\n" + self.log.read_text(errors="replace")[-3000:]


class Worker(Program):
    """A worker with its data directory."""

    def __init__(
        self,
        name: str,
        shard: str,
        words: Sequence[str],
        place: Place,
        *,
        to_a_stop: float,
    ) -> None:
        self.shard = shard
        self.data = place.path / name
        self._older: set[str] = set()
        """Sessions of tasks that its last start has found alive."""
        self._unwatched: set[str] = set()
        """Sessions of tasks that had lost their warden while it ran."""
        self._began = 0
        data = ("--data-dir", str(self.data), "--shard-id", shard)
        words = (*words, *data)
        super().__init__(name, words, place, ends=WORKER_ENDS, to_a_stop=to_a_stop)

    def start(self) -> None:
        """Start it, unless it runs."""
        if not self.is_running:
            self._older, self._unwatched = self.sessions(), set()
            self._began = self.log.stat().st_size if self.log.exists() else 0
        super().start()

    def kill_wardens(self) -> None:
        """Kill them; what they started is then the worker's to end."""
        pids = self.wardens()
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if pids:
            self._unwatched |= self.sessions()

    def ends_others_tasks(self) -> bool:
        """Whether tasks live that no warden of it can end: only it can."""
        return bool(self.sessions() & (self._older | self._unwatched))

    def left(self) -> list[str]:
        """Return its tasks that are alive once it has ended as it was asked to.

        What was alive at its start is a matter of the next one if it was asked before
        it had its data directory.
        """
        with self.log.open("rb") as log:
            log.seek(self._began)
            excused = set() if b" dials " in log.read() else self._older
        return [one for one in self.tasks() if session_of(one) not in excused]

    def sessions(self) -> set[str]:
        """Return those of its tasks that are alive."""
        return {*map(session_of, self.tasks())} - {""}

    def tasks(self) -> list[str]:
        """Return the processes of its tasks that work in its data directory."""
        below, found = f"{self.data}/jobs/", []
        for one in alive_with(self._mark):
            with suppress(OSError):
                if os.readlink(f"/proc/{one.split()[0]}/cwd").startswith(below):
                    found.append(one)
        return found

    _mark = "oracle-task.sh"


def session_of(alive: str) -> str:
    """Return the session of what ``alive_with`` has found; empty if it is gone."""
    return (stat_of(int(alive.split()[0])) or [""] * 4)[3]
