"""All tasks of a job at once: one cell a node, in the colour of its state."""

from dataclasses import dataclass
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.events import Click, Resize
from textual.message import Message

from bistro_tui.engine.view import JobGrid, NodeName, Reason, TaskId
from bistro_tui.present import words
from bistro_tui.present.clean import clean_name
from bistro_tui.present.filters import Filter, filter_chip
from bistro_tui.present.job_grid import (
    CellLayout,
    cell_at,
    cell_layout,
    cell_line,
    ranks,
    reason_at,
    worst_in,
)
from bistro_tui.present.job_segments import reason_word
from bistro_tui.present.palette import state_of
from bistro_tui.present.spans import Line, Span
from bistro_tui.present.things import TaskThing, Thing
from bistro_tui.widgets.cells import line_cells
from bistro_tui.widgets.free_pane import FreePane
from bistro_tui.widgets.painted import NOTHING, Drawn

_TITLE_ROWS = 1
_MARGIN = 1


class CellMap(FreePane):
    """A cursor on cells; the title names the one under it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "move(-1,0)", "left", show=False, id="cell.left",
                tooltip="Go to the cell before"),
        Binding("right", "move(1,0)", "right", show=False, id="cell.right",
                tooltip="Go to the next cell"),
        Binding("up,k", "move(0,-1)", "up", show=False, id="cell.up",
                tooltip="Go to the cell above"),
        Binding("down,j", "move(0,1)", "down", show=False, id="cell.down",
                tooltip="Go to the cell below"),
        Binding("ctrl+u,pageup", "page(-1)", "page up", show=False,
                id="cell.page_up", tooltip="Go a page of cells up"),
        Binding("ctrl+d,pagedown", "page(1)", "page down", show=False,
                id="cell.page_down", tooltip="Go a page of cells down"),
        Binding("g,home", "ends(0)", "first", show=False, id="cell.first",
                tooltip="Go to the first cell"),
        Binding("G,end", "ends(1)", "last", show=False, id="cell.last",
                tooltip="Go to the last cell"),
    ]  # fmt: skip

    heading = "Nodes"

    @dataclass
    class Opened(Message):
        """A person wants the details of the cell under the cursor."""

        pane: "CellMap"

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.grid: JobGrid | None = None
        self.note = "…"
        """What stands here without a grid, safe to show."""
        self.only: Reason | None = None
        """The reason whose cells stand out; None: all do."""
        self.filter_text = ""
        self._wanted = Filter()
        self._at = 0
        """The task under the cursor, by its place in the grid."""
        self._near = False
        self._ranks = b""
        self._layout = CellLayout(1, 2, 1)

    @property
    def is_near(self) -> bool:
        """Whether a person went from cells of many tasks to cells of one."""
        return self._near

    @property
    def is_far(self) -> bool:
        """Whether a cell stands for several tasks."""
        return self._layout.per_cell > 1

    def show(self, grid: JobGrid | None, now: float) -> None:
        """Take a new grid; the cursor stays on its node."""
        self.now = now
        before, self.grid = self.grid, grid
        if before is not None and grid is not None and before.nodes != grid.nodes:
            self._stay_on(before.nodes[self._at] if before.nodes else None)
        if grid is None:
            self._at, self._near = 0, False
        self._lay_out()

    def _stay_on(self, name: NodeName | None) -> None:
        nodes = () if self.grid is None else self.grid.nodes
        if name is not None and name in nodes:
            self._at = nodes.index(name)
        self._at = max(0, min(self._at, len(nodes) - 1))

    def zoom(self, *, near: bool) -> None:
        """Give each task its own cell, or show all at once again."""
        self._near = near
        self._lay_out()
        self._keep_in_view()

    @property
    def _rows_in_sight(self) -> int:
        return max(1, self.size.height - _TITLE_ROWS)

    def _lay_out(self) -> None:
        reasons = b"" if self.grid is None else self.grid.reasons
        width = self.size.width - 2 * _MARGIN
        self._layout = cell_layout(
            len(reasons), width, self._rows_in_sight, near=self._near
        )
        self._ranks = ranks(reasons, self._layout.per_cell)
        self.extend_to(self._layout.rows(len(reasons)) + _TITLE_ROWS)
        self.sync()

    def on_resize(self, event: Resize) -> None:
        """Find new places for the cells."""
        self._lay_out()
        self._keep_in_view()

    # What is under the cursor.

    @property
    def place(self) -> int | None:
        """The task that keys act on, by its place; of several the one worst off."""
        if self.grid is None or not self.grid.nodes:
            return None
        size = self._layout.per_cell
        if size <= 1:
            return self._at
        start = self._at // size * size
        return start + worst_in(self.grid.reasons[start : start + size])

    def things(self) -> tuple[Thing, ...]:
        """Return the task under the cursor."""
        place = self.place
        if self.grid is None or place is None:
            return ()
        task = TaskId(self.grid.job, self.grid.nodes[place])
        return (TaskThing(task=task),)

    def point_at(self, node: NodeName) -> bool:
        """Put the cursor on that node; False if the job has no task there."""
        if self.grid is None or node not in self.grid.nodes:
            return False
        self._go(self.grid.nodes.index(node))
        return True

    # The filter: what does not fit is faint, Enter goes to the first that does.

    def set_filter(self, text: str) -> None:
        """Point out the nodes that fit."""
        self.filter_text = text
        self._wanted = Filter.parse(text)
        self.sync()

    def choose_first_match(self) -> None:
        """Go to the first node that fits."""
        for at in range(0 if self.grid is None else len(self.grid.nodes)):
            if self._fits(at):
                self._go(at)
                return

    # Drawing.

    def drawn_at(self, y: int) -> Drawn:
        """Return the title, or a row of cells."""
        if y == 0:
            return Drawn(self._title())
        row = y - _TITLE_ROWS + self.scroll_offset.y
        columns = self._layout.columns
        cells = self._ranks[row * columns : (row + 1) * columns]
        if not cells:
            is_first = row == 0 and not self._ranks
            note = "no tasks: its level has no nodes" if self.grid else self.note
            return Drawn((Span("  "), Span(note, "dim"))) if is_first else NOTHING
        line = cell_line(cells, self._layout, plain=self.scene.plain)
        cursor = self._at // self._layout.per_cell - row * columns
        if (self._wanted or self.only) and not self.is_far:
            line = self._sifted(row * columns, cells)
        if 0 <= cursor < len(cells) and self.has_focus:
            line = self._with_cursor(line, cursor, cells[cursor])
        return Drawn((Span(" "), *line))

    def _sifted(self, start: int, cells: bytes) -> Line:
        spans: list[Span] = []
        for at, rank in enumerate(cells, start):
            (cell,) = cell_line(bytes((rank,)), self._layout, plain=self.scene.plain)
            if not self._fits(at):
                glyph = "." if self.scene.plain else "·"
                cell = Span(f"{glyph:<{len(cell.text)}}", "faint")
            spans.append(cell)
        return tuple(spans)

    def _fits(self, at: int) -> bool:
        grid = self.grid
        if grid is None or self.only not in (None, reason_at(grid, at)):
            return False
        return not self._wanted or self._wanted.matches(grid.nodes[at])

    def _with_cursor(self, line: Line, cursor: int, rank: int) -> Line:
        plain = self.scene.plain
        glyph = "@" if plain else cell_at(rank)
        at = cursor * self._layout.pitch
        spans: list[Span] = []
        for span in line:
            if 0 <= at < len(span.text):
                before, after = span.text[:at], span.text[at + 1 :]
                spans += [Span(before, span.style), Span(glyph, "chip")]
                spans.append(Span(after, span.style))
            else:
                spans.append(span)
            at -= len(span.text)
        return tuple(span for span in spans if span.text)

    def _title(self) -> Line:
        on = ".on" if self.has_focus else ""
        bar = "━" if on else "─"
        parts: list[Span] = [
            Span(f"{bar} ", f"rule{on}"),
            Span(self.heading, f"title{on}"),
        ]
        if self.grid is not None:
            parts.append(Span(f" {len(self.grid.nodes):,}", "dim"))
            parts += self._under_cursor()
        if self.filter_text:
            kept = f" {filter_chip(self.filter_text, 30)} "
            parts += [Span("  "), Span(kept, "chip")]
        parts.append(Span(" "))
        fill = max(0, self.size.width - line_cells(tuple(parts)))
        return (*parts, Span(bar * fill, f"rule{on}"))

    def _under_cursor(self) -> list[Span]:
        place = self.place
        if self.grid is None or place is None:
            return []
        reason = reason_at(self.grid, place)
        state = state_of(reason)
        spans: list[Span] = []
        if self.is_far:
            many = words.count(self._layout.per_cell)
            spans.append(Span(f" · a cell is {many}, the worst shown", "dim"))
        name = clean_name(self.grid.nodes[place], limit=48)
        spans += [Span("  "), Span(name, "strong")]
        spans.append(Span(f" {state.glyph} {reason_word(reason)}", state.style))
        return spans

    # What a person does.

    def _go(self, at: int) -> None:
        size = 0 if self.grid is None else len(self.grid.nodes)
        self._at = max(0, min(at, size - 1))
        self._keep_in_view()
        self.sync()

    def _keep_in_view(self) -> None:
        row = self._at // self._layout.per_cell // self._layout.columns
        top = self.scroll_offset.y
        if row < top:
            self.scroll_now(row)
        elif row >= top + self._rows_in_sight:
            self.scroll_now(row - self._rows_in_sight + 1)

    def action_move(self, right: int, down: int) -> None:
        """Move by cells."""
        cells = right + down * self._layout.columns
        target = self._at + cells * self._layout.per_cell
        size = 0 if self.grid is None else len(self.grid.nodes)
        if 0 <= target < size or not down:
            self._go(target)

    def action_page(self, direction: int) -> None:
        """Move by what is in sight."""
        cells = self._layout.columns * self._rows_in_sight * direction
        self._go(self._at + cells * self._layout.per_cell)

    def action_ends(self, end: int) -> None:
        """Go to the first or the last cell."""
        self._go(end * (0 if self.grid is None else len(self.grid.nodes)))

    def on_click(self, event: Click) -> None:
        """Go to the cell under the mouse; twice opens it."""
        row = event.y - _TITLE_ROWS + self.scroll_offset.y
        column = (event.x - _MARGIN) // self._layout.pitch
        if event.y < _TITLE_ROWS or not 0 <= column < self._layout.columns:
            return
        cell = row * self._layout.columns + column
        if cell < len(self._ranks):
            self._go(cell * self._layout.per_cell)
            if event.chain == 2:
                self.post_message(self.Opened(self))
