"""The program under strace: one of its calls fails, or kills who makes it.

Calls are counted for each thread of scheduler, wardens and tasks by itself, and each
system call for itself; where a path is named, only calls on that file count. So a fault
may happen more than once, in threads that come so far.
"""

import os
import re
import select
import subprocess
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.faults.watching import wait_until

_CALL = re.compile(r"^(\d+) +(\w+)\((.*)", re.MULTILINE)
_TRACER = re.compile(r"^TracerPid:\s*([1-9]\d*)$", re.MULTILINE)
_WITH_PID = 'before=$1 after=$2; shift 2; exec strace -P "$before$$$after" "$@"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """Calls that are counted together."""

    names: str
    """System calls, with commas between."""
    path: str = ""
    """Relative to the directory of the run; empty: on any file, or none.

    PID stands for the number of the program.
    """

    def __str__(self) -> str:
        return f"{self.names} {self.path}".strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """The n-th of these calls of any thread, and what happens there."""

    calls: Calls
    fault: str
    """As strace has it: ``signal=KILL``, ``error=EIO``."""
    n: int

    def __str__(self) -> str:
        return f"{self.fault} at call {self.n} of {self.calls}"


class Traced:
    """A program that was started under strace; ``process`` is the program's own."""

    def __init__(
        self,
        flags: Sequence[str],
        words: Sequence[str],
        log: Path,
        *,
        path: str = "",
        **options: Any,
    ) -> None:
        """``path``: only calls on that file count; ``options``: for Popen."""
        self._log = log
        before, has_pid, after = path.partition("PID")
        # The tracer is a process of its own (-D). So the one that becomes the program
        # is the shell, which knows what number the program will have.
        if has_pid:
            strace = ["/bin/sh", "-c", _WITH_PID, "sh", before, after]
        elif path:
            strace = ["strace", "-P", path]
        else:
            strace = ["strace"]
        common = ["-D", "-f", "-qq", "-y", "-o", str(log), "-e", "signal=none"]
        self.process = subprocess.Popen([*strace, *common, *flags, *words], **options)
        self._tracer = self._find_tracer()

    def wait_for_log(self) -> str:
        """Return what strace wrote, when all that it traces has ended."""
        if self._tracer is not None:
            ready, _, _ = select.select([self._tracer], [], [], 30)
            assert ready, "strace does not end"
            os.close(self._tracer)
            self._tracer = None
        return self._log.read_text(errors="replace")

    def _find_tracer(self) -> int | None:
        """Return a descriptor for the tracer; None if it is through already."""
        status = Path(f"/proc/{self.process.pid}/status")
        found: list[int] = []

        def look() -> bool:
            if match := _TRACER.search(status.read_text()):
                with suppress(ProcessLookupError):
                    found.append(os.pidfd_open(int(match[1])))
            return bool(found) or self.process.poll() is not None

        wait_until(look, "strace has begun")
        return found[0] if found else None


def times_happened(log: str) -> int:
    """Return how many calls were made to fail, or to end who made them."""
    return log.count("(INJECTED") + log.count("= ?")


def most_of_a_thread(log: str, calls: Calls, directory: Path, pid: int) -> int:
    """Return how often one thread made the call that one made most often."""
    names = set(calls.names.split(","))
    path = str(directory / calls.path).replace("PID", str(pid)) if calls.path else ""
    found = Counter(
        (thread, name)
        for thread, name, rest in _CALL.findall(log)
        if name in names and (not path or f"<{path}>" in rest or f'"{path}"' in rest)
    )
    return max(found.values(), default=0)
