"""A text of styled lines to read and scroll: the body of the overlays."""

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.events import Resize

from bistro_tui.present.spans import Line, Span
from bistro_tui.widgets.cells import wrap
from bistro_tui.widgets.painted import NOTHING, Drawn, Painted


class DocView(Painted):
    """Lines, wrapped between words."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "scroll(-1)", "up", show=False, id="text.up",
                tooltip="Scroll up"),
        Binding("down,j", "scroll(1)", "down", show=False, id="text.down",
                tooltip="Scroll down"),
        Binding("ctrl+u,pageup", "half_page(-1)", "half page up", show=False,
                id="text.half_page_up", tooltip="Scroll half a page up"),
        Binding("ctrl+d,pagedown,space", "half_page(1)", "half page down", show=False,
                id="text.half_page_down", tooltip="Scroll half a page down"),
        Binding("g,home", "ends(0)", "top", show=False, id="text.top",
                tooltip="Go to the top"),
        Binding("G,end", "ends(1)", "end", show=False, id="text.bottom",
                tooltip="Go to the end"),
    ]  # fmt: skip

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._lines: list[Line] = [(Span("…", "dim"),)]
        self._rows: list[Line] = []

    @property
    def line_count(self) -> int:
        """How many rows the text takes at this width."""
        return len(self._rows)

    def show(self, lines: list[Line]) -> None:
        """Take a new text; the place in it stays."""
        if lines != self._lines:
            self._lines = lines
            self._lay_out()

    def on_resize(self, event: Resize) -> None:
        """Wrap to the new width."""
        self._lay_out()

    def _lay_out(self) -> None:
        width = max(1, self.size.width - 2)
        self._rows = [
            row for line in self._lines for row in wrap(line, width, indent=6)
        ]
        self.extend_to(len(self._rows))
        self.sync()

    def drawn_at(self, y: int) -> Drawn:
        """Return one row of the text."""
        index = y + self.scroll_offset.y
        if index < len(self._rows):
            return Drawn((Span(" "), *self._rows[index]))
        return NOTHING

    def action_scroll(self, step: int) -> None:
        """Scroll by one row."""
        self.scroll_now(max(0, self.scroll_offset.y + step))

    def action_half_page(self, direction: int) -> None:
        """Scroll by half of what is in sight."""
        self.action_scroll(direction * max(1, self.size.height // 2))

    def action_ends(self, end: int) -> None:
        """Go to the top or to the end."""
        self.scroll_now(len(self._rows) * end)
