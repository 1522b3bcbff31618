"""The line in which a filter is typed, for the pane that has the keyboard."""

from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType

from bistro_tui.screens.act_keys import ActKeys
from bistro_tui.screens.page import Pane
from bistro_tui.widgets.filter_line import FilterLine


class Filtered(ActKeys):
    """A screen whose panes are filtered while one types."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "filter", id="find.filter",
                tooltip="Filter this pane; !word leaves rows out"),
    ]  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self.filter_line = FilterLine(id="filter", typed=self._filter_typed)

    def filter_changed(self) -> None:
        """Take note that the active pane has another filter."""

    def action_filter(self) -> None:
        """Open the filter line for the active pane."""
        pane = self.page.active_pane
        if pane is None:
            return
        self.add_class("-filtering")
        self.filter_line.value = pane.filter_text
        # Widget.focus() waits its turn; the next key must find the line already.
        self.set_focus(self.filter_line)

    def _filter_typed(self, text: str) -> None:
        pane = self.page.active_pane if self.has_class("-filtering") else None
        if pane is not None and text != pane.filter_text:
            pane.set_filter(text)
            self.filter_changed()

    @on(FilterLine.Applied)
    def _filter_applied(self) -> None:
        pane = self._close_filter()
        if pane is not None and pane.filter_text:
            pane.choose_first_match()

    @on(FilterLine.GivenUp)
    def _filter_given_up(self) -> None:
        pane = self._close_filter()
        if pane is not None:
            pane.set_filter("")
            self.filter_changed()

    def _close_filter(self) -> Pane | None:
        self.remove_class("-filtering")
        pane = self.page.active_pane
        if pane is not None:
            # The value may be newer than the last message about it.
            pane.set_filter(self.filter_line.value)
            self.set_focus(pane)
        return pane
