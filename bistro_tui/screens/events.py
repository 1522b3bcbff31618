"""Page 8: the config file, what is wrong in it, and what the scheduler did."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult

from bistro_tui.engine.config.file_read import read_file
from bistro_tui.engine.errors import ConfigUnusable, ControlRefused
from bistro_tui.engine.view import ConfigFacts, ConfigProblem, Notice, Snapshot
from bistro_tui.present.arrangement import stacked
from bistro_tui.present.clean import clean_lines
from bistro_tui.present.config_events import (
    FileLine,
    excerpt,
    file_lines,
    notice_facts,
    problem_facts,
    problems_of,
)
from bistro_tui.present.spans import Line
from bistro_tui.present.things import Thing
from bistro_tui.screens.page import Page, Pane
from bistro_tui.screens.stage import Stage
from bistro_tui.screens.work import begin
from bistro_tui.widgets.config_lists import EventsList, FileView, ProblemsList
from bistro_tui.widgets.rows import Rows

_SECONDS = 1.0
_WIDE = 110
_MOST_EVENTS = 2_000


class EventsPage(Page):
    """Problems above the file, and events beside them."""

    KEY: ClassVar[str] = "8"
    NAME: ClassVar[str] = "Events"

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self._problems = ProblemsList(id="config-problems")
        self._events = EventsList(id="events")
        self._file = FileView(id="config-file")
        self._notices: list[Notice] = []
        self._started = 0.0
        self._known: tuple[object, ...] = ()
        """What the file was like when it was read."""
        self.active_pane = self._problems

    def compose(self) -> ComposeResult:
        """The panes; their places come from the size of the screen."""
        yield self._problems
        yield self._events
        yield self._file

    def on_mount(self) -> None:
        """Begin to ask, about once a second."""
        self._ask()
        self.set_interval(_SECONDS, self._ask, name="events")

    @property
    def panes(self) -> tuple[Pane, ...]:
        """The panes, in the order of the tab key."""
        return (self._problems, self._events, self._file)

    def take(self, snapshot: Snapshot) -> None:
        """Show the problems of jobs as soon as they are known."""
        if snapshot.state.started != self._started:
            # Another scheduler counts its events from the start.
            self._started, self._notices = snapshot.state.started, []
        self._show_problems()

    def lay_out(self, width: int, height: int) -> None:
        """Two columns, or one pane below the other, or only the active one."""
        active = self.active_pane or self._problems
        is_single, is_wide = height < 15, width >= _WIDE
        self.set_class(is_single, "-single")
        for pane in self.panes:
            pane.set_class(pane is active, "-active")
        few = min(max(1, len(self._problems.rows)) + 2, max(4, height // 3))
        styles = self.styles
        if is_wide and not is_single:
            styles.layout = "grid"
            styles.grid_size_columns, styles.grid_size_rows = 2, 2
            styles.grid_rows = f"{few} 1fr"
            styles.grid_columns = "1fr 1fr"
            styles.grid_gutter_vertical = 1
            self._events.styles.row_span = 2
            for pane in self.panes:
                pane.styles.height = "1fr"
            return
        styles.layout = "vertical"
        if is_single:
            return
        heights = stacked(height, self.panes.index(active), (few, None, None))
        for pane, rows in zip(self.panes, heights, strict=True):
            pane.styles.height = rows

    # What is asked.

    def _ask(self) -> None:
        if not self.stage.is_frozen and self.display:
            begin(self, self._refresh, name="config and events", exclusive=True)

    async def _refresh(self) -> None:
        await self._ask_config()
        await self._ask_notices()

    async def _ask_config(self) -> None:
        try:
            facts = await self.stage.view.config_facts()
        except ControlRefused as refused:
            self._problems.refused = clean_lines(str(refused))[0]
            self._problems.sync()
            return
        self._problems.refused = ""
        self._problems.facts = facts
        self._show_problems()
        await self._read_file(facts)

    def _show_problems(self) -> None:
        facts, shown = self._problems.facts, self.stage.snapshot
        if facts is None:
            return
        found = problems_of(facts, shown.jobs, shown.banners)
        before = len(self._problems.rows)
        self._problems.show(found, self.stage.scene().now)
        self._file.wrong = {
            problem.line: problem.is_error
            for problem in reversed(found)
            if problem.line > 0 and problem.file in ("", facts.path)
        }
        self._file.sync()
        if len(self._problems.rows) != before and self.display:
            self.lay_out(*self.size)

    async def _ask_notices(self) -> None:
        last = self._notices[-1].serial if self._notices else 0
        started = self._started
        try:
            news = await self.stage.view.notices(after=last)
        except ControlRefused as refused:
            self._events.refused = clean_lines(str(refused))[0]
            self._events.sync()
            return
        if started != self._started:
            return
        self._events.refused = ""
        if news:
            self._notices = [*self._notices, *news][-_MOST_EVENTS:]
        self._events.show(self._notices, self.stage.scene().now)

    # The file.

    async def _read_file(self, facts: ConfigFacts) -> None:
        self._file.about = facts.path
        if not self.stage.is_local:
            self._show_file((), "its text is on the scheduler's machine")
            return
        known = await asyncio.to_thread(_stamp, Path(facts.path))
        if known == self._known:
            return
        try:
            lines = await asyncio.to_thread(_lines, Path(facts.path))
        except ConfigUnusable as error:
            self._show_file((), clean_lines(str(error))[0])
        else:
            self._show_file(lines, "")
        self._known = known

    def _show_file(self, lines: Sequence[FileLine], why_not: str) -> None:
        self._file.refused = why_not
        self._file.show(lines, self.stage.scene().now)

    # What keys do.

    @on(Rows.Chosen)
    def _chosen(self, message: Rows.Chosen) -> None:
        row = message.pane.current
        if isinstance(row, ConfigProblem) and row.line > 0:
            self._file.go_to(row.line)

    def place(self) -> tuple[str, int] | None:
        """Return the line of the problem, or of the file, under the cursor."""
        facts = self._problems.facts
        if facts is None:
            return None
        row = self._problems.current
        if self.active_pane is self._problems and row is not None:
            if row.file or row.job is None:
                return (row.file or facts.path, row.line)
            return None
        line = self._file.current
        is_file = self.active_pane is self._file and line is not None
        return (facts.path, line.number if is_file and line is not None else 0)

    def open_details(self, things: tuple[Thing, ...]) -> None:
        """Show an event, or a problem with what stands there in the file."""
        pane = self.active_pane
        notice, problem = self._events.current, self._problems.current
        if pane is self._events and notice is not None:
            self._open("Event", notice_facts(notice))
        elif pane is self._problems and problem is not None:
            excerpt = self._excerpt(problem)
            self._open("Problem", [*problem_facts(problem), *excerpt])
        elif pane is self._file:
            self.stage.say("E edits the file at this line")

    def _excerpt(self, problem: ConfigProblem) -> list[Line]:
        facts = self._problems.facts
        if facts is None or problem.file not in ("", facts.path):
            return []
        return excerpt(self._file.known(), problem.line)

    def _open(self, title: str, lines: list[Line]) -> None:
        async def text() -> list[Line]:
            return lines

        self.stage.open_text(title, text, opened_by="enter")


def _stamp(path: Path) -> tuple[object, ...]:
    """Return what changes when a file does; the same for each one that is not there."""
    try:
        found = path.stat()
    except (OSError, ValueError) as error:
        return (str(error),)
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)


def _lines(path: Path) -> list[FileLine]:
    return file_lines(read_file(path))
