"""The base of our widgets that scroll: lines made on demand, repainted when changed.

Textual sends every refreshed line to the terminal whether it changed or not, so a
widget here compares what it would draw with what it drew, and refreshes only that.
"""

from typing import NamedTuple

from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from bistro_tui.present.spans import Line, Scene
from bistro_tui.widgets.cells import to_strip
from bistro_tui.widgets.theme import inks_of, is_plain


class Drawn(NamedTuple):
    """One line of a widget as it stands on the screen."""

    line: Line
    row: str = ""
    """The look of the whole row: ``cursor``, ``cursor.off`` or none."""


NOTHING = Drawn(())


class Painted(ScrollView, can_focus=True):
    """A scrolling widget of lines; a subclass says what stands in each."""

    ALLOW_SELECT = False

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.now = 0.0
        self._drawn: dict[int, Drawn] = {}

    @property
    def scene(self) -> Scene:
        """What the drawing of rows depends on beside the rows."""
        return Scene(now=self.now, plain=is_plain(self.app))

    def drawn_at(self, y: int) -> Drawn:
        """Return what belongs on that line of the widget, 0 at its top."""
        raise NotImplementedError

    def render_line(self, y: int) -> Strip:
        """Draw one line; called by Textual."""
        drawn = self._drawn[y] = self.drawn_at(y)
        inks = inks_of(self.app)
        strip = to_strip(drawn.line, self.size.width, row=drawn.row, inks=inks)
        return strip.apply_style(self.rich_style)

    def sync(self) -> None:
        """Repaint the lines whose content is no longer what was drawn."""
        if not self.is_attached:
            return
        width, height = self.size
        for y in range(height):
            if self._drawn.get(y) != self.drawn_at(y):
                self.refresh(Region(0, y, width, 1))

    def extend_to(self, lines: int) -> None:
        """Tell Textual how many lines there are; relayout only if that shows."""
        size = Size(self.size.width, max(lines, self.size.height))
        if size != self.virtual_size:
            self.virtual_size = size

    def scroll_now(self, y: int) -> None:
        """Put line ``y`` at the top, as far as there is text for that."""
        if self.is_attached:
            self.scroll_to(y=y, animate=False, force=True)

    def focus_changed(self) -> None:
        """Show whether keys go here."""
        self.sync()

    def watch_has_focus(self, value: bool) -> None:
        """Know of it as soon as it is true; the focus event comes before that."""
        super().watch_has_focus(value)
        self.focus_changed()
