"""One of the main screen's pages: panes that share its room."""

from typing import Any, ClassVar, TypeAlias

from textual.containers import Container
from textual.widget import Widget

from bistro_tui.engine.view import Snapshot
from bistro_tui.present.things import Thing
from bistro_tui.screens.stage import Stage
from bistro_tui.widgets.log_view import LogView
from bistro_tui.widgets.row_list import RowList

Pane: TypeAlias = RowList[Any] | LogView
"""A part of a page that takes the keyboard and can be filtered."""


class Page(Container):
    """Shows the newest snapshot while it is in sight; knows what keys act on.

    Made when first visited, and kept: cursor, filter and marks are as they were left.
    """

    KEY: ClassVar[str]
    """The digit that goes here."""
    NAME: ClassVar[str]
    """One word: in the line of pages, in the palette, and as style class."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(id=f"page-{self.NAME.lower()}", classes="page")
        self.stage = stage
        self.active_pane: Pane | None = None
        """Where the keyboard is, or was when this page was in sight."""

    @property
    def panes(self) -> tuple[Pane, ...]:
        """The panes, in the order of the tab key; the first one begins."""
        raise NotImplementedError

    def take(self, snapshot: Snapshot) -> None:
        """Show a new snapshot; called while in sight, and when coming into sight."""
        raise NotImplementedError

    def tick(self) -> None:
        """Let the ages grow; called once a second while in sight."""
        now = self.stage.scene().now
        for pane in self.panes:
            if isinstance(pane, RowList):
                pane.tick(now)

    def lay_out(self, width: int, height: int) -> None:
        """Find places for the panes in that many cells; called before each show."""

    def things(self) -> tuple[Thing, ...]:
        """Return what keys act on: the marked items, else that under the cursor."""
        pane = self.active_pane
        return pane.things() if isinstance(pane, RowList) else ()

    def point_at(self, thing: Thing) -> bool:
        """Put the cursor on that item; return False if this page does not have it."""
        return False

    def back(self) -> bool:
        """Undo one step of choosing; return False if there is none."""
        pane = self.active_pane
        if pane is not None and pane.filter_text:
            pane.set_filter("")
            return True
        return False

    def show_log(self, things: tuple[Thing, ...]) -> None:
        """Show the log of these: on the page of logs, unless this one has its own."""
        self.stage.go("6", things[0] if things else None)

    def open_details(self, things: tuple[Thing, ...]) -> None:
        """Show all that is known of these."""

    def focus_target(self) -> Widget | None:
        """Return what takes the keyboard when this page comes into sight."""
        return self.active_pane or next(iter(self.panes), None)
