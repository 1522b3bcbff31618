"""Lines that do not scroll: the head, the footer, notices."""

from collections.abc import Callable

from textual.events import Resize
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from bistro_tui.present.spans import Line
from bistro_tui.widgets.cells import to_strip
from bistro_tui.widgets.theme import inks_of


class Bar(Widget):
    """As many lines as ``make`` gives for the width; asked again on ``sync``."""

    ALLOW_SELECT = False

    def __init__(self, make: Callable[[int], list[Line]], *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._make = make
        self._lines: list[Line] = []

    @property
    def line_count(self) -> int:
        """How many lines there are now."""
        return len(self._lines)

    def sync(self) -> None:
        """Repaint the lines that changed, and grow or shrink with their number."""
        if not self.is_attached:
            return
        width = self.size.width or self.app.size.width
        before, self._lines = self._lines, self._make(width)
        if len(before) != len(self._lines):
            self.styles.height = len(self._lines)
            self.refresh()
            return
        for y, (old, new) in enumerate(zip(before, self._lines, strict=True)):
            if old != new:
                self.refresh(Region(0, y, width, 1))

    def on_mount(self) -> None:
        """Make the first lines."""
        self.sync()

    def on_resize(self, event: Resize) -> None:
        """Make the lines for the new width."""
        self.sync()

    def render_line(self, y: int) -> Strip:
        """Draw one line; called by Textual."""
        line = self._lines[y] if y < len(self._lines) else ()
        strip = to_strip(line, self.size.width, inks=inks_of(self.app))
        return strip.apply_style(self.rich_style)
