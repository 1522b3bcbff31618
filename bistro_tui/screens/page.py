"""One of the main screen's pages: panes that share its room."""

from typing import Any, ClassVar, TypeAlias

from textual.containers import Container
from textual.widget import Widget

from bistro_tui.engine.view import Snapshot
from bistro_tui.present.act_offers import idle_acts
from bistro_tui.present.left_off import PageLeft, PaneLeft
from bistro_tui.present.log_target import log_thing
from bistro_tui.present.things import Thing
from bistro_tui.screens.stage import Stage
from bistro_tui.widgets.free_pane import FreePane
from bistro_tui.widgets.log_view import LogView
from bistro_tui.widgets.row_list import RowList

Pane: TypeAlias = RowList[Any] | LogView | FreePane
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
            pane.tick(now)

    def hold_still(self) -> None:
        """Give up what is being asked: an answer would move what a person froze."""
        self.workers.cancel_node(self)
        for pane in self.panes:
            self.workers.cancel_group(pane, "log older")

    def lay_out(self, width: int, height: int) -> None:
        """Find places for the panes in that many cells; called before each show."""

    def things(self) -> tuple[Thing, ...]:
        """Return what keys act on: the marked items, else that under the cursor."""
        pane = self.active_pane
        return pane.things() if isinstance(pane, RowList | FreePane) else ()

    def idle_acts(self) -> frozenset[str]:
        """Return the ids of keys that would do nothing here and now."""
        return idle_acts(self.stage.snapshot, self.things())

    def point_at(self, thing: Thing) -> bool:
        """Put the cursor on that item; return False if this page does not have it."""
        return False

    def back(self) -> bool:
        """Undo one step of choosing; return False if there is none."""
        pane = self.active_pane
        if isinstance(pane, LogView):
            return pane.step_back()
        if pane is not None and pane.filter_text:
            pane.set_filter("")
            return True
        return False

    def place(self) -> tuple[str, int] | None:
        """Return file and line that the editor opens; None: those of the items."""
        return None

    def show_log(self, things: tuple[Thing, ...]) -> None:
        """Show the log of these: on the page of logs, unless this one has its own."""
        self.stage.go("6", log_thing(things))

    def open_details(self, things: tuple[Thing, ...]) -> None:
        """Show all that is known of these."""

    def focus_target(self) -> Widget | None:
        """Return what takes the keyboard when this page comes into sight."""
        return self.active_pane or next(iter(self.panes), None)

    # Leaving and coming back, also in another process.

    def left(self) -> PageLeft:
        """Return how this page is left."""
        things, panes = self.things(), self.panes
        return PageLeft(
            thing=things[0] if things else None,
            pane=panes.index(self.active_pane) if self.active_pane in panes else 0,
            panes=tuple(
                PaneLeft(
                    filter_text=pane.filter_text,
                    order=pane.order if isinstance(pane, RowList) else None,
                )
                for pane in panes
            ),
        )

    def come_back(self, left: PageLeft) -> None:
        """Show again what was shown, as far as it is still there."""
        panes = self.panes
        for pane, was in zip(panes, left.panes, strict=False):
            if was.filter_text:
                pane.set_filter(was.filter_text)
            if was.order is not None and isinstance(pane, RowList):
                pane.sort_by(was.order)
        if left.pane < len(panes):
            self.active_pane = panes[left.pane]
        if left.thing is not None:
            self.point_at(left.thing)
