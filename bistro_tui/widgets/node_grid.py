"""The heat map of nodes: one cell each, under a cursor that stays on its node."""

from bisect import bisect_left
from collections.abc import Hashable, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.events import Click, Resize

from bistro_tui.engine.view import LevelName, NodeRow
from bistro_tui.present.clean import clean_name
from bistro_tui.present.node_grid import LABEL, Layout, cell, layout, legend
from bistro_tui.present.node_index import Picked
from bistro_tui.present.nodes import node_summary
from bistro_tui.present.spans import Line, Span
from bistro_tui.present.table import Column
from bistro_tui.widgets.cells import padded
from bistro_tui.widgets.node_list import NodeList
from bistro_tui.widgets.painted import NOTHING, Drawn

_GROUNDS = ("chip", "badge", "mark")
"""Styles of cells that stand out."""


class NodeGrid(NodeList):
    """Each node of one level a coloured cell; the chosen one is named beneath."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "step(-1)", "up", show=False, id="grid.up",
                tooltip="Move up"),
        Binding("down,j", "step(1)", "down", show=False, id="grid.down",
                tooltip="Move down"),
        Binding("left,h", "cursor(-1)", "left", show=False, id="grid.left",
                tooltip="Go to the node before"),
        Binding("right", "cursor(1)", "right", show=False, id="grid.right",
                tooltip="Go to the next node"),
        Binding("shift+left", "level(-1)", "level above", show=False,
                id="grid.level_above", tooltip="Show the nodes of the level above"),
        Binding("shift+right", "level(1)", "level below", show=False,
                id="grid.level_below", tooltip="Show the nodes of the level below"),
    ]  # fmt: skip

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.level: LevelName | None = None
        """Whose nodes are shown; None without any."""
        self._layout = Layout((), 0)

    def columns(self) -> Sequence[Column[NodeRow]]:
        """Return nothing: there are cells."""
        return ()

    def places(self) -> Sequence[int]:
        """Return the places of the level."""
        return self.index.levels.get(self.level, ()) if self.level is not None else ()

    def index_changed(self) -> None:
        """Show the level that has the most nodes, or go on with the one shown."""
        levels = self.index.levels
        if self.level not in levels:
            self.level = max(levels, key=lambda name: len(levels[name]), default=None)

    def fitting(self, matches: Sequence[int]) -> Sequence[int]:
        """Return those of the level; all below a node that fits fit too."""
        shown = self.places()
        kept = bytearray(len(self.index))
        for place in matches:
            if not kept[place]:
                end = self.index.ends[place]
                kept[place:end] = b"\x01" * (end - place)
        # What is left out is left out below a node that fits, too.
        unwanted = [term for term in self.wanted.terms if not term.is_wanted]
        if unwanted:
            others = bytearray(len(self.index))
            for place in self._matches(self._all, unwanted):
                others[place] = 1
            return [place for place in shown if kept[place] and others[place]]
        return [place for place in shown if kept[place]]

    def reveal(self, place: int) -> None:
        """Show the level of that node."""
        level = self.index.nodes[place].level
        if level != self.level:
            self.level = level
            self._found = None
            self._sift()

    def stand_near(self, key: Hashable) -> None:
        """Put the cursor on that node, or on the first one of the level below it."""
        for place in self._places_of(key):
            shown, end = self.places(), self.index.ends[place]
            at = bisect_left(shown, place)
            if at < len(shown) and shown[at] < end:
                self.point_at_key(self.key_of(self._all[shown[at]]))

    # Where the cells stand.

    @property
    def _head(self) -> int:
        return 2

    @property
    def _page(self) -> int:
        return max(1, self.size.height - self._head - 1)

    def _lay_out(self) -> None:
        rows = self._rows
        places = rows.places if isinstance(rows, Picked) else ()
        self._layout = layout(self.index, places, self.size.width - 2, self._page)
        self.extend_to(len(self._layout.lines) + self._head + 1)

    def rows_moved(self, cursor: int, by: int) -> None:
        """Find new places for the cells."""
        self._lay_out()
        self._keep_in_view()
        self.sync()

    def _keep_in_view(self) -> None:
        if not self._layout.lines:
            return
        line, top = self._layout.line_of(self._cursor), self.scroll_offset.y
        if line < top:
            self.scroll_now(line)
        elif line >= top + self._page:
            self.scroll_now(line - self._page + 1)

    def on_resize(self, event: Resize) -> None:
        """Find new places for the cells, and keep the cursor in sight."""
        event.prevent_default()
        self._lay_out()
        if self.cursor_key is not None:
            self._keep_in_view()

    # Drawing.

    def drawn_at(self, y: int) -> Drawn:
        """Return the title, what cells mean, a line of cells, or the chosen node."""
        if y == 0:
            return Drawn(self._title(self.size.width))
        if y == 1:
            return Drawn((Span("  "), *legend(plain=self.scene.plain)))
        if y == self.size.height - 1:
            return Drawn(self._chosen_line())
        at = y - self._head + self.scroll_offset.y
        if at < len(self._layout.lines):
            return Drawn(self._cells(at))
        if at == 0:
            return Drawn((Span("  "), Span(self._empty(), "dim")))
        return NOTHING

    def _cells(self, at: int) -> Line:
        above, start, end = self._layout.lines[at]
        spans: list[Span] = [Span(" ")]
        if self._layout.indent:
            name = "" if above < 0 else clean_name(self.index.nodes[above].name)
            spans += padded((Span(name, "dim"),), LABEL - 1)
            spans.append(Span(" "))
        plain, troubles = self.scene.plain, self.troubles
        gap = " " * (self._layout.pitch - 1)
        text, style = "", ""
        for number in range(start, end):
            row = self._rows[number]
            span = cell(row, troubles.get(row.name), plain=plain)
            look = self._look(number, span.style)
            if look != style:
                spans.append(Span(text, style))
                text, style = "", look
            text += span.text
            if gap and look in _GROUNDS:
                # Only the cell itself has another ground.
                spans.append(Span(text, style))
                text, style = "", ""
            text += gap
        return (*spans, Span(text, style))

    def _look(self, number: int, style: str) -> str:
        if self.cursor_key is not None and number == self._cursor:
            return "chip" if self.has_focus else "badge"
        if self.marks and self.key_of(self._rows[number]) in self.marks:
            return "mark"
        return style

    def _chosen_line(self) -> Line:
        row = self.current
        if row is None:
            return (Span("  "), Span("left right up down choose a node", "dim"))
        place = self.index.place(row.name)
        above = -1 if place is None else self.index.parents[place]
        path = "" if above < 0 else clean_name(self.index.nodes[above].name, limit=30)
        trouble = self.troubles.get(row.name)
        summary = node_summary(row, trouble, max(0, self.size.width - 30), self.scene)
        return (Span(" "), Span(f"{path} › " if path else "", "dim"), *summary)

    def title_facts(self) -> Line:
        """Return the level, and how many nodes it has."""
        if self.level is None:
            return ()
        name = clean_name(self.level, limit=30)
        count = len(self.places())
        return (Span(f" {count:,}", "dim"), Span(f"  level {name}", "dim"))

    # What a person does.

    def on_click(self, event: Click) -> None:
        """Choose the cell under the mouse; twice opens it."""
        # Else the list's own way of finding a row would follow.
        event.prevent_default()
        line = event.y - self._head + self.scroll_offset.y
        if not self._head <= event.y < self.size.height - 1:
            return
        number = self._layout.cell_at(line, event.x - 1)
        if number is None:
            return
        self.put_cursor(number)
        if event.ctrl:
            self.mark_current()
        elif event.chain == 2:
            self.post_message(self.Opened(self))

    def action_step(self, lines: int) -> None:
        """Go to the cell below or above."""
        if self._layout.lines:
            self.put_cursor(self._layout.step(self._cursor, lines))

    def action_pages(self, pages: float) -> None:
        """Move by that part of what is in sight."""
        lines = max(1, int(self._page * abs(pages)))
        self.action_step(lines if pages > 0 else -lines)

    def action_level(self, step: int) -> None:
        """Show the nodes of the next level."""
        names = list(self.index.levels)
        if self.level not in names:
            return
        at = max(0, min(names.index(self.level) + step, len(names) - 1))
        self.level = names[at]
        self._found = None
        self._sift()
