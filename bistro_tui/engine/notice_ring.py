"""The last of what the scheduler said of itself, for who asks from outside."""

import logging
import traceback
from collections import deque
from itertools import dropwhile

from bistro_tui.engine.clock import Clock
from bistro_tui.engine.inquiries import Notice

KEPT = 1_000

_SERIALS_A_SECOND = 1_000


class NoticeRing(logging.Handler):
    """Keeps the newest records of a logger, from any thread.

    What comes with each task is left out: records of many lines, below a warning.
    """

    def __init__(self, clock: Clock) -> None:
        super().__init__(logging.INFO)
        self._clock = clock
        self._kept: deque[Notice] = deque(maxlen=KEPT)
        # Above those of the run before: who was told of its last asks on behind that.
        self._serial = max(0, int(clock.now().wall)) * _SERIALS_A_SECOND

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one record."""
        if record.levelno < logging.WARNING and hasattr(record, "lines"):
            return
        try:
            text = text_of(record)
        except Exception:  # noqa: BLE001 - a record that cannot be told ends nothing
            self.handleError(record)
            return
        self._serial += 1
        notice = Notice(
            serial=self._serial,
            at=self._clock.now().wall,
            level=_level(record.levelno),
            text=text,
        )
        self._kept.append(notice)

    def since(self, serial: int) -> tuple[Notice, ...]:
        """Return what was kept after that serial, oldest first."""
        # The lock under which records come.
        self.acquire()
        try:
            kept = tuple(self._kept)
        finally:
            self.release()
        return tuple(dropwhile(lambda one: one.serial <= serial, kept))


def text_of(record: logging.LogRecord) -> str:
    """Return the message of a record, with its exception and where that came from."""
    message = record.getMessage()
    if record.exc_info and record.exc_info[1] is not None:
        where = traceback.extract_tb(record.exc_info[2])[-4:]
        frames = " < ".join(f"{f.name} ({f.filename}:{f.lineno})" for f in where[::-1])
        message += f": {record.exc_info[1]!r} in {frames or 'no frame'}"
    return message


def _level(number: int) -> str:
    if number >= logging.ERROR:
        return "error"
    return "warning" if number >= logging.WARNING else "info"
