"""Attempts as a table for people: as wide as the terminal, or as the text needs."""

import os
import sys
from collections.abc import Iterator, Sequence

from rich.cells import cell_len, set_cell_size

from bistro_tui.engine.history import result_word
from bistro_tui.engine.logs.attempts import AttemptRecord
from bistro_tui.present.clean import clean_name
from bistro_tui.present.words import date_time, size, took

_NARROWEST = 60
"""Cells; a smaller terminal breaks the lines."""
_LEAST_TEXT = 16
"""Cells for the last column below which others make room for it."""
TITLES = ("STARTED", "TOOK", "JOB", "NODE", "RESULT", "MEM", "CPU", "EXIT")
_RIGHT = frozenset(("TOOK", "MEM", "CPU"))
_GO_FIRST = ("CPU", "MEM")
_WIDEST_ON_TERMINAL, _WIDEST = 32, 40
"""Cells for a name: one that is long makes all rows as wide as its own."""
_NO = "-"


class HistoryTable:
    """Lays out page after page; the first one decides how wide the columns are."""

    def __init__(self) -> None:
        self._total = _terminal_width()
        self._widths: dict[str, int] = {}

    def lines(self, page: Sequence[AttemptRecord]) -> Iterator[str]:
        """Yield a line an attempt, and before the first of all the titles."""
        rows = [_cells(record) for record in page]
        if not self._widths:
            self._choose(rows)
            yield self._line(dict(zip(TITLES, TITLES, strict=True)))
        yield from map(self._line, rows)

    def _choose(self, rows: Sequence[dict[str, str]]) -> None:
        widths = {
            title: max(cell_len(row[title]) for row in (*rows, {title: title}))
            for title in TITLES[:-1]
        }
        widest = _WIDEST if self._total is None else _WIDEST_ON_TERMINAL
        for title in ("JOB", "NODE"):
            widths[title] = min(widths[title], widest)
        if self._total is not None:
            for title in _GO_FIRST:
                if _taken(widths) + _LEAST_TEXT > self._total:
                    del widths[title]
            over = _taken(widths) + _LEAST_TEXT - self._total
            for title in ("JOB", "NODE"):
                if over > 0:
                    less = min(over, widths[title] - 8)
                    widths[title] -= max(0, less)
                    over -= max(0, less)
        self._widths = widths

    def _line(self, cells: dict[str, str]) -> str:
        parts = [
            _fit(cells[title], width, right=title in _RIGHT)
            for title, width in self._widths.items()
        ]
        rest = cells["EXIT"]
        if self._total is not None:
            rest = _cut(rest, max(0, self._total - _taken(self._widths)))
        return "  ".join((*parts, rest)).rstrip()


def _cells(record: AttemptRecord) -> dict[str, str]:
    memory, cpu = record.peak_memory, record.cpu_seconds
    return {
        "STARTED": _date(record.started),
        "TOOK": took(record.seconds),
        "JOB": clean_name(record.task.job),
        "NODE": clean_name(record.task.node),
        "RESULT": result_word(record.result_bits),
        "MEM": size(memory) if memory is not None else _NO,
        "CPU": took(cpu) if cpu is not None else _NO,
        "EXIT": clean_name(_told(record), limit=500),
    }


def _told(record: AttemptRecord) -> str:
    """Return exit and detail, without saying the same twice."""
    exit_text, detail = record.exit_text, record.detail
    if not detail or exit_text.startswith("failed to start"):
        return exit_text or detail
    return detail if exit_text in detail else f"{exit_text}: {detail}"


def _date(wall: float) -> str:
    try:
        return date_time(wall)
    except (ValueError, OverflowError, OSError):
        # A clock that was set to where no calendar goes.
        return f"{wall:.0f}"


def _taken(widths: dict[str, int]) -> int:
    """Return how many cells come before the last column."""
    return sum(widths.values()) + 2 * len(widths)


def _fit(text: str, width: int, *, right: bool) -> str:
    text = _cut(text, width)
    padding = " " * (width - cell_len(text))
    return padding + text if right else text + padding


def _cut(text: str, width: int) -> str:
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, width - 1) + "…" if width > 0 else ""


def _terminal_width() -> int | None:
    """Return how wide the terminal on stdout is; None: it is none."""
    try:
        return max(_NARROWEST, os.get_terminal_size(sys.stdout.fileno()).columns)
    except (OSError, ValueError, AttributeError):
        return None
