"""The program on a real terminal, as fast as its other end can be read."""

import fcntl
import http.client
import json
import os
import pty
import re
import signal
import socket
import struct
import termios
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.program import PROGRAM

COLUMNS, LINES = 140, 42
LONGEST_SEC = 60.0
_TICKS = os.sysconf("SC_CLK_TCK")


class Screen:
    """A program on a pty of its own, its output read as it comes, with the times."""

    def __init__(self, *arguments: object) -> None:
        self.raw = bytearray()
        self.chunks: list[tuple[float, int]] = []
        """When output came, and how much there was by then."""
        self._came = threading.Condition()
        self.began = time.perf_counter()
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            size = struct.pack("HHHH", LINES, COLUMNS, 0, 0)
            fcntl.ioctl(0, termios.TIOCSWINSZ, size)
            os.environ["TERM"], os.environ["COLORTERM"] = "xterm-256color", "truecolor"
            os.execv(PROGRAM, [PROGRAM, *map(str, arguments)])
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._fd, 1 << 18)
            except OSError:  # What Linux says at the end.
                return
            now = time.perf_counter()
            with self._came:
                self.raw += data
                self.chunks.append((now, len(self.raw)))
                self._came.notify_all()

    def press(self, keys: str) -> float:
        """Press keys and return when that was."""
        pressed = time.perf_counter()
        os.write(self._fd, keys.encode())
        return pressed

    @property
    def size(self) -> int:
        """Bytes that have come."""
        return len(self.raw)

    def wait_for(
        self, what: bytes, *, since: int = 0, seconds: float = LONGEST_SEC
    ) -> float:
        """Return when ``what`` came, in output that begins at byte ``since``."""
        deadline, looked_at, seen = time.perf_counter() + seconds, since, 0
        with self._came:
            while True:
                for moment, length in self.chunks[seen:]:
                    seen += 1
                    if length <= looked_at:
                        continue
                    if self.raw.find(what, looked_at, length) >= 0:
                        return moment
                    looked_at = max(since, length - len(what))
                left = deadline - time.perf_counter()
                if left <= 0 or not self._came.wait(left):
                    raise TimeoutError(f"{what!r} was not painted in {seconds} s")

    def wait_until_quiet(self, seconds: float, *, at_most: float = 5.0) -> None:
        """Return once nothing has come for so long."""
        deadline = time.perf_counter() + at_most
        while time.perf_counter() < deadline:
            with self._came:
                if not self._came.wait(seconds):
                    return

    def main_thread_sec(self) -> float:
        """Return the processor time of the thread that has the screen."""
        return processor_sec(Path(f"/proc/{self.pid}/task/{self.pid}/stat"))

    def rss_mib(self) -> float:
        """Return the memory that the program uses now."""
        return rss_mib(self.pid)

    def close(self) -> None:
        """End the program."""
        os.kill(self.pid, signal.SIGTERM)
        deadline = time.perf_counter() + 20
        while os.waitpid(self.pid, os.WNOHANG)[0] == 0:
            if time.perf_counter() > deadline:
                os.kill(self.pid, signal.SIGKILL)
            time.sleep(0.02)
        self._reader.join(5)
        os.close(self._fd)

    def __enter__(self) -> "Screen":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def processor_sec(stat: Path) -> float:
    """Return the processor time of a process or thread by its ``stat``."""
    fields = stat.read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def rss_mib(pid: int) -> float:
    """Return the memory that a process uses now."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+)", status)
    assert found is not None
    return int(found[1]) / 1024


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Return once that is so."""
    deadline = time.perf_counter() + LONGEST_SEC
    while not condition():
        if time.perf_counter() > deadline:
            raise TimeoutError(f"{what}: not in {LONGEST_SEC:.0f} s")
        time.sleep(0.02)


def stats(data_dir: Path) -> dict[str, Any]:
    """Return what the handler ``stats`` says."""
    connection = http.client.HTTPConnection("localhost", timeout=30)
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.settimeout(30)
    connection.sock.connect(str(data_dir / "run" / "api.sock"))
    try:
        connection.request("POST", "/", json.dumps({"it": {"handler": "stats"}}))
        answer = json.loads(connection.getresponse().read())
        found: dict[str, Any] = answer["it"]["data"]
        return found
    finally:
        connection.close()


def serves(data_dir: Path) -> bool:
    """Return whether the program answers questions already."""
    try:
        return bool(stats(data_dir)["jobs"])
    except (OSError, KeyError, ValueError):
        return False
