"""Columns: what a table shows of a row, and how many cells each column gets."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar

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
    sort: Callable[[R], Any] | None = None
    """What rows are put in order by; None for a row: it stands at the end."""

    @property
    def first_down(self) -> bool:
        """Whether sorting begins with the highest: what is looked for in numbers."""
        return self.right


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a person sorted by."""

    title: str
    """Of the column."""
    down: bool = False
    """The highest first."""

    @property
    def glyph(self) -> str:
        """What stands beside the column's title."""
        return "▼" if self.down else "▲"


def next_order(
    columns: Sequence[Column[R]], order: Order | None, step: int = 1
) -> Order | None:
    """Return the order after this one: each column that sorts, then as they come."""
    sorting = [column for column in columns if column.sort is not None]
    titles = [column.title for column in sorting]
    at = titles.index(order.title) if order and order.title in titles else -1
    at = (at + step + 1) % (len(sorting) + 1) - 1
    if at < 0:
        return None
    return Order(title=sorting[at].title, down=sorting[at].first_down)


def ordered(rows: Sequence[R], sort: Callable[[R], Any], *, down: bool) -> Sequence[R]:
    """Return the rows in order; equal ones as they came, those without a value last."""
    values = [sort(row) for row in rows]
    places: Iterable[int] = range(len(values))
    without: list[int] = []
    if None in values:
        without = [i for i, value in enumerate(values) if value is None]
        places = [i for i, value in enumerate(values) if value is not None]
    in_order = sorted(places, key=values.__getitem__, reverse=down)
    return [rows[i] for i in (*in_order, *without)]


Fitted: TypeAlias = list[tuple[Column[R], int, int]]
"""Columns from left to right: each, the gap before it, its width."""


def column_at(columns: Fitted[R], x: int) -> Column[R] | None:
    """Return the column that covers that cell, the gap before it included."""
    for column, gap, width in columns:
        x -= gap + width
        if x < 0:
            return column
    return None


def fitted(columns: Sequence[Column[R]], total: int) -> Fitted[R]:
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
