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
_GOOD_REST, _LEAST_REST = 30, 16
"""Cells for the last column below which others make room for it."""
_GOOD_NAME, _LEAST_NAME = 16, 8
"""Cells of a name that others do not take, and that nothing takes."""
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
    """On a narrow terminal the one with the least number goes first; 0: never.

    One that says nothing in any row goes before those that do.
    """
    colour: Callable[[str], str] = lambda _: ""
    """Return the colour of what stands in a cell; "" for none."""


class Table:
    """Lays out page after page; the first one decides how wide the columns are.

    A later one makes wider what must not be cut: times and numbers.
    """

    def __init__(self, *columns: Column) -> None:
        self._columns = columns
        self._total = terminal_width()
        self._has_colours = has_colours()
        self._widths: list[int] = []
        """By column; below 0: it is not shown."""
        self._shown: list[tuple[int, Column, int]] = []

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
            self._measure()
            yield self._line(titles, is_title=True)
        else:
            self._widen(cleaned)
            self._measure()
        yield from map(self._line, cleaned)

    def _choose(self, rows: Sequence[Sequence[str]]) -> None:
        widest = _WIDEST if self._total is None else _WIDEST_ON_TERMINAL
        for place, column in enumerate(self._columns):
            width = max(_width(row[place]) for row in rows)
            if column.is_name:
                width = min(width, widest)
            self._widths.append(0 if column.is_rest else width)
        if self._total is None:
            return
        has_rest = self._columns[-1].is_rest
        rest = max(_width(row[-1]) for row in rows) if has_rest else 0
        good, least = (
            self._total - min(one, rest) for one in (_GOOD_REST, _LEAST_REST)
        )
        self._drop(good, rows[1:])
        self._narrow(good, _GOOD_NAME)
        self._narrow(least, _LEAST_NAME)

    def _widen(self, rows: Sequence[Sequence[str]]) -> None:
        for place, column in enumerate(self._columns):
            width = self._widths[place]
            if not (width < 0 or column.is_name or column.is_rest):
                self._widths[place] = max(width, *(_width(row[place]) for row in rows))

    def _drop(self, room: int, rows: Sequence[Sequence[str]]) -> None:
        def rank(place: int) -> tuple[bool, int]:
            says = any(row[place] not in ("", NONE) for row in rows)
            return says, self._columns[place].goes

        going = [place for place, one in enumerate(self._columns) if one.goes]
        for place in sorted(going, key=rank):
            if self._taken() > room:
                self._widths[place] = -1

    def _narrow(self, room: int, least: int) -> None:
        """Take what is missing from the names, the widest first."""
        names = [place for place, one in enumerate(self._columns) if one.is_name]
        names = [place for place in names if self._widths[place] > least]
        while names and self._taken() > room:
            widest = max(names, key=self._widths.__getitem__)
            if self._widths[widest] == least:
                return
            self._widths[widest] -= 1

    def _taken(self) -> int:
        """Return how many cells the columns need, but for the rest."""
        shown = [width for width in self._widths if width >= 0]
        return sum(shown) + 2 * (len(shown) - 1)

    def _line(self, row: Sequence[str], *, is_title: bool = False) -> str:
        parts: list[str] = []
        for place, column, width in self._shown:
            text = row[place]
            missing = width - _width(text)
            if missing < 0:
                text, missing = _cut(text, width), 0
            if self._has_colours and text:
                text = painted(text, BOLD if is_title else column.colour(row[place]))
            # Spaces at the end of a line would be copied with it.
            if column.is_rest:
                missing = 0
            parts.append(" " * missing + text if column.right else text + " " * missing)
        return "  ".join(parts).rstrip()

    def _measure(self) -> None:
        """Note what is shown how wide, now that it is decided."""
        taken, total = self._taken(), self._total
        rest = _LONGEST * 8 if total is None else max(0, total - taken)
        self._shown = [
            (place, column, rest if column.is_rest else self._widths[place])
            for place, column in enumerate(self._columns)
            if self._widths[place] >= 0
        ]


def terminal_width() -> int | None:
    """Return how wide the terminal on stdout is; None: it is none."""
    try:
        return max(_NARROWEST, os.get_terminal_size(sys.stdout.fileno()).columns)
    except (OSError, ValueError, AttributeError):
        return None


def _cleaned(cell: object) -> str:
    return clean_name(str(cell), limit=_LONGEST)


def _width(text: str) -> int:
    # A million rows have many cells, and nearly all of them are plain.
    return len(text) if text.isascii() else cell_len(text)


def _cut(text: str, width: int) -> str:
    return set_cell_size(text, width - 1) + "…" if width > 0 else ""
