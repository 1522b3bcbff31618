"""The main screen: head, the line of pages, one page, keys."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.events import DescendantFocus, Resize
from textual.screen import Screen

from bistro_tui.engine.view import EngineControl, EngineView, Snapshot
from bistro_tui.present.arrangement import Arrangement, arrangement
from bistro_tui.present.foot import foot_badges
from bistro_tui.present.head import FREEZE, PAGE, PROBLEMS
from bistro_tui.present.head_rows import head_rows, too_small_lines
from bistro_tui.present.left_off import ScreenLeft
from bistro_tui.present.node_index import IndexKeeper, NodeIndex
from bistro_tui.present.pieces import Pieces
from bistro_tui.present.spans import Line, Scene, Span
from bistro_tui.present.things import Thing
from bistro_tui.present.workers import has_remote
from bistro_tui.screens.acts import Acts
from bistro_tui.screens.command_line import CommandLine, History
from bistro_tui.screens.filtered import Filtered
from bistro_tui.screens.orders import Orders
from bistro_tui.screens.overlay import Overlay
from bistro_tui.screens.page import Page, Pane
from bistro_tui.screens.pages import PAGES, WORKERS, offered_pages, page_bindings
from bistro_tui.screens.stage import Stage, Text
from bistro_tui.screens.texts import Texts
from bistro_tui.screens.visited import Visited
from bistro_tui.screens.work import begin
from bistro_tui.widgets.bars import Bar
from bistro_tui.widgets.free_pane import FreePane
from bistro_tui.widgets.keys import footer_line
from bistro_tui.widgets.log_view import LogView
from bistro_tui.widgets.piece_bar import PieceBar
from bistro_tui.widgets.row_list import RowList
from bistro_tui.widgets.theme import is_plain

Say = Callable[[str, bool, str], None]
"""Shows one sentence for some seconds; whether it is an error, and about what."""

Lend = Callable[[Sequence[str]], Awaitable[str]]
"""Lets a program have the terminal; returns what went wrong."""


class MainScreen(Filtered):
    """Shows one scheduler: the stage of its pages."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "next_pane(1)", "next pane", id="go.next_pane",
                tooltip="Go to the next pane"),
        Binding("shift+tab", "next_pane(-1)", "previous pane", show=False,
                id="go.previous_pane", tooltip="Go to the previous pane"),
        *page_bindings(),
        Binding("0", "workers", "workers", show=False, id="go.workers",
                tooltip="Remote workers, where there are any"),
        Binding("escape", "back", "back", show=False, id="find.back",
                tooltip="Back: clear the filter, then the choice"),
        Binding("backspace", "last_page", "last page", show=False,
                id="go.last_page", tooltip="Back to the page before"),
        Binding("colon", "command", "command", show=False, id="find.command",
                tooltip="Command line: job, node, why, log, stop …"),
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
        lend: Lend,
        is_local: bool = True,
        tabs: Callable[[int], list[Line]] | None = None,
        is_read_only: bool = False,
        settings_problems: Sequence[str] = (),
    ) -> None:
        """``tabs`` makes the line of schedulers where there are several.

        ``settings_problems`` are sentences about the settings of this screen, raw.
        """
        super().__init__()
        self._tabs = None if tabs is None else Bar(tabs, id="tabs")
        self.is_read_only = is_read_only
        self._view = view
        self._control = control
        self._snapshot = snapshot
        self._clock = now
        self._say = say
        self._lend = lend
        self._is_local = is_local
        self._frozen: float | None = None
        self._indexes = IndexKeeper()
        # Made here rather than looked up later: the app may end before its first mount.
        self._head = PieceBar(self._head_rows, id="head")
        self._foot = Bar(self._foot_lines, id="foot")
        self._body = Container(id="pages")
        self._visited = Visited(self, (*PAGES, WORKERS))
        self.acts = Acts(self, self)
        self.texts = Texts(view, lambda: self._snapshot, self.scene, settings_problems)
        self._history = History()
        self.is_arriving = False
        """Whether the page in sight has not got the keyboard yet."""
        self.ready = False
        """Whether there is anything to show something in."""

    # The stage.

    @property
    def standing(self) -> Stage:
        """This screen, as pages see it."""
        return self

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
    def node_index(self) -> NodeIndex:
        """Where each node of the snapshot stands."""
        return self._indexes.of(self._snapshot)

    @property
    def page(self) -> Page:
        """The page in sight."""
        return self._visited.page

    @property
    def is_frozen(self) -> bool:
        """Whether a person wants nothing to move."""
        return self._frozen is not None

    @property
    def is_local(self) -> bool:
        """Whether the scheduler's files are files of this machine."""
        return self._is_local

    async def lend_terminal(self, command: Sequence[str]) -> str:
        """Let a program have the terminal until it ends, while the engine goes on."""
        return await self._lend(command)

    def scene(self) -> Scene:
        """Return what drawing depends on beside the rows."""
        now = self._clock() if self._frozen is None else self._frozen
        return Scene(now=now, plain=is_plain(self.app))

    def say(self, text: str, is_error: bool = False, about: str = "") -> None:
        """Show a sentence for some seconds."""
        self._say(text, is_error, about)

    def open_text(self, title: str, text: Text, *, opened_by: str) -> None:
        """Show an overlay."""
        self.app.push_screen(Overlay(title, text, opened_by=opened_by))

    def go(self, key: str, thing: Thing | None = None) -> None:
        """Show the page of that key, with the cursor on that item if it has it."""
        if not self._visited.has(key):
            return
        before, page = self._visited.turn_to(key), self.page
        if before is not None:
            before.display = False
            if page.is_attached:
                page.display = True
            else:
                self._body.mount(page)
        self._show_page()
        # A new page is mounted in its turn; what keys act on is this page already.
        self.is_arriving = True
        self.call_after_refresh(self._arrived, page, thing)

    def _arrived(self, page: Page, thing: Thing | None) -> None:
        if page is not self.page:
            return
        self.is_arriving = False
        self._visited.restore(page, self._snapshot)
        if thing is not None:
            page.point_at(thing)
        self._focus_page()
        self._show_page()

    def _focus_page(self) -> None:
        target = self.page.focus_target()
        if target is not None:
            self.set_focus(target)

    # Life.

    def compose(self) -> ComposeResult:
        """Lay out head, page and foot."""
        if self._tabs is not None:
            yield self._tabs
        yield self._head
        with self._body:
            yield self.page
        with Container(id="filter-row"):
            yield Bar(lambda _: [(Span(" /", "key"),)], id="filter-sign")
            yield self.filter_line
        yield self._foot
        yield Bar(lambda _: too_small_lines(self.app.size), id="small")

    def on_mount(self) -> None:
        """Show what there is."""
        self.bindings_updated_signal.subscribe(self, self._keys_changed)
        self.ready = True
        self._focus_page()
        self.show(self._snapshot)
        if begin_on := self._visited.begin_on:
            self.call_after_refresh(self.go, begin_on)

    # Leaving and coming back, also in another process.

    def left(self) -> ScreenLeft:
        """Return how the screen is left."""
        return self._visited.left()

    def come_back(self, left: ScreenLeft) -> None:
        """Begin as it was left; to be called before the screen is shown."""
        self._visited.come_back(left)

    # What the app tells.

    @property
    def panes(self) -> tuple[Pane, ...]:
        """The panes of the page in sight."""
        return self.page.panes

    def show(self, snapshot: Snapshot) -> None:
        """Show a new snapshot."""
        self._snapshot = snapshot
        self.acts.look(snapshot)
        self._show_page()

    def _show_page(self) -> None:
        if not (self.ready and self.is_attached):
            return
        self._head.sync()
        self._arrange()
        if self.page.is_attached:
            self.page.take(self._snapshot)
        self._foot.sync()

    def freeze(self, frozen: float | None) -> None:
        """Have nothing move since that wall second; None: let it move.

        May be called before the screen is shown.
        """
        if frozen is not None and self._frozen is None:
            for page in self._visited:
                page.hold_still()
        self._frozen = frozen

    def tick(self, frozen: float | None) -> None:
        """Let the ages grow, up to ``frozen`` if the screen was frozen then."""
        self.freeze(frozen)
        if self.page.is_attached:
            self.page.tick()
        self._head.sync()
        self._foot.sync()

    # Head, foot, and where things stand.

    def _head_rows(self, width: int) -> list[Pieces]:
        return head_rows(
            self._snapshot,
            self.scene(),
            (width, self.app.size.height),
            now=self._clock(),
            frozen=self._frozen,
            pages=offered_pages(self._snapshot, self.page.KEY),
            current=self.page.KEY,
        )

    @on(PieceBar.Clicked, "#head")
    async def _head_clicked(self, message: PieceBar.Clicked) -> None:
        if message.act.startswith(PAGE):
            self.go(message.act.removeprefix(PAGE))
        else:
            act = {PROBLEMS: "screen.problems", FREEZE: "app.freeze"}[message.act]
            await self.run_action(act)

    def filter_changed(self) -> None:
        """Tell the filter in the foot."""
        self._foot.sync()

    def _badges(self) -> Line:
        pane = self.page.active_pane
        return foot_badges(
            filter_text="" if pane is None else pane.filter_text,
            marks=pane.marks_text() if isinstance(pane, RowList) else "",
            is_frozen=self.is_frozen,
            is_read_only=self.is_read_only,
        )

    @on(RowList.Chosen)
    @on(RowList.MarksChanged)
    def _marks_changed(self) -> None:
        self._foot.sync()

    def _foot_lines(self, width: int) -> list[Line]:
        # Not those of an overlay that lies on top: what is under it stays as it is.
        return [footer_line(self, width, self._badges(), self.page.idle_acts())]

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
        was_small = self.has_class("-too-small")
        self.set_class(is_small, "-too-small")
        if not is_small:
            self.page.lay_out(width, height - self._head.line_count - 1)
        if was_small and not is_small and self.focused is None:
            # What was hidden has lost the keyboard.
            self.call_after_refresh(self._focus_page)

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """Remember where the keyboard is."""
        # It may still tell of the page that was left.
        if event.widget in self.page.panes and isinstance(
            event.widget, RowList | LogView | FreePane
        ):
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

    def action_workers(self) -> None:
        """Show the workers; where there are none elsewhere, tell where tasks run."""
        if has_remote(self._snapshot):
            self.go(WORKERS.key)
        else:
            self.say("no remote workers: tasks run where the scheduler runs")

    def action_last_page(self) -> None:
        """Show the page before this one again."""
        self.go(self._visited.last_key)

    def action_back(self) -> None:
        """Undo one step of choosing, then go to the first pane."""
        if not self.page.back() and self.panes:
            self.set_focus(self.panes[0])
        self._foot.sync()

    @on(RowList.Opened)
    def _opened(self) -> None:
        self.action_details()

    # The command line.

    def action_command(self) -> None:
        """Ask for a command."""
        themes = sorted(self.app.available_themes)
        line = CommandLine(self._snapshot, self._history, themes)
        self.app.push_screen(line, self._obey)

    def _obey(self, text: str | None) -> None:
        if text is not None:
            self._history.add(text)
            begin(self, partial(Orders(self).obey, text), name="command")
