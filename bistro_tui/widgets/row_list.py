"""Rows under a cursor that stays on its item while the rows move."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from textual.binding import Binding, BindingType
from textual.events import Click, Resize
from textual.message import Message

from bistro_tui.present.clean import clean_name
from bistro_tui.present.filters import Filter
from bistro_tui.present.spans import Line, Span
from bistro_tui.present.table import Column, fitted
from bistro_tui.present.things import Thing
from bistro_tui.widgets.cells import line_cells, padded
from bistro_tui.widgets.painted import NOTHING, Drawn, Painted

R = TypeVar("R")

_LOW = 5
"""Below this height the line of column titles gives its place to a row."""


class RowList(Painted, Generic[R]):
    """A titled pane of rows: virtual, filtered, with a cursor by identity."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "cursor(-1)", "up", show=False, id="cursor.up",
                tooltip="Move up"),
        Binding("down,j", "cursor(1)", "down", show=False, id="cursor.down",
                tooltip="Move down"),
        Binding("ctrl+u,pageup", "half_page(-1)", "half page up", show=False,
                id="cursor.half_page_up", tooltip="Move half a page up"),
        Binding("ctrl+d,pagedown", "half_page(1)", "half page down", show=False,
                id="cursor.half_page_down", tooltip="Move half a page down"),
        Binding("g,home", "first", "first", show=False, id="cursor.first",
                tooltip="Go to the first row"),
        Binding("G,end", "last", "last", show=False, id="cursor.last",
                tooltip="Go to the last row"),
    ]  # fmt: skip

    heading: ClassVar[str] = ""

    @dataclass
    class Chosen(Message):
        """A person put the cursor on a row."""

        pane: "RowList[Any]"

    @dataclass
    class Opened(Message):
        """A person wants the details of the row under the cursor."""

        pane: "RowList[Any]"

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.cursor_key: Hashable | None = None
        self.wanted = Filter()
        self.filter_text = ""
        self.chip = ""
        """What the rows are narrowed to from outside, safe to show."""
        self._all: Sequence[R] = ()
        self._rows: Sequence[R] = ()
        self._cursor = 0

    # What a subclass says of its rows.

    def key_of(self, row: R) -> Hashable:
        """Return what the row is known by while rows come and go."""
        raise NotImplementedError

    def text_of(self, row: R) -> str:
        """Return what the filter looks at."""
        raise NotImplementedError

    def columns(self) -> Sequence[Column[R]]:
        """Return the columns."""
        raise NotImplementedError

    def thing_of(self, row: R) -> Thing | None:
        """Return what keys act on when the cursor is on that row."""
        return None

    def empty_text(self) -> str:
        """Return what stands in the pane when there are no rows at all."""
        return "none"

    def is_item(self, row: R) -> bool:
        """Return whether the cursor may stand on it."""
        return True

    def sifted(self, rows: Sequence[R]) -> Sequence[R]:
        """Return the rows in sight, by the filter."""
        if not self.wanted:
            return rows
        return [row for row in rows if self.wanted.matches(self.text_of(row))]

    def successor_of(self, key: Hashable) -> Hashable | None:
        """Return where the cursor goes when the row with that key is gone."""
        return None

    def row_line(self, index: int, row: R, width: int) -> Line:
        """Return one row in ``width`` cells."""
        spans: list[Span] = []
        for column, gap, cells in fitted(self.columns(), width):
            line = column.cell(row, cells, self.scene)
            spans.append(Span(" " * gap))
            spans.extend(padded(line, cells, right=column.right))
        return tuple(spans)

    # Rows and cursor.

    @property
    def rows(self) -> Sequence[R]:
        """The rows in sight."""
        return self._rows

    @property
    def current(self) -> R | None:
        """The row under the cursor; None when that row is gone or there is none."""
        if self.cursor_key is None or not 0 <= self._cursor < len(self._rows):
            return None
        row = self._rows[self._cursor]
        return row if self.key_of(row) == self.cursor_key else None

    def things(self) -> tuple[Thing, ...]:
        """Return what keys act on: the marked items, else that under the cursor."""
        row = self.current
        thing = None if row is None else self.thing_of(row)
        return () if thing is None else (thing,)

    def show(self, rows: Sequence[R], now: float) -> None:
        """Take new rows; the cursor and the view stay on their items."""
        self.now = now
        self._all = rows
        self._sift()

    def tick(self, now: float) -> None:
        """Let the ages grow."""
        self.now = now
        self.sync()

    def set_filter(self, text: str) -> None:
        """Show only the rows that fit; an empty text shows all."""
        self.filter_text = text
        self.wanted = Filter.parse(text)
        self._sift()

    def choose_first_match(self) -> None:
        """Put the cursor on the first row that itself fits the filter."""
        for index, row in enumerate(self._rows):
            if self.is_item(row) and self.wanted.matches(self.text_of(row)):
                self.put_cursor(index)
                return

    def put_cursor(self, index: int) -> None:
        """Put the cursor on the row at that place, as a person does."""
        if not self._rows:
            return
        self._stand_on(index)
        self._keep_in_view()
        self.sync()
        self.post_message(self.Chosen(self))

    def _stand_on(self, index: int) -> None:
        self._cursor = max(0, min(index, len(self._rows) - 1))
        self.cursor_key = self.key_of(self._rows[self._cursor])

    def _sift(self) -> None:
        self._rows = self.sifted(self._all)
        before = self._cursor
        self._find_cursor()
        moved = self._cursor - before
        self.extend_to(len(self._rows) + self._head)
        top = self.scroll_offset.y
        if moved and top and 0 <= before - top < self._page:
            self.scroll_now(top + moved)
        self.sync()

    def _find_cursor(self) -> None:
        rows, key = self._rows, self.cursor_key
        if key is None or not rows:
            self._cursor = max(0, min(self._cursor, len(rows) - 1))
            if rows and self.has_focus:
                self._stand_on(self._nearest_item(self._cursor, 1))
            return
        if self._cursor < len(rows) and self.key_of(rows[self._cursor]) == key:
            return
        index = self._index_of(key)
        if index is None and (heir := self.successor_of(key)) is not None:
            index = self._index_of(heir)
        if index is None:
            index = self._nearest_item(min(self._cursor, len(rows) - 1), 1)
        self._stand_on(index)

    def _index_of(self, key: Hashable) -> int | None:
        for index, row in enumerate(self._rows):
            if self.key_of(row) == key:
                return index
        return None

    def _nearest_item(self, index: int, step: int) -> int:
        at = index
        while 0 <= at < len(self._rows) and not self.is_item(self._rows[at]):
            at += step
        return at if 0 <= at < len(self._rows) else index

    @property
    def _head(self) -> int:
        height = self.size.height
        has_room = height >= _LOW or max(1, len(self._rows)) <= height - 2
        return 2 if has_room else 1

    @property
    def _page(self) -> int:
        return max(1, self.size.height - self._head)

    def _keep_in_view(self) -> None:
        top = self.scroll_offset.y
        if self._cursor < top:
            self.scroll_now(self._cursor)
        elif self._cursor >= top + self._page:
            self.scroll_now(self._cursor - self._page + 1)

    # Drawing.

    def drawn_at(self, y: int) -> Drawn:
        """Return the title, the column titles, or a row."""
        width = self.size.width
        if y == 0:
            return Drawn(self._title(width))
        if y == 1 and self._head == 2:
            return Drawn(self._column_titles(width))
        index = y - self._head + self.scroll_offset.y
        if index < len(self._rows):
            return self._drawn_row(index, width)
        if index == 0:
            return Drawn((Span("  "), Span(self._empty(), "dim")))
        return NOTHING

    def _drawn_row(self, index: int, width: int) -> Drawn:
        row = self._rows[index]
        is_cursor = index == self._cursor and self.cursor_key is not None
        mark = Span("▌", "accent") if is_cursor and self.has_focus else Span(" ")
        line = (mark, *self.row_line(index, row, width - 2))
        look = ("cursor" if self.has_focus else "cursor.off") if is_cursor else ""
        return Drawn(line, look)

    def _empty(self) -> str:
        if self.wanted and self._all:
            return "nothing fits the filter · Escape clears it"
        return self.empty_text()

    def title_facts(self) -> Line:
        """Return what stands after the heading."""
        return (Span(f" {len(self._all):,}", "dim"),)

    def _title(self, width: int) -> Line:
        on = ".on" if self.has_focus else ""
        bar = "━" if on else "─"
        parts: list[Span] = [
            Span(f"{bar} ", f"rule{on}"),
            Span(self.heading, f"title{on}"),
        ]
        parts.extend(self.title_facts())
        if self.chip:
            parts += [Span("  "), Span(f" {self.chip} ", "chip")]
        if self.filter_text:
            kept = f" /{clean_name(self.filter_text, limit=30)} {len(self._rows):,} "
            parts += [Span("  "), Span(kept, "chip")]
        parts.append(Span(" "))
        fill = max(0, width - line_cells(tuple(parts)))
        return (*parts, Span(bar * fill, f"rule{on}"))

    def _column_titles(self, width: int) -> Line:
        spans: list[Span] = [Span(" ")]
        for column, gap, cells in fitted(self.columns(), width - 2):
            spans.append(Span(" " * gap))
            title = (Span(column.title, "head"),)
            spans.extend(padded(title, cells, right=column.right))
        return tuple(spans)

    # What a person does.

    def focus_changed(self) -> None:
        """Show the cursor where keys will act."""
        if self.has_focus and self.cursor_key is None and self._rows:
            self._stand_on(self._nearest_item(self._cursor, 1))
        self.sync()

    def on_resize(self, event: Resize) -> None:
        """Keep the cursor in sight."""
        self.extend_to(len(self._rows) + self._head)
        if self.cursor_key is not None:
            self._keep_in_view()

    def on_click(self, event: Click) -> None:
        """Choose the row under the mouse; twice opens it."""
        index = event.y - self._head + self.scroll_offset.y
        if event.y < self._head or not 0 <= index < len(self._rows):
            return
        if not self.is_item(self._rows[index]):
            return
        self.put_cursor(index)
        self.clicked(event.x)
        if event.chain == 2:
            self.post_message(self.Opened(self))

    def clicked(self, x: int) -> None:
        """Do more about a click on the row now under the cursor."""

    def action_cursor(self, step: int) -> None:
        """Move by one row, over what is no item."""
        target = self._cursor + step
        if 0 <= target < len(self._rows):
            nearest = self._nearest_item(target, step)
            if self.is_item(self._rows[nearest]):
                self.put_cursor(nearest)
        else:
            self.put_cursor(self._cursor)

    def action_half_page(self, direction: int) -> None:
        """Move by half of what is in sight."""
        step = max(1, self._page // 2) * direction
        self._go(max(0, min(self._cursor + step, len(self._rows) - 1)), direction)

    def action_first(self) -> None:
        """Go to the first row."""
        self._go(0, 1)

    def action_last(self) -> None:
        """Go to the last row."""
        self._go(len(self._rows) - 1, -1)

    def _go(self, index: int, step: int) -> None:
        if self._rows:
            self.put_cursor(self._nearest_item(index, step))
