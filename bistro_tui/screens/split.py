"""A page of one list and what is known of its chosen row, beside or below it."""

from typing import Any, ClassVar, Generic, TypeVar

from textual.app import ComposeResult

from bistro_tui.present.things import (
    NodeThing,
    ResourceThing,
    TaskThing,
    Thing,
    WorkerThing,
)
from bistro_tui.screens.page import Page, Pane
from bistro_tui.screens.stage import Stage
from bistro_tui.widgets.row_list import RowList

D = TypeVar("D", bound=RowList[Any])

_HIGH = 15
"""Rows below which only the pane with the keyboard is shown."""
_LEAST = 6
"""Rows of the details below the list."""


class SplitPage(Page, Generic[D]):
    """Gives both panes their room; Enter goes from the list to the details."""

    WIDE: ClassVar[int] = 120
    """Columns from which on the details stand beside the list."""

    def __init__(self, stage: Stage, details: D) -> None:
        super().__init__(stage)
        self.details = details

    @property
    def main(self) -> Pane:
        """The list in sight."""
        raise NotImplementedError

    @property
    def mains(self) -> tuple[Pane, ...]:
        """All lists of which one is in sight."""
        return (self.main,)

    def compose(self) -> ComposeResult:
        """Lists and details."""
        yield from self.mains
        yield self.details

    @property
    def panes(self) -> tuple[Pane, ...]:
        """The list in sight and the details."""
        return (self.main, self.details)

    def lay_out(self, width: int, height: int) -> None:
        """Put the details beside the list, below it, or show one of the two."""
        has_keys = self.active_pane is self.details
        is_high = height >= _HIGH
        is_wide = width >= self.WIDE and is_high and not self.wants_all(width, height)
        for pane in self.mains:
            pane.display = pane is self.main and (is_high or not has_keys)
        self.details.display = is_high or has_keys
        self.styles.layout = "horizontal" if is_wide else "vertical"
        if is_wide:
            self.main.styles.width, self.details.styles.width = "1fr", "1fr"
            self.main.styles.height = self.details.styles.height = "100%"
            return
        self.main.styles.width = self.details.styles.width = "100%"
        self.main.styles.height = "1fr"
        share = height // 2 if has_keys else max(_LEAST, height * 2 // 5)
        if self.wants_all(width, height) and not has_keys:
            share = _LEAST
        self.details.styles.height = share if is_high else "1fr"

    def wants_all(self, width: int, height: int) -> bool:
        """Return whether the list needs all columns and most rows."""
        return False

    def back(self) -> bool:
        """Undo one step: the filter, then leave the details."""
        if super().back():
            return True
        if self.active_pane is self.details:
            self.screen.set_focus(self.main)
            return True
        return False

    def open_details(self, things: tuple[Thing, ...]) -> None:
        """From the list go to its details; from those to what is chosen there."""
        if self.active_pane is not self.details:
            self.screen.set_focus(self.details)
            return
        thing = next(iter(things), None)
        if isinstance(thing, TaskThing):
            self.stage.go("5", thing)
        elif isinstance(thing, ResourceThing):
            self.stage.go("4", thing)
        elif isinstance(thing, NodeThing):
            self.stage.go("3", thing)
        elif isinstance(thing, WorkerThing):
            self.stage.go("0", thing)
