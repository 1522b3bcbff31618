"""Rows under a cursor that stays on its item while the rows move."""

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar, TypeVar

from textual.binding import Binding, BindingType
from textual.events import Click, Resize

from bistro_tui.present.filters import filter_chip
from bistro_tui.present.spans import Line, Span
from bistro_tui.present.table import (
    Column,
    Fitted,
    Order,
    column_at,
    fitted,
    next_order,
)
from bistro_tui.widgets.cells import line_cells, padded
from bistro_tui.widgets.painted import NOTHING, Drawn
from bistro_tui.widgets.rows import Rows

R = TypeVar("R")

_TITLE_ROWS = 2
"""Rows above the items: the title, the titles of the columns."""
_LOW = 5
"""Below this height the line of column titles gives its place to a row."""
_MARGINS = 2
"""Cells left and right of a row: the left one shows cursor and mark."""


class RowList(Rows[R]):
    """A titled pane of rows: virtual, filtered, sorted, marked, with a cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "cursor(-1)", "up", show=False, id="cursor.up",
                tooltip="Move up"),
        Binding("down,j", "cursor(1)", "down", show=False, id="cursor.down",
                tooltip="Move down"),
        Binding("ctrl+u", "pages(-0.5)", "half page up", show=False,
                id="cursor.half_page_up", tooltip="Move half a page up"),
        Binding("ctrl+d", "pages(0.5)", "half page down", show=False,
                id="cursor.half_page_down", tooltip="Move half a page down"),
        Binding("pageup", "pages(-1)", "page up", show=False,
                id="cursor.page_up", tooltip="Move a page up"),
        Binding("pagedown", "pages(1)", "page down", show=False,
                id="cursor.page_down", tooltip="Move a page down"),
        Binding("g,home", "first", "first", show=False, id="cursor.first",
                tooltip="Go to the first row"),
        Binding("G,end", "last", "last", show=False, id="cursor.last",
                tooltip="Go to the last row"),
        Binding("space", "mark", "mark", show=False, id="mark.toggle",
                tooltip="Mark the row, or unmark it, and go on to the next"),
        Binding("ctrl+@,ctrl+space", "mark_range", "mark range", show=False,
                id="mark.range", tooltip="Mark all from the last mark to here"),
        Binding("a", "mark_all", "mark all", show=False, id="mark.all",
                tooltip="Mark all rows that fit the filter"),
        Binding("A", "invert_marks", "invert marks", show=False, id="mark.invert",
                tooltip="Mark what is not marked, and only that"),
        Binding("backslash", "clear_marks", "no marks", show=False, id="mark.clear",
                tooltip="Take all marks away"),
        Binding("s", "sort(1)", "sort", show=False, id="sort.next",
                tooltip="Sort by the next column; after the last, as they come"),
        Binding("S", "reverse", "reverse", show=False, id="sort.reverse",
                tooltip="Reverse the order"),
    ]  # fmt: skip

    heading: ClassVar[str] = ""

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.chip = ""
        """What the rows are narrowed to from outside, safe to show."""
        self._fit: tuple[Sequence[Column[R]], int, Fitted[R]] | None = None

    def empty_text(self) -> str:
        """Return what stands in the pane when there are no rows at all."""
        return "none"

    def row_line(self, index: int, row: R, width: int) -> Line:
        """Return one row in ``width`` cells."""
        spans: list[Span] = []
        for column, gap, cells in self._fitted(width):
            line = column.cell(row, cells, self.scene)
            spans.append(Span(" " * gap))
            spans.extend(padded(line, cells, right=column.right))
        return tuple(spans)

    def _fitted(self, width: int) -> Fitted[R]:
        columns = self.columns()
        known = self._fit
        if known is None or known[1] != width or known[0] != columns:
            known = self._fit = (columns, width, fitted(columns, width))
        return known[2]

    # Where the rows stand.

    def rows_moved(self, cursor: int, by: int) -> None:
        """Keep the item under the cursor on its line of the screen."""
        self.extend_to(len(self._rows) + self._head)
        top = self.scroll_offset.y
        if by and top and 0 <= cursor - top < self._page:
            self.scroll_now(top + by)
        self.sync()

    def cursor_moved(self) -> None:
        """Keep the cursor in sight."""
        self._keep_in_view()
        self.sync()

    @property
    def _head(self) -> int:
        height = self.size.height
        has_room = height >= _LOW or max(1, len(self._rows)) <= height - 2
        return _TITLE_ROWS if has_room else 1

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
        if y == 1 and self._head == _TITLE_ROWS:
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
        is_marked = bool(self.marks) and self.key_of(row) in self.marks
        if is_marked:
            mark = Span("■", "mark")
        else:
            mark = Span("▌", "accent") if is_cursor and self.has_focus else Span(" ")
        line = (mark, *self.row_line(index, row, width - _MARGINS))
        look = "marked" if is_marked else ""
        if is_cursor:
            look = "cursor" if self.has_focus else "cursor.off"
        return Drawn(line, look)

    def _empty(self) -> str:
        if self.wanted and self._all:
            return self.filtered_out()
        return self.empty_text()

    def filtered_out(self) -> str:
        """Return what stands in the pane when no row fits the filter."""
        return "nothing fits the filter · Escape clears it"

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
            kept = f" {filter_chip(self.filter_text, 30)} {self.fit_count:,} "
            parts += [
                Span("  "),
                Span(kept, "chip.bad" if self.wanted.error else "chip"),
            ]
            if self.wanted.error:
                parts.append(Span(f" {self.wanted.error}", "error"))
        if self.marks:
            parts += [Span("  "), Span(f" {self.marks_text()} ", "chip.mark")]
        if self.order is not None and not self._shows_order(width):
            by = f"{self.order.glyph} by {self.order.title}"
            parts += [Span("  "), Span(by, "dim")]
        parts.append(Span(" "))
        fill = max(0, width - line_cells(tuple(parts)))
        return (*parts, Span(bar * fill, f"rule{on}"))

    def marks_text(self) -> str:
        """Return how many items are marked, in words; empty for none."""
        if not self.marks:
            return ""
        hidden = f", {self._hidden_marks:,} out of sight" if self._hidden_marks else ""
        return f"■ {len(self.marks):,} marked{hidden}"

    def _shows_order(self, width: int) -> bool:
        if self._head < _TITLE_ROWS:
            return False
        fit = self._fitted(width - _MARGINS)
        return any(self._sorts_by(column) for column, _, _ in fit)

    def _column_titles(self, width: int) -> Line:
        spans: list[Span] = [Span(" ")]
        for column, gap, cells in self._fitted(width - _MARGINS):
            spans.append(Span(" " * gap))
            spans.extend(padded(self._column_title(column), cells, right=column.right))
        return tuple(spans)

    def _column_title(self, column: Column[R]) -> Line:
        if self.order is None or not self._sorts_by(column):
            return (Span(column.title, "head"),)
        glyph = Span(self.order.glyph, "head.on")
        title = Span(column.title, "head.on")
        return (glyph, title) if column.right else (title, glyph)

    # What a person does.

    def focus_changed(self) -> None:
        """Show the cursor where keys will act."""
        if self.has_focus and self.cursor_key is None and self._rows:
            self._stand_on(self._nearest_item(self._cursor, 1))
        self.sync()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Repaint what is other than before; Textual would repaint the titles too."""
        if self.show_vertical_scrollbar:
            self.vertical_scrollbar.position = new_value
        if round(old_value) != round(new_value):
            self.sync()

    def on_resize(self, event: Resize) -> None:
        """Keep the cursor in sight."""
        self.extend_to(len(self._rows) + self._head)
        if self.cursor_key is not None:
            self._keep_in_view()

    def on_click(self, event: Click) -> None:
        """Choose the row under the mouse; twice opens it. A title sorts."""
        if event.y == 1 and self._head == _TITLE_ROWS:
            self._sort_at(event.x)
            return
        index = event.y - self._head + self.scroll_offset.y
        if event.y < self._head or not 0 <= index < len(self._rows):
            return
        if not self.is_item(self._rows[index]):
            return
        self.put_cursor(index)
        if event.ctrl:
            self.mark_current()
            return
        self.clicked(event.x)
        if event.chain == 2:
            self.post_message(self.Opened(self))

    def clicked(self, x: int) -> None:
        """Do more about a click on the row now under the cursor."""

    def _sort_at(self, x: int) -> None:
        column = column_at(self._fitted(self.size.width - _MARGINS), x - 1)
        if column is None or column.sort is None:
            return
        if self._sorts_by(column):
            self.action_reverse()
        else:
            self.sort_by(Order(title=column.title, down=column.first_down))

    def action_cursor(self, step: int) -> None:
        """Move by one row, over what is no item."""
        target = self._cursor + step
        if 0 <= target < len(self._rows):
            self.put_cursor(self._nearest_item(target, step))
        else:
            self.put_cursor(self._cursor)

    def action_pages(self, pages: float) -> None:
        """Move by that part of what is in sight."""
        rows = max(1, int(self._page * abs(pages)))
        step = 1 if pages > 0 else -1
        self._go(max(0, min(self._cursor + rows * step, len(self._rows) - 1)), step)

    def action_first(self) -> None:
        """Go to the first row."""
        self._go(0, 1)

    def action_last(self) -> None:
        """Go to the last row."""
        self._go(len(self._rows) - 1, -1)

    def _go(self, index: int, step: int) -> None:
        if self._rows:
            self.put_cursor(self._nearest_item(index, step))

    def action_mark(self) -> None:
        """Mark the row under the cursor, and go on to the next."""
        if self.current is not None:
            self.mark_current()
            if self._cursor < len(self._rows) - 1:
                self.action_cursor(1)

    def action_mark_range(self) -> None:
        """Mark all from the last mark to the cursor."""
        self.mark_range()

    def action_mark_all(self) -> None:
        """Mark all that fit the filter."""
        self.mark_all()

    def action_invert_marks(self) -> None:
        """Mark what is not marked."""
        self.invert_marks()

    def action_clear_marks(self) -> None:
        """Take all marks away."""
        self.clear_marks()

    def action_sort(self, step: int) -> None:
        """Sort by the next column."""
        self.sort_by(next_order(self.columns(), self.order, step))

    def action_reverse(self) -> None:
        """Turn the order around; without one, take the first."""
        if self.order is None:
            self.action_sort(1)
        else:
            self.sort_by(replace(self.order, down=not self.order.down))
