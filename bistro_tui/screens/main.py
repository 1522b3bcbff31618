"""The main screen: head, the line of pages, one page, keys."""

from collections.abc import Callable, Mapping
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.events import DescendantFocus, Resize
from textual.screen import Screen

from bistro_tui.engine.view import EngineControl, EngineView, Snapshot
from bistro_tui.present.arrangement import TOO_SMALL, Arrangement, arrangement
from bistro_tui.present.clean import clean_name
from bistro_tui.present.head import banner_lines, page_line, title_line, totals_line
from bistro_tui.present.spans import Line, Scene, Span
from bistro_tui.present.things import Thing
from bistro_tui.screens.acts import Acts
from bistro_tui.screens.overlay import Overlay
from bistro_tui.screens.page import Page, Pane
from bistro_tui.screens.pages import PAGES
from bistro_tui.screens.stage import Text
from bistro_tui.screens.texts import Texts
from bistro_tui.widgets.bars import Bar
from bistro_tui.widgets.filter_line import FilterLine
from bistro_tui.widgets.keys import footer_line
from bistro_tui.widgets.log_view import LogView
from bistro_tui.widgets.row_list import RowList

Say = Callable[[str, bool], None]
"""Shows one sentence for some seconds; the flag says that it is an error."""

_PAGE_LINE_ROWS = 18
"""Below this height the line of pages gives its row to the page."""


def _page_bindings() -> list[BindingType]:
    return [
        Binding(
            page.KEY,
            f"page('{page.KEY}')",
            page.NAME.lower(),
            show=False,
            id=f"go.{page.NAME.lower()}",
            tooltip=f"The page {page.NAME}",
        )
        for page in PAGES
    ]


class MainScreen(Screen[None], inherit_bindings=False):
    """Shows one scheduler: the stage of its pages."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "filter", id="find.filter",
                tooltip="Filter this pane; !word leaves rows out"),
        Binding("e", "switch", "on/off", id="act.toggle",
                tooltip="Enable or disable the job"),
        Binding("w", "why", "why", id="act.why",
                tooltip="Why it runs, waits or failed"),
        Binding("l", "log", "log", id="act.log",
                tooltip="Show and follow its log"),
        Binding("x", "stop", "stop", id="act.stop",
                tooltip="Stop the running task"),
        Binding("F", "forgive", "forgive", id="act.forgive",
                tooltip="Forgive the job's failures: try again"),
        Binding("enter", "details", "details", id="act.details",
                tooltip="Show all details"),
        Binding("tab", "next_pane(1)", "next pane", id="go.next_pane",
                tooltip="Go to the next pane"),
        Binding("shift+tab", "next_pane(-1)", "previous pane", show=False,
                id="go.previous_pane", tooltip="Go to the previous pane"),
        *_page_bindings(),
        Binding("escape", "back", "back", show=False, id="find.back",
                tooltip="Back: clear the filter, then the choice"),
        Binding("exclamation_mark", "problems", "problems", show=False,
                id="go.problems", tooltip="Show all problems in full"),
    ]  # fmt: skip

    AUTO_FOCUS = None

    def __init__(
        self,
        view: EngineView,
        control: EngineControl,
        *,
        snapshot: Snapshot,
        now: Callable[[], float],
        say: Say,
    ) -> None:
        super().__init__(id="main")
        self._view = view
        self._control = control
        self._snapshot = snapshot
        self._clock = now
        self._say = say
        self._frozen: float | None = None
        # Made here rather than looked up later: the app may end before its first mount.
        self._head = Bar(self._head_lines, id="head")
        self._foot = Bar(lambda width: [footer_line(self.app, width)], id="foot")
        self._body = Container(id="pages")
        self._filter = FilterLine(id="filter")
        self._pages: dict[str, Page] = {}
        self._kinds: Mapping[str, type[Page]] = {page.KEY: page for page in PAGES}
        self.page: Page = self._make_page(PAGES[0].KEY)
        """The page in sight."""
        self._acts = Acts(self, self)
        self._texts = Texts(view, lambda: self._snapshot, self.scene)
        self.ready = False
        """Whether there is anything to show something in."""

    # The stage.

    @property
    def view(self) -> EngineView:
        """Where all that is shown comes from."""
        return self._view

    @property
    def control(self) -> EngineControl:
        """Where changes are asked for."""
        return self._control

    @property
    def snapshot(self) -> Snapshot:
        """What is shown now."""
        return self._snapshot

    @property
    def is_frozen(self) -> bool:
        """Whether a person wants nothing to move."""
        return self._frozen is not None

    def scene(self) -> Scene:
        """Return what drawing depends on beside the rows."""
        now = self._clock() if self._frozen is None else self._frozen
        return Scene(now=now, plain=self.app.no_color)

    def say(self, text: str, is_error: bool = False) -> None:
        """Show a sentence for some seconds."""
        self._say(text, is_error)

    def open_text(self, title: str, text: Text, *, opened_by: str) -> None:
        """Show an overlay."""
        self.app.push_screen(Overlay(title, text, opened_by=opened_by))

    def go(self, key: str, thing: Thing | None = None) -> None:
        """Show the page of that key, with the cursor on that item if it has it."""
        if key not in self._kinds:
            return
        page = self._pages.get(key) or self._make_page(key)
        if page is not self.page:
            self.page.display = False
            self.page = page
            if page.is_attached:
                page.display = True
            else:
                self._body.mount(page)
        self._show_page()
        # A new page is mounted in its turn; what keys find is this page already.
        self.call_after_refresh(self._arrived, page, thing)

    def _make_page(self, key: str) -> Page:
        page = self._pages[key] = self._kinds[key](self)
        return page

    def _arrived(self, page: Page, thing: Thing | None) -> None:
        if page is not self.page:
            return
        if thing is not None:
            page.point_at(thing)
        target = page.focus_target()
        if target is not None:
            self.set_focus(target)
        self._show_page()

    # Life.

    def compose(self) -> ComposeResult:
        """Lay out head, page and foot."""
        yield self._head
        with self._body:
            yield self.page
        with Container(id="filter-row"):
            yield Bar(lambda _: [(Span(" /", "key"),)], id="filter-sign")
            yield self._filter
        yield self._foot
        yield Bar(self._too_small_lines, id="small")

    def on_mount(self) -> None:
        """Show what there is."""
        self.bindings_updated_signal.subscribe(self, self._keys_changed)
        self.ready = True
        target = self.page.focus_target()
        if target is not None:
            self.set_focus(target)
        self.show(self._snapshot)

    # What the app tells.

    @property
    def panes(self) -> tuple[Pane, ...]:
        """The panes of the page in sight."""
        return self.page.panes

    def show(self, snapshot: Snapshot) -> None:
        """Show a new snapshot."""
        self._snapshot = snapshot
        self._acts.look(snapshot)
        self._show_page()

    def _show_page(self) -> None:
        if not (self.ready and self.is_attached):
            return
        self._head.sync()
        self._arrange()
        if self.page.is_attached:
            self.page.take(self._snapshot)

    def tick(self, frozen: float | None) -> None:
        """Let the ages grow, up to ``frozen`` if the screen was frozen then."""
        self._frozen = frozen
        if self.page.is_attached:
            self.page.tick()
        self._head.sync()

    # Head, foot, and where things stand.

    def _head_lines(self, width: int) -> list[Line]:
        snapshot = self._snapshot
        live = Scene(now=self._clock(), plain=self.app.no_color)
        rows = self.app.size.height
        lines = [
            title_line(snapshot, live, width, frozen=self._frozen),
            totals_line(snapshot, self.scene(), width),
        ]
        if rows >= _PAGE_LINE_ROWS:
            names = [(page.KEY, page.NAME) for page in PAGES]
            lines.append(page_line(names, self.page.KEY, width))
        return [
            *lines,
            *banner_lines(snapshot.banners, width, max(1, min(5, rows // 10))),
        ]

    def _too_small_lines(self, width: int) -> list[Line]:
        columns, rows = self.app.size
        needed = f"needs {TOO_SMALL[0]}×{TOO_SMALL[1]}"
        return [
            (Span("too small", "strong"),),
            (Span(f"{columns}×{rows}"),),
            (Span(needed, "dim"),),
        ]

    def _keys_changed(self, _: Screen[object]) -> None:
        self._foot.sync()

    def on_resize(self, event: Resize) -> None:
        """Find new places for everything."""
        self._arrange()

    def _arrange(self) -> None:
        if not (self.ready and self.is_attached):
            return
        width, height = self.app.size
        is_small = arrangement(width, height) is Arrangement.TOO_SMALL
        self.set_class(is_small, "-too-small")
        if not is_small:
            self.page.lay_out(width, height - self._head.line_count - 1)

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """Remember where the keyboard is."""
        if isinstance(event.widget, RowList | LogView):
            self.page.active_pane = event.widget
            self._arrange()

    def action_next_pane(self, step: int) -> None:
        """Go on to the next pane."""
        panes = self.panes
        if panes:
            active = self.page.active_pane
            at = panes.index(active) if active in panes else -1
            self.set_focus(panes[(at + step) % len(panes)])

    def action_page(self, key: str) -> None:
        """Show the page of that key."""
        self.go(key)

    def action_back(self) -> None:
        """Undo one step of choosing, then go to the first pane."""
        if not self.page.back() and self.panes:
            self.set_focus(self.panes[0])

    # The filter.

    def action_filter(self) -> None:
        """Open the filter line for the active pane."""
        pane = self.page.active_pane
        if pane is None:
            return
        self.add_class("-filtering")
        self._filter.value = pane.filter_text
        # Widget.focus() waits its turn; the next key must find the line already.
        self.set_focus(self._filter)

    @on(FilterLine.Typed)
    def _filter_typed(self, message: FilterLine.Typed) -> None:
        pane = self.page.active_pane
        if pane is not None and self.has_class("-filtering"):
            pane.set_filter(message.text)

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

    def _close_filter(self) -> Pane | None:
        self.remove_class("-filtering")
        pane = self.page.active_pane
        if pane is not None:
            # The value may be newer than the last message about it.
            pane.set_filter(self._filter.value)
            self.set_focus(pane)
        return pane

    # Acts on what is under the cursor, or marked.

    def action_switch(self) -> None:
        """Enable or disable."""
        self._acts.toggle(self.page.things())

    def action_stop(self) -> None:
        """Stop running tasks."""
        self._acts.stop(self.page.things())

    def action_forgive(self) -> None:
        """Let failed tasks run again."""
        self._acts.forgive(self.page.things())

    def action_log(self) -> None:
        """Show the log of what is under the cursor."""
        self.page.show_log(self.page.things())

    def action_why(self) -> None:
        """Say why something is where it is."""
        for thing in self.page.things()[:1]:
            text = self._texts.why(thing)
            self.open_text(f"Why · {clean_name(str(thing))}", text, opened_by="w")
            return
        self.say("w tells why: put the cursor on a job or a task", True)

    @on(RowList.Opened)
    def _opened(self) -> None:
        self.action_details()

    def action_details(self) -> None:
        """Show all that is known of what is under the cursor."""
        self.page.open_details(self.page.things())

    def action_problems(self) -> None:
        """Show all banners and job errors in full."""
        text = self._texts.problems()
        self.open_text("Problems", text, opened_by="exclamation_mark")
