"""Log lines: on stderr when headless, in a file beside the data when there is a UI."""

import json
import logging
import logging.handlers
import math
import os
import stat
import time
from collections.abc import Sequence
from io import TextIOWrapper
from pathlib import Path

from bistro_tui.cli.patient_stream import PatientStream
from bistro_tui.engine.notice_ring import NoticeRing, text_of
from bistro_tui.present.clean import clean_lines

ENGINE_LOG = "bistro_tui"
FILE_BYTES = 5 * 1024 * 1024


class TextLines(logging.Formatter):
    """``2026-11-21 20:15:03 WARNING text``; foreign text is made safe to show."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, or the lines where there are several."""
        stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(record.created))
        level = "" if record.levelno == logging.INFO else f"{record.levelname} "
        margin = f"{stamp} {level}"
        lines = _lines(record)
        together = "".join(lines)
        # Almost all text is clean, and there may be 100,000 lines a second.
        if not (together.isascii() and together.isprintable()):
            lines = [_safe(line) for line in lines]
        return margin + f"\n{margin}".join(lines)


class JsonLines(logging.Formatter):
    """One JSON object a line."""

    _encode = json.JSONEncoder().encode

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line of JSON, or as several where it has several."""
        encode = self._encode
        created, level = round(record.created, 3), encode(record.levelname.lower())
        margin = f'{{"time": {created}, "level": {level}, "message": '
        return "\n".join([margin + encode(line) + "}" for line in _lines(record)])


def _safe(message: str) -> str:
    # Only a first line begins at the margin, so that no text can pass for one.
    return "\n    ".join(clean_lines(message))


def _lines(record: logging.LogRecord) -> Sequence[str]:
    """Return the messages of a record: one, or all that were logged together."""
    lines: Sequence[str] | None = getattr(record, "lines", None)
    return (text_of(record),) if lines is None else lines


class _PrivateFile(logging.handlers.RotatingFileHandler):
    """A rotating log whose files only their owner may read."""

    _room: float
    """Bytes that the file still takes; without a bound where it is no file to move."""

    def _open(self) -> TextIOWrapper:
        flags = os.O_CREAT | os.O_APPEND | os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(self.baseFilename, flags, 0o600)
        found = os.fstat(descriptor)
        is_file = stat.S_ISREG(found.st_mode)
        self._room = FILE_BYTES - found.st_size if is_file else math.inf
        return open(descriptor, "a", encoding="utf-8", errors="replace")

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record, to a new file where this one would become too long.

        The library's own looks at the path and formats the record twice, for each one:
        a third of the engine's time where tasks take none.
        """
        try:
            text = self.format(record) + self.terminator
            size = len(text.encode("utf-8", "replace"))
            if size >= self._room:
                self.doRollover()
            assert self.stream is not None, "opened when it was made"
            self._room -= size
            self.stream.write(text)
            self.stream.flush()
        except Exception:  # noqa: BLE001 - as the library: a line must not end the engine
            self.handleError(record)


class JournalLines(logging.Formatter):
    """``<4>text``: the journal keeps time and level itself."""

    _LEVELS = ((logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6))

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, or the lines where there are several."""
        found = (number for level, number in self._LEVELS if record.levelno >= level)
        margin = f"<{next(found, 7)}>"
        lines = [_safe(line) for line in _lines(record)]
        return "\n".join(margin + part for line in lines for part in line.split("\n"))


def log_to_stderr(log_format: str, *, journal: str = "") -> None:
    """Send the engine's log lines to stderr, whether anybody reads them or not.

    ``journal``: what systemd says of the stream that leads to its journal
    (``JOURNAL_STREAM``); text for that has a level that it understands.
    """
    handler = PatientStream()
    if log_format == "json":
        handler.setFormatter(JsonLines())
    else:
        is_journal = bool(journal) and journal == _identity_of_stderr()
        handler.setFormatter(JournalLines() if is_journal else TextLines())
    log_to(handler)


def _identity_of_stderr() -> str:
    try:
        found = os.fstat(2)
    except OSError:
        return ""
    return f"{found.st_dev}:{found.st_ino}"


def file_handler(path: Path) -> logging.Handler:
    """Return a handler that writes to a file, which nobody else may read."""
    os.close(
        os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    )
    handler = _PrivateFile(
        path, maxBytes=FILE_BYTES, backupCount=1, encoding="utf-8", errors="replace"
    )
    handler.setFormatter(TextLines())
    return handler


def log_to(handler: logging.Handler) -> None:
    """Send the engine's log lines to this handler, and to who keeps the newest."""
    logger = logging.getLogger(ENGINE_LOG)
    rings = [one for one in logger.handlers if isinstance(one, NoticeRing)]
    logger.handlers = [handler, *rings]
    logger.setLevel(logging.INFO)
    logger.propagate = False
