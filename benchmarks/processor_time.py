"""A command run to its end: how long it took, and which process used the processor."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

LONGEST_SEC = 900.0
LOOK_SEC = 0.05
"""How often helpers are looked at; what they use after the last look is not seen."""

_TICKS = os.sysconf("SC_CLK_TCK")
_PYTHON = os.path.realpath(sys.executable)
_IDLE = (3, 4)
"""The columns of /proc/stat that are no work: idle and iowait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What a command took, in seconds; its tree's processor time in parts."""

    wall: float
    itself: float
    """The process itself, without its children."""
    helpers: float
    """Children of it that are Python."""
    tree: float
    """It, and all descendants that somebody waited for."""
    system: float
    """All that ran on this machine meanwhile."""

    def __sub__(self, other: "Run") -> "Run":
        """Return what is left without ``other``."""
        return Run(
            wall=self.wall - other.wall,
            itself=self.itself - other.itself,
            helpers=self.helpers - other.helpers,
            tree=self.tree - other.tree,
            system=self.system - other.system,
        )


def run(
    command: Sequence[str], *, stdin: IO[bytes] | int, stdout: IO[bytes], log: Path
) -> Run:
    """Run ``command``, its stderr in ``log``; RuntimeError unless it exits with 0."""
    with log.open("wb") as stderr:
        system, began = _system_sec(), time.perf_counter()
        process = subprocess.Popen(command, stdin=stdin, stdout=stdout, stderr=stderr)
    too_long = threading.Timer(LONGEST_SEC, process.kill)
    too_long.start()
    helpers = _Helpers(process.pid)
    try:
        # A zombie still tells what it used itself, apart from its children.
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    except BaseException:
        process.kill()
        helpers.close()
        raise
    finally:
        too_long.cancel()
    wall, system = time.perf_counter() - began, _system_sec() - system
    itself = _used_sec(process.pid)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    found = helpers.close()
    if process.returncode:
        text = log.read_text(errors="replace")[-2000:]
        raise RuntimeError(f"{command[0]} ended with {process.returncode}:\n{text}")
    return Run(
        wall=wall,
        itself=itself,
        helpers=found,
        tree=used.ru_utime + used.ru_stime,
        system=system,
    )


class _Helpers:
    """Looks again and again at what the Python children of a process have used."""

    def __init__(self, parent: int) -> None:
        self._children = Path(f"/proc/{parent}/task/{parent}/children")
        self._used: dict[int, float] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look_on)
        self._thread.start()

    def close(self) -> float:
        """Return the seconds that all of them have used."""
        self._over.set()
        self._thread.join()
        return sum(self._used.values())

    def _look_on(self) -> None:
        while not self._over.wait(LOOK_SEC):
            for pid in self._pids():
                try:
                    if os.path.realpath(f"/proc/{pid}/exe") == _PYTHON:
                        self._used[pid] = _used_sec(pid)
                except OSError:
                    continue

    def _pids(self) -> list[int]:
        try:
            return [int(word) for word in self._children.read_text().split()]
        except OSError:
            return []


def _used_sec(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _system_sec() -> float:
    first = Path("/proc/stat").read_text().partition("\n")[0]
    # Guest time is in user time already.
    columns = [int(word) for word in first.split()[1:8]]
    return sum(n for i, n in enumerate(columns) if i not in _IDLE) / _TICKS
