"""The help over the screen: all keys, or those that a person looks for."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Container

from bistro_tui.present.spans import Line, Span
from bistro_tui.screens.help import help_lines
from bistro_tui.screens.overlay import Overlay
from bistro_tui.widgets.bars import Bar
from bistro_tui.widgets.filter_line import FilterLine
from bistro_tui.widgets.keys import KeyHelp


class HelpOverlay(Overlay, inherit_bindings=False):
    """Shows what keys do, as it is at this moment; ``/`` searches in it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *Overlay.BINDINGS,
        Binding("slash", "search", "search", id="help.search",
                tooltip="Search in the help: keys, words, ids"),
    ]  # fmt: skip

    def __init__(self, keys: Callable[[], Sequence[KeyHelp]]) -> None:
        super().__init__("Help · / searches", self._lines, opened_by="question_mark")
        self._keys = keys
        self._wanted = ""
        self._line = FilterLine(id="help-search")
        self._row = Container(
            Bar(lambda _: [(Span(" /", "key"),)], id="help-sign"),
            self._line,
            id="help-row",
        )
        self._row.display = False

    def on_mount(self) -> None:
        """Have the search line ready."""
        super().on_mount()
        self._frame.mount(self._row)

    async def _lines(self) -> list[Line]:
        return help_lines(self._keys(), self._doc.size.width - 2, self._wanted)

    def _fit(self) -> None:
        # A frame that shrinks with each letter would jump.
        if not self._row.display:
            super()._fit()

    def action_search(self) -> None:
        """Open the search line."""
        self._row.display = True
        self.set_focus(self._line)

    @on(FilterLine.Typed)
    def _typed(self, message: FilterLine.Typed) -> None:
        self._wanted = message.text
        self._ask()

    @on(FilterLine.Applied)
    def _applied(self) -> None:
        self._row.display = bool(self._wanted)
        self.set_focus(self._doc)

    @on(FilterLine.GivenUp)
    def _given_up(self) -> None:
        self._line.value = self._wanted = ""
        self._applied()
        self._ask()
