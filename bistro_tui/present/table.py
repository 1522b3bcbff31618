"""Columns: what a table shows of a row, and how many cells each column gets."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from bistro_tui.present.spans import Line, Scene

R = TypeVar("R")

GAP = 2
"""Cells between two columns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column(Generic[R]):
    """One column of rows of type ``R``."""

    title: str
    cell: Callable[[R, int, Scene], Line]
    """Makes the text of one row for that many cells; what is longer is cut."""
    width: int
    """Cells, at least."""
    flex: int = 0
    """Its part of what is left over, against the other columns."""
    most: int = 1000
    """Cells, at most."""
    right: bool = False
    drop: int = 0
    """Where there is no room for all, columns go by the highest number; 0 stays."""
    needs: int = 0
    """Cells of the whole table below which the column goes whatever fits."""
    tight: bool = False
    """Only one cell of gap before it."""


def fitted(
    columns: Sequence[Column[R]], total: int
) -> list[tuple[Column[R], int, int]]:
    """Return the columns that fit into ``total`` cells: each, gap before it, width."""
    kept = [column for column in columns if column.needs <= total]
    while _least(kept) > total and any(column.drop for column in kept):
        kept.remove(max(kept, key=lambda column: column.drop))
    widths = [column.width for column in kept]
    spare = total - _least(kept)
    while spare > 0:
        growing = [
            i
            for i, column in enumerate(kept)
            if column.flex and widths[i] < column.most
        ]
        if not growing:
            break
        parts = sum(kept[i].flex for i in growing)
        given = 0
        for i in growing:
            more = min(spare * kept[i].flex // parts, kept[i].most - widths[i])
            widths[i] += more
            given += more
        if not given:
            widths[growing[0]] += 1
            given = 1
        spare -= given
    return [
        (column, _gap(column) if i else 0, width)
        for i, (column, width) in enumerate(zip(kept, widths, strict=True))
    ]


def _gap(column: Column[R]) -> int:
    return 1 if column.tight else GAP


def _least(columns: Sequence[Column[R]]) -> int:
    return sum(column.width for column in columns) + sum(map(_gap, columns[1:]))
