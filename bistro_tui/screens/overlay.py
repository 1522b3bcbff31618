"""A text over the screen: why, details, problems, help."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.events import Key, Resize
from textual.screen import ModalScreen

from bistro_tui.engine.errors import ControlRefused
from bistro_tui.present.clean import clean_lines
from bistro_tui.present.spans import Line, Span
from bistro_tui.screens.stage import Text
from bistro_tui.screens.work import begin
from bistro_tui.widgets.bars import Bar
from bistro_tui.widgets.cells import line_cells, padded
from bistro_tui.widgets.doc_view import DocView

_FRAME_ROWS = 4


class Overlay(ModalScreen[None], inherit_bindings=False):
    """A title and lines made by ``text``, made anew each second."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter", "close", "back", id="overlay.close",
                tooltip="Close this"),
        # A modal screen hides the app's own bindings, and q means the same everywhere.
        Binding("q", "app.quit_asked", "quit", id="overlay.quit", show=False,
                tooltip="Quit; asks first while tasks run"),
    ]  # fmt: skip

    def __init__(self, title: str, text: Text, *, opened_by: str) -> None:
        super().__init__()
        self._heading = title
        self._text = text
        self._opened_by = opened_by
        self._height = 0
        self._doc = DocView(id="overlay-text")
        self._frame = Vertical(
            Bar(self._title_lines, id="overlay-title"), self._doc, id="overlay"
        )

    def compose(self) -> ComposeResult:
        """Title and text in a frame."""
        yield self._frame

    def on_mount(self) -> None:
        """Take the keyboard, and keep the text true while it is open."""
        self.set_focus(self._doc)
        # Some texts depend on the width, which is known after the first layout.
        self.call_after_refresh(self._ask)
        self.set_interval(1.0, self._ask, name="overlay text")

    def _ask(self) -> None:
        begin(self, self._refill, name="overlay text", exclusive=True)

    async def _refill(self) -> None:
        try:
            lines = await self._text()
        except ControlRefused as refused:
            lines = [(Span(text, "error"),) for text in clean_lines(str(refused))]
        # It may have been closed meanwhile.
        if self._doc.is_attached:
            self._doc.show(lines)
            self._fit()

    def on_resize(self, event: Resize) -> None:
        """Fit into the new size."""
        self._fit()

    def _fit(self) -> None:
        rows = self._doc.line_count
        height = min(rows + _FRAME_ROWS, max(3, self.app.size.height - 2))
        if height != self._height:
            # Each assignment lays the screen out anew.
            self._height = height
            self._frame.styles.height = height

    def _title_lines(self, width: int) -> list[Line]:
        hint = Span(" Escape closes ", "dim")
        room = width - line_cells((hint,))
        title = padded((Span(f" {self._heading}", "brand"),), room)
        return [(*title, hint), (Span("─" * width, "rule"),)]

    def on_key(self, event: Key) -> None:
        """Let the key that opened it close it too."""
        if event.key == self._opened_by:
            event.stop()
            self.dismiss(None)

    def action_close(self) -> None:
        """Go back."""
        self.dismiss(None)
