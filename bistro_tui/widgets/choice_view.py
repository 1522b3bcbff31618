"""Lines to read, of which some can be chosen: a text with a cursor."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.events import Click, Resize
from textual.message import Message

from bistro_tui.present.spans import Line, Span
from bistro_tui.present.why import Row
from bistro_tui.widgets.cells import wrap
from bistro_tui.widgets.painted import NOTHING, Drawn, Painted

_INDENT = 6


class ChoiceView(Painted):
    """Wrapped lines; the cursor goes from one that can be chosen to the next.

    Where none can be, the same keys scroll.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "up", show=False, id="choice.up",
                tooltip="Go to the line above that can be chosen"),
        Binding("down,j", "move(1)", "down", show=False, id="choice.down",
                tooltip="Go to the next line that can be chosen"),
        Binding("ctrl+u,pageup", "half_page(-1)", "half page up", show=False,
                id="choice.half_page_up", tooltip="Scroll half a page up"),
        Binding("ctrl+d,pagedown,space", "half_page(1)", "half page down", show=False,
                id="choice.half_page_down", tooltip="Scroll half a page down"),
        Binding("g,home", "ends(0)", "top", show=False, id="choice.top",
                tooltip="Go to the top"),
        Binding("G,end", "ends(1)", "end", show=False, id="choice.bottom",
                tooltip="Go to the end"),
    ]  # fmt: skip

    class Moved(Message):
        """The cursor stands elsewhere, or on something else."""

    class Wrapped(Message):
        """The text takes another number of lines at its new width."""

    @dataclass
    class Opened(Message):
        """A person chose a line."""

        row: Row

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._rows: Sequence[Row] = ()
        self._lines: list[tuple[Line, int]] = []
        """What is drawn, each with the place of its row."""
        self._cursor: int | None = None

    @property
    def line_count(self) -> int:
        """How many lines the text takes at this width."""
        return len(self._lines)

    @property
    def current(self) -> Row | None:
        """The row under the cursor."""
        return None if self._cursor is None else self._rows[self._cursor]

    def show(self, rows: Sequence[Row]) -> None:
        """Take a new text; the cursor stays on what it stands on."""
        if rows == self._rows:
            return
        before = self.current
        self._rows = rows
        self._cursor = self._found(before)
        self._lay_out()
        self.post_message(self.Moved())

    def begin(self) -> None:
        """Forget the place in the text: it is to be another one."""
        self._rows, self._lines, self._cursor = (), [], None
        self.scroll_now(0)
        self._lay_out()

    def _found(self, before: Row | None) -> int | None:
        places = [i for i, row in enumerate(self._rows) if row.can_be_chosen]
        if before is not None:
            for place in places:
                row = self._rows[place]
                if (row.opens, row.runs) == (before.opens, before.runs):
                    return place
        if not places:
            return None
        if before is None or self._cursor is None:
            return places[0]
        return min(places, key=lambda place: abs(place - (self._cursor or 0)))

    def on_resize(self, event: Resize) -> None:
        """Wrap to the new width."""
        before = self.line_count
        self._lay_out()
        if self.line_count != before:
            self.post_message(self.Wrapped())

    def _lay_out(self) -> None:
        width = max(1, self.size.width - 3)
        self._lines = [
            (line, place)
            for place, row in enumerate(self._rows)
            for line in wrap(row.line, width, indent=_INDENT)
        ]
        self.extend_to(len(self._lines))
        self.sync()

    def drawn_at(self, y: int) -> Drawn:
        """Return one line of the text."""
        index = y + self.scroll_offset.y
        if index >= len(self._lines):
            return NOTHING
        line, place = self._lines[index]
        is_cursor = place == self._cursor
        mark = Span("▌", "accent") if is_cursor else Span(" ")
        return Drawn((mark, *line), "cursor" if is_cursor else "")

    def on_click(self, event: Click) -> None:
        """Choose the line under the mouse; twice opens it."""
        index = event.y + self.scroll_offset.y
        if index < len(self._lines):
            place = self._lines[index][1]
            if self._rows[place].can_be_chosen:
                self._stand_on(place)
                if event.chain == 2:
                    self.post_message(self.Opened(self._rows[place]))

    def _stand_on(self, place: int) -> None:
        self._cursor = place
        lines = [i for i, (_, of) in enumerate(self._lines) if of == place]
        top, height = self.scroll_offset.y, max(1, self.size.height)
        if lines[0] < top:
            self.scroll_now(lines[0])
        elif lines[-1] >= top + height:
            self.scroll_now(lines[-1] - height + 1)
        self.sync()
        self.post_message(self.Moved())

    def action_move(self, step: int) -> None:
        """Go to the next line that can be chosen, or scroll."""
        places = [i for i, row in enumerate(self._rows) if row.can_be_chosen]
        if not places:
            self.scroll_now(max(0, self.scroll_offset.y + step))
            return
        at = places.index(self._cursor) if self._cursor in places else 0
        if 0 <= at + step < len(places):
            self._stand_on(places[at + step])
        else:
            # What only tells, above the first and below the last, is seen so.
            self.scroll_now(max(0, self.scroll_offset.y + step))

    def action_half_page(self, direction: int) -> None:
        """Scroll by half of what is in sight."""
        step = direction * max(1, self.size.height // 2)
        self.scroll_now(max(0, self.scroll_offset.y + step))

    def action_ends(self, end: int) -> None:
        """Go to the top or to the end."""
        places = [i for i, row in enumerate(self._rows) if row.can_be_chosen]
        if places:
            self._stand_on(places[-end])
        self.scroll_now(len(self._lines) * end)
