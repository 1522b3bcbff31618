"""One run of a foreign program whose output is wanted, and that must not stay."""

import os
import selectors
import signal
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from bistro_tui.engine.clock import Clock
from bistro_tui.engine.config.lexis import shorten
from bistro_tui.engine.nodes.sources.growing import NodeSourceError
from bistro_tui.engine.nodes.sources.session import kill_session

MAX_OUTPUT_BYTES = 64 * 2**20

_MAX_COMPLAINT_BYTES = 4096
"""Of standard error only the end is kept, for the message."""
_LINGER_SEC = 2.0
"""How long a program that has ended may leave its output open to a child."""
_LOOK_SEC = 0.05
"""How soon cancelling is seen, and an end that leaves the output open."""
_CHUNK = 2**16


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What to run, without a shell, and for how long at most."""

    argv: tuple[str, ...]
    directory: Path
    timeout_sec: float

    def run(self, clock: Clock, cancelled: threading.Event) -> bytes:
        """Return what it prints; blocks. Its whole session is gone afterwards.

        Raises NodeSourceError if it cannot start, runs too long, prints too much or
        ends with anything but success.
        """
        try:
            process = subprocess.Popen(
                self.argv,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=self.directory,
                start_new_session=True,
            )
        except OSError as error:
            raise NodeSourceError(f"cannot start: {error.strerror}") from None
        with process:
            try:
                output = _Output(process)
                output.read(clock, clock.now().mono + self.timeout_sec, cancelled)
            except TimeoutError:
                message = f"took longer than {self.timeout_sec:g} s and was killed"
                raise NodeSourceError(message) from None
            finally:
                # Also after success: what it left running would pile up, run by run.
                kill_session(process.pid)
        _check_exit(process.returncode, bytes(output.complaints))
        return bytes(output.printed)


class _Output:
    """Both streams of a process, read side by side."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.printed, self.complaints = bytearray(), bytearray()
        self._process = process

    def read(self, clock: Clock, deadline: float, cancelled: threading.Event) -> None:
        """Read until both ends are closed, or a while after the process has ended."""
        with selectors.DefaultSelector() as selector:
            for stream in (self._process.stdout, self._process.stderr):
                selector.register(_checked(stream), selectors.EVENT_READ)
            linger_until: float | None = None
            while selector.get_map():
                now = clock.now().mono
                if cancelled.is_set() or now >= deadline:
                    raise TimeoutError
                if linger_until is None and _has_ended(self._process.pid):
                    linger_until = now + _LINGER_SEC
                if linger_until is not None and now >= linger_until:
                    return
                for key, _ in selector.select(_LOOK_SEC):
                    if not self._take(key.fd, os.read(key.fd, _CHUNK)):
                        selector.unregister(key.fd)
        while not _has_ended(self._process.pid):
            if cancelled.wait(_LOOK_SEC) or clock.now().mono >= deadline:
                raise TimeoutError

    def _take(self, fd: int, chunk: bytes) -> bool:
        if fd == _checked(self._process.stdout).fileno():
            self.printed += chunk
            if len(self.printed) > MAX_OUTPUT_BYTES:
                raise NodeSourceError(f"printed more than {MAX_OUTPUT_BYTES} bytes")
        else:
            self.complaints += chunk
            del self.complaints[:-_MAX_COMPLAINT_BYTES]
        return bool(chunk)


def _checked(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise NodeSourceError("has no output pipe")
    return stream


def _has_ended(pid: int) -> bool:
    # WNOWAIT leaves it a zombie, so that its number cannot come to mean another
    # process before its session is killed.
    ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    return ended is not None


def _check_exit(code: int, complaints: bytes) -> None:
    if code == 0:
        return
    lines = complaints.decode(errors="replace").split("\n")
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    said = f": {shorten(last, 200)}" if last else ""
    if code < 0:
        raise NodeSourceError(f"was killed by {_signal_name(-code)}{said}")
    raise NodeSourceError(f"exited with status {code}{said}")


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
