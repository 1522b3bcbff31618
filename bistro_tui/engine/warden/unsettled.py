"""What is kept of attempts that are over until their statuses are stored."""

import contextlib
import time
from collections.abc import Iterable
from typing import NamedTuple

from bistro_tui.engine.warden.files import remove_file, write_end_record
from bistro_tui.engine.warden.untaken import Untaken
from bistro_tui.engine.warden.wire import STDERR, STDOUT, Ended, Start


class _Over(NamedTuple):
    start: Start
    ended: Ended
    untaken: Untaken
    at: float
    """Wall second of the end."""


class Unsettled:
    """The files of attempts that are over belong to it."""

    def __init__(self) -> None:
        self._over: dict[int, _Over] = {}

    def add(self, start: Start, ended: Ended, untaken: Untaken) -> None:
        """Keep an attempt, and output that was told of before its end."""
        self._over[start.number] = _Over(start, ended, untaken, time.time())

    def credit(self, number: int, size: int) -> None:
        """Take note that so much of that output was taken in."""
        over = self._over.get(number)
        if over is not None:
            over.untaken.credit(size)

    def settle(self, numbers: Iterable[int]) -> None:
        """Forget these, and remove their files."""
        for number in numbers:
            over = self._over.pop(number, None)
            if over is not None:
                remove_file(over.start.status_file)
                if over.start.config_file:
                    remove_file(over.start.config_file)

    def leave(self) -> None:
        """Record how they ended beside their status files: nobody will settle them."""
        for over in self._over.values():
            start, ended, untaken, at = over
            stdout = untaken.of(STDOUT) + ended.stdout
            stderr = untaken.of(STDERR) + ended.stderr
            fields = {
                "code": ended.code,
                "signal": ended.signal,
                "core": ended.core,
                "killed": ended.killed,
                "timed_out": ended.timed_out,
                "ended": at,
                "cpu_seconds": ended.cpu_seconds,
                "peak_memory": ended.peak_memory,
            }
            with contextlib.suppress(OSError):
                write_end_record(start.status_file, fields, stdout, stderr)
        self._over.clear()
