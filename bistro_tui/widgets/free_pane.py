"""The base of panes that are no list: grids, charts."""

from bistro_tui.present.things import Thing
from bistro_tui.widgets.painted import Painted


class FreePane(Painted):
    """Takes the keyboard as lists do; a subclass draws what it likes."""

    filter_text = ""

    def things(self) -> tuple[Thing, ...]:
        """Return what keys act on."""
        return ()

    def tick(self, now: float) -> None:
        """Let the ages grow."""
        self.now = now
        self.sync()

    def set_filter(self, text: str) -> None:
        """Narrow what is shown, where the subclass can do that."""

    def choose_first_match(self) -> None:
        """Put the cursor on the first item that fits the filter."""
