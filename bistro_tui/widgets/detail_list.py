"""The rows beside a chosen node or resource."""

from collections.abc import Hashable, Mapping, Sequence

from bistro_tui.present.detail_cells import COLUMNS, said_line, section_line
from bistro_tui.present.node_detail import (
    DetailRow,
    Said,
    Section,
    detail_fields,
    detail_key,
    detail_text,
    detail_thing,
    is_detail,
    sifted,
)
from bistro_tui.present.spans import Line, Span
from bistro_tui.present.table import Column
from bistro_tui.present.things import Thing
from bistro_tui.widgets.row_list import RowList


class DetailList(RowList[DetailRow]):
    """Resources, holders, waiters and tasks, each kind below its title."""

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.title = ""
        """What it is about, safe to show."""
        self.facts: Line = ()
        self.empty = "nothing is chosen"

    def key_of(self, row: DetailRow) -> Hashable:
        """Return what it is, and whose."""
        return detail_key(row)

    def text_of(self, row: DetailRow) -> str:
        """Return its name."""
        return detail_text(row)

    def fields(self, row: DetailRow) -> Mapping[str, object]:
        """Return job, node and status."""
        return detail_fields(row)

    def columns(self) -> Sequence[Column[DetailRow]]:
        """Return the columns."""
        return COLUMNS

    def thing_of(self, row: DetailRow) -> Thing | None:
        """Return the task or the resource."""
        return detail_thing(row)

    def is_item(self, row: DetailRow) -> bool:
        """Return whether it is something to act on."""
        return is_detail(row)

    def sifted(self, rows: Sequence[DetailRow]) -> Sequence[DetailRow]:
        """Return the rows that fit, each kind below its title."""
        return sifted(rows, super().sifted(rows)) if self.wanted else rows

    def row_line(self, index: int, row: DetailRow, width: int) -> Line:
        """Return a row, a title or a sentence."""
        match row:
            case Section():
                return section_line(row, width)
            case Said():
                return said_line(row)
            case _:
                return super().row_line(index, row, width)

    def empty_text(self) -> str:
        """Return what stands here when nothing is chosen."""
        return self.empty

    def title_facts(self) -> Line:
        """Return what it is about."""
        return (Span(self.title, "title"), *self.facts)
