"""Tables for people: as wide as the terminal, or as the text needs."""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size

from bistro_tui.cli.colours import BOLD, has_colours, painted
from bistro_tui.present.clean import clean_name

_NARROWEST = 60
"""Cells; a smaller terminal breaks the lines."""
_LEAST_REST = 16
"""Cells for the last column below which others make room for it."""
_LEAST_NAME = 8
_LONGEST = 500
"""Characters of a cell."""
_WIDEST_ON_TERMINAL, _WIDEST = 32, 40
"""Cells for a name: one that is long makes all rows as wide as its own."""

NONE = "-"
"""What stands where there is nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column."""

    title: str
    right: bool = False
    is_name: bool = False
    """Whether it is cut where it would make all rows wide."""
    is_rest: bool = False
    """Whether it takes the room that is left; the last one only."""
    goes: int = 0
    """On a narrow terminal the one with the least number goes first; 0: never."""
    colour: Callable[[str], str] = lambda _: ""
    """Return the colour of what stands in a cell; "" for none."""


class Table:
    """Lays out page after page; the first one decides how wide the columns are."""

    def __init__(self, *columns: Column) -> None:
        self._columns = columns
        self._total = terminal_width()
        self._has_colours = has_colours()
        self._widths: list[int] = []
        """By column; below 0: it is not shown."""

    def text(self, rows: Sequence[Sequence[object]]) -> str:
        """Return a page as one text."""
        return "\n".join(self.lines(rows))

    def lines(self, rows: Sequence[Sequence[object]]) -> Iterator[str]:
        """Yield a line a row, and before the first of all the titles.

        Nothing in a cell can drive a terminal or break its line.
        """
        cleaned = [[_cleaned(cell) for cell in row] for row in rows]
        if not self._widths:
            titles = [column.title for column in self._columns]
            self._choose((titles, *cleaned))
            yield self._line(titles, is_title=True)
        yield from map(self._line, cleaned)

    def _choose(self, rows: Sequence[Sequence[str]]) -> None:
        widest = _WIDEST if self._total is None else _WIDEST_ON_TERMINAL
        for place, column in enumerate(self._columns):
            width = max(cell_len(row[place]) for row in rows)
            if column.is_name:
                width = min(width, widest)
            self._widths.append(0 if column.is_rest else width)
        if self._total is None:
            return
        room = self._total
        has_rest = self._columns[-1].is_rest
        if has_rest:
            room -= min(_LEAST_REST, max(cell_len(row[-1]) for row in rows))
        self._drop(room)
        self._narrow(room)

    def _drop(self, room: int) -> None:
        going = [place for place, one in enumerate(self._columns) if one.goes]
        for place in sorted(going, key=lambda place: self._columns[place].goes):
            if self._taken() > room:
                self._widths[place] = -1

    def _narrow(self, room: int) -> None:
        for place, column in enumerate(self._columns):
            over = self._taken() - room
            if column.is_name and over > 0:
                spare = max(0, self._widths[place] - _LEAST_NAME)
                self._widths[place] -= min(over, spare)

    def _taken(self) -> int:
        """Return how many cells the columns need, but for the rest."""
        shown = [width for width in self._widths if width >= 0]
        return sum(shown) + 2 * (len(shown) - 1)

    def _line(self, row: Sequence[str], *, is_title: bool = False) -> str:
        parts: list[str] = []
        last = len(row) - 1
        for place, column in enumerate(self._columns):
            width, text = self._widths[place], row[place]
            if width < 0:
                continue
            if not column.is_rest:
                text = _cut(text, width)
            elif self._total is not None:
                text = _cut(text, max(0, self._total - self._taken()))
            missing = " " * (0 if column.is_rest else width - cell_len(text))
            if self._has_colours and text:
                text = painted(text, BOLD if is_title else column.colour(row[place]))
            # What ends a line is not followed by spaces, which would be copied too.
            if column.right:
                parts.append(missing + text)
            else:
                parts.append(text if place == last else text + missing)
        return "  ".join(parts).rstrip()


def terminal_width() -> int | None:
    """Return how wide the terminal on stdout is; None: it is none."""
    try:
        return max(_NARROWEST, os.get_terminal_size(sys.stdout.fileno()).columns)
    except (OSError, ValueError, AttributeError):
        return None


def _cleaned(cell: object) -> str:
    return clean_name(str(cell), limit=_LONGEST)


def _cut(text: str, width: int) -> str:
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, width - 1) + "…" if width > 0 else ""
