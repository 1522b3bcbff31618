"""Log lines to a stderr that may have nobody who reads it: the engine never waits."""

import logging
import os
import select
import stat
import sys
import threading
import time
from collections import deque

_CHUNK = select.PIPE_BUF
"""Bytes that a pipe which can be written to takes at once."""
_MOST_KEPT = 1 << 20
"""Bytes that are kept for a reader who is late."""
_AGAIN_SEC = 0.5
_AT_THE_END_SEC = 1.0


class PatientStream(logging.Handler):
    """Writes to stderr what it takes at once, and keeps the rest for later.

    Beyond a MiB, whole lines go, and are counted where they are missing.
    """

    def __init__(self, descriptor: int = 2) -> None:
        super().__init__()
        self._descriptor = descriptor
        # Where there was no stderr, the number may be that of any file of ours by now.
        self._is_there = sys.stderr is not None
        self._always_takes = self._is_there and _is_file(descriptor)
        self._kept: deque[memoryview] = deque()
        self._bytes = 0
        self._missing = 0
        self._later: threading.Timer | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record, or keep it."""
        if not self._is_there:
            return
        try:
            line = self.format(record).encode("utf-8", "replace") + b"\n"
        except Exception:  # noqa: BLE001 - a line must not end the engine
            return
        if self._bytes + len(line) > _MOST_KEPT and self._kept:
            self._missing += 1
        else:
            self._keep(line)
        if not self._write():
            self._look_again()

    def flush(self) -> None:
        """Give a late reader a second for what is kept."""
        self.acquire()
        try:
            if not self._write(_AT_THE_END_SEC):
                self._forget()
        finally:
            self.release()

    def _keep(self, line: bytes) -> None:
        if self._missing:
            line = f"({self._missing} log lines are missing here)\n".encode() + line
            self._missing = 0
        self._kept.append(memoryview(line))
        self._bytes += len(line)

    def _write(self, patience_sec: float = 0.0) -> bool:
        """Write what is taken within that time; return whether that was all."""
        deadline = _mono() + patience_sec
        while self._kept:
            if not self._takes(max(0.0, deadline - _mono())):
                return False
            line = self._kept.popleft()
            try:
                part = line if self._always_takes else line[:_CHUNK]
                written = os.write(self._descriptor, part)
            except OSError:
                # Nobody will ever read it.
                self._forget()
                return True
            self._bytes -= written
            if written < len(line):
                self._kept.appendleft(line[written:])
        return True

    def _takes(self, patience_sec: float) -> bool:
        if self._always_takes:
            return True
        poll = select.poll()
        poll.register(self._descriptor, select.POLLOUT)
        return bool(poll.poll(patience_sec * 1000))

    def _forget(self) -> None:
        self._kept.clear()
        self._bytes = 0

    def _look_again(self) -> None:
        if self._later is None:
            self._later = threading.Timer(_AGAIN_SEC, self._again)
            self._later.daemon = True
            try:
                self._later.start()
            except RuntimeError:
                # A host without room for a thread gets the lines with the next one.
                self._later = None

    def _again(self) -> None:
        self.acquire()
        try:
            self._later = None
            if not self._write():
                self._look_again()
        finally:
            self.release()


def _is_file(descriptor: int) -> bool:
    try:
        return stat.S_ISREG(os.fstat(descriptor).st_mode)
    except OSError:
        return False


def _mono() -> float:
    return time.clock_gettime(time.CLOCK_MONOTONIC)
