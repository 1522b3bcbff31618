"""Attempts along the time: a lane for each job or node, the cursor on one attempt."""

import math
from dataclasses import dataclass
from datetime import tzinfo
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.events import Click, Resize
from textual.message import Message

from bistro_tui.present import words
from bistro_tui.present.chart import Chart
from bistro_tui.present.clean import clean_name
from bistro_tui.present.filters import Filter, filter_chip
from bistro_tui.present.gantt import Row, drawn, nearest
from bistro_tui.present.runs import Run, Runs
from bistro_tui.present.spans import Line, Span
from bistro_tui.present.things import TaskThing, Thing
from bistro_tui.present.time_axis import ticks
from bistro_tui.widgets.cells import line_cells, padded
from bistro_tui.widgets.free_pane import FreePane
from bistro_tui.widgets.painted import NOTHING, Drawn

_HEAD = 2
_MOST_NAME = 30
_COUNT = 5
_COUNTED_TRACKS = 9


class GanttView(FreePane):
    """Follows the time, or stays where a person scrolled to."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "lane(-1)", "up", show=False, id="timeline.up",
                tooltip="Timeline: go to the lane above"),
        Binding("down,j", "lane(1)", "down", show=False, id="timeline.down",
                tooltip="Timeline: go to the lane below"),
        Binding("left", "run(-1)", "earlier attempt", show=False, id="timeline.left",
                tooltip="Timeline: go to the attempt before"),
        Binding("right", "run(1)", "later attempt", show=False, id="timeline.right",
                tooltip="Timeline: go to the attempt after"),
        Binding("ctrl+u,pageup", "pages(-1)", "half page up", show=False,
                id="timeline.half_page_up", tooltip="Timeline: half a page up"),
        Binding("ctrl+d,pagedown", "pages(1)", "half page down", show=False,
                id="timeline.half_page_down", tooltip="Timeline: half a page down"),
        Binding("g,home", "ends(0)", "first", show=False, id="timeline.first",
                tooltip="Timeline: go to the first lane"),
        Binding("G,end", "ends(-1)", "last", show=False, id="timeline.last",
                tooltip="Timeline: go to the last lane"),
        Binding("left_parenthesis", "zoom(-1)", "zoom out", show=False,
                id="timeline.zoom_out", tooltip="Timeline: show more time"),
        Binding("right_parenthesis", "zoom(1)", "zoom in", id="timeline.zoom_in",
                tooltip="Timeline: show less time"),
        Binding("left_square_bracket,ctrl+left", "shift(-1)", "earlier",
                id="timeline.earlier", tooltip="Timeline: half a screen back"),
        Binding("right_square_bracket,ctrl+right", "shift(1)", "later", show=False,
                id="timeline.later", tooltip="Timeline: half a screen on"),
        Binding("space", "follow", "now", id="timeline.now",
                tooltip="Timeline: go to now and follow, or stop following"),
        Binding("v", "turn", "job/node", id="timeline.turn",
                tooltip="Timeline: a lane for each job, or for each node"),
    ]  # fmt: skip

    @dataclass
    class Chosen(Message):
        """The cursor is on another attempt."""

        by_itself: bool = False
        """Nobody asked for that one: it is the first in sight."""

    @dataclass
    class Moved(Message):
        """Another time is in sight."""

    @dataclass
    class Opened(Message):
        """A person wants to know all of the attempt under the cursor."""

    def __init__(
        self,
        runs: Runs,
        *,
        id: str,  # noqa: A002 - Textual's name
        zone: tzinfo | None = None,
    ) -> None:
        super().__init__(id=id)
        self.chart = Chart(runs)
        self.known_since = -math.inf
        """Wall second from which on the history was read."""
        self.note = ""
        """What stands in the pane without a run, and in the title beside some."""
        self._zone = zone
        self._lines: dict[object, Line] = {}
        self._lines_of: object = None
        self._stood: int | None = None
        """The row of the cursor when it was drawn last."""
        self._fits: float | None = None
        """Seconds that the chart is to show as soon as it has a size."""
        self._seeks = False
        """It has the focus and no cursor: the history may come later."""

    @property
    def run(self) -> Run | None:
        """The attempt under the cursor; None: there is none, or it is filtered out."""
        return self.chart.run

    def things(self) -> tuple[Thing, ...]:
        """Return the task of the attempt under the cursor."""
        run = self.run
        if run is None:
            return ()
        return (TaskThing(task=run.task, invocation=run.invocation),)

    def begin(self, now: float, seconds: float) -> None:
        """Show so many seconds at first, if that is less than is shown usually."""
        self.now, self._fits = now, seconds

    def show(self, now: float) -> None:
        """Show what the runs are now."""
        self.now = now
        self._refresh()

    def tick(self, now: float) -> None:
        """Let the time go on."""
        self.show(now)

    def _refresh(self) -> None:
        width, height = self.size
        self.chart.now = self.now
        self.chart.resize(width - self._label - 1, height - _HEAD)
        if self._fits is not None and width:
            self.chart.fit(self._fits)
            self._fits = None
        self._seek()
        self.chart.stay()
        self.extend_to(len(self.chart.rows) + _HEAD)
        self._keep_place()
        self.sync()

    def _keep_place(self) -> None:
        """Scroll with the row of the cursor if it was in sight."""
        before, self._stood = self._stood, self.chart.place
        if before is None or self._stood is None or before == self._stood:
            return
        top, page = self.scroll_offset.y, self.size.height - _HEAD
        if top <= before < top + page and not top <= self._stood < top + page:
            self.scroll_now(max(0, top + self._stood - before))

    @property
    def _label(self) -> int:
        longest = max((len(lane.name) for lane in self.chart.lanes), default=8)
        name = max(8, min(_MOST_NAME, longest, self.size.width // 4))
        return 1 + name + 1 + _COUNT + 1

    def set_filter(self, text: str) -> None:
        """Show only the attempts that fit."""
        self.filter_text = text
        self.chart.wanted = Filter.parse(text)
        self._refresh()
        self.post_message(self.Chosen())

    def choose_first_match(self) -> None:
        """Put the cursor on the first lane."""
        self.action_ends(0)

    # Drawing.

    def drawn_at(self, y: int) -> Drawn:
        """Return the title, the ticks, or a lane."""
        if y == 0:
            return Drawn(self._title(self.size.width))
        if y == 1:
            return Drawn(self._ticks())
        index = y - _HEAD + self.scroll_offset.y
        if index < len(self.chart.rows):
            return self._drawn_row(index)
        if index == 0:
            text = "nothing fits the filter · Escape clears it"
            if not self.filter_text or not self.chart.runs.all:
                text = self.note or "no attempt in the history yet"
            return Drawn((Span("  "), Span(text, "dim")))
        return NOTHING

    def _drawn_row(self, index: int) -> Drawn:
        chart = self.chart
        is_cursor = index == chart.place
        chosen = chart.run if is_cursor else None
        if chart.version != self._lines_of:
            self._lines_of, self._lines = chart.version, {}
        plain = self.scene.plain
        key = (index, None if chosen is None else chosen.key, plain, self.known_since)
        line = self._lines.get(key)
        if line is None:
            row = chart.row(index)
            cells = drawn(
                row,
                chart.axis,
                self.now,
                known_since=self.known_since,
                chosen=chosen,
                plain=plain,
            )
            line = self._lines[key] = (*self._named(row, index), *cells)
        # The attempt stands out, not its row: a ground under it would take its own.
        mark = "▌" if is_cursor and self.has_focus else " "
        return Drawn((Span(mark, "accent"), *line))

    def _named(self, row: Row, index: int) -> Line:
        cells = self._label - 1
        if row.track:
            return (Span(" " * cells),)
        number = 0
        last = min(index + _COUNTED_TRACKS, len(self.chart.rows))
        for at in range(index, last):
            other = self.chart.row(at)
            if other.lane.name != row.lane.name:
                break
            number += len(other.runs or ())
        name = (Span(clean_name(row.lane.name), "strong" if number else "dim"),)
        count = (Span(words.count(number), "dim"),)
        return (
            *padded(name, cells - _COUNT - 1),
            *padded(count, _COUNT, right=True),
            Span(" "),
        )

    def _ticks(self) -> Line:
        whose = Span("job" if self.chart.by_job else "node", "head")
        spans: list[Span] = [Span(" "), *padded((whose,), self._label - _COUNT - 2)]
        spans += [*padded((Span("tries", "head"),), _COUNT, right=True), Span(" ")]
        at = 0
        for tick in ticks(self.chart.axis, self._zone):
            if tick.cell < at:
                continue
            text = f"╷{tick.label}"
            spans += [Span(" " * (tick.cell - at)), Span(text, "head")]
            at = tick.cell + len(text)
        return tuple(spans)

    def _title(self, width: int) -> Line:
        on = ".on" if self.has_focus else ""
        bar = "━" if on else "─"
        chart = self.chart
        left: list[Span] = [
            Span(f"{bar} ", f"rule{on}"),
            Span("Timeline", f"title{on}"),
            Span(f" {words.plural(len(chart.runs), 'attempt')}", "dim"),
            Span(f" by {'job' if chart.by_job else 'node'}", "dim"),
            *self._filter_chip(),
        ]
        if self.note and len(chart.runs):
            left.append(Span(f"  {self.note}", "dim"))
        left.append(Span(" "))
        right: list[Span] = [Span(f" {_step_word(chart.axis.step)} a cell", "dim")]
        if chart.following:
            right.append(Span(" · ▸ now", "done"))
        else:
            since = words.date_time(chart.axis.left, self._zone)
            right += [Span(f" · from {since}", "dim"), Span(" · space: now", "accent")]
        right.append(Span(f" {bar}", f"rule{on}"))
        fill = width - line_cells(tuple(left)) - line_cells(tuple(right))
        if fill < 0:
            return (*left, Span(bar * width, f"rule{on}"))
        return (*left, Span(bar * fill, f"rule{on}"), *right)

    def _filter_chip(self) -> Line:
        if not self.filter_text:
            return ()
        error = self.chart.wanted.error
        shown = sum(len(lane.runs) for lane in self.chart.lanes)
        text = f" {filter_chip(self.filter_text, 30)} {shown:,} "
        chip = (Span("  "), Span(text, "chip.bad" if error else "chip"))
        return (*chip, Span(f" {error}", "error")) if error else chip

    # What a person does.

    def on_resize(self, event: Resize) -> None:
        """Fit into the new size."""
        self._refresh()

    def focus_changed(self) -> None:
        """Put the cursor on an attempt when keys go here."""
        self._seeks = self.has_focus and self.run is None
        self._seek()
        self.sync()

    def _seek(self) -> None:
        """Put the cursor on the first attempt in sight, as soon as there is one."""
        if not self.size.width:
            return
        if self._seeks and self.run is None and self.chart.choose_near(0):
            self.chart.is_held = False
            self.post_message(self.Chosen(by_itself=True))
        self._seeks = self._seeks and self.run is None

    def point_at(self, thing: TaskThing) -> bool:
        """Put the cursor on that attempt, or on the newest of its task."""
        run = self.chart.newest(thing.task, thing.invocation)
        if run is None:
            return False
        if self.filter_text:
            self.set_filter("")
        self._choose(run)
        return True

    def _choose(self, run: Run) -> None:
        self.chart.is_held = True
        if self.chart.choose(run):
            self.post_message(self.Moved())
        self._chose()

    def _chose(self) -> None:
        self._refresh()
        index, page = self.chart.place, max(1, self.size.height - _HEAD)
        if index is not None:
            top = self.scroll_offset.y
            self.scroll_now(max(min(top, index), index - page + 1))
        self.sync()
        self.post_message(self.Chosen())

    def _choose_near(self, index: int, step: int) -> None:
        if self.chart.choose_near(index, step):
            self.chart.is_held = True
            self._chose()

    def action_lane(self, step: int) -> None:
        """Go to the next row that has an attempt in sight."""
        at = self.chart.place
        self._choose_near(0 if at is None else at + step, step)

    def action_pages(self, direction: int) -> None:
        """Go half a page of rows."""
        half = max(1, (self.size.height - _HEAD) // 2)
        at = (self.chart.place or 0) + half * direction
        self._choose_near(max(0, min(len(self.chart.rows) - 1, at)), direction)

    def action_ends(self, end: int) -> None:
        """Go to the first or the last lane."""
        self._choose_near(len(self.chart.rows) - 1 if end else 0, -1 if end else 1)

    def action_run(self, step: int) -> None:
        """Go to the attempt before or after, in the same lane."""
        run = self.chart.beside(step)
        if run is not None:
            self._choose(run)
        elif self.run is None:
            self._choose_near(0, 1)

    def action_zoom(self, by: int) -> None:
        """Show more or less time, around the cursor or up to now."""
        self.chart.zoom(by)
        self._moved()

    def action_shift(self, direction: int) -> None:
        """Go half a screen back or on; at now, follow it."""
        self.chart.shift(direction)
        self._moved()

    def action_follow(self) -> None:
        """Go to now and follow it, or stay where we are."""
        self.chart.follow(not self.chart.following)
        self._moved()

    def action_turn(self) -> None:
        """Have a lane for each node instead of each job, or the other way round."""
        self.chart.by_job = not self.chart.by_job
        self.scroll_now(0)
        self._chose()

    def _moved(self) -> None:
        self._refresh()
        self.post_message(self.Moved())

    def on_click(self, event: Click) -> None:
        """Choose the attempt under the mouse; twice opens it."""
        index = event.y - _HEAD + self.scroll_offset.y
        if event.y < _HEAD or not 0 <= index < len(self.chart.rows):
            return
        axis = self.chart.axis
        at = (axis.first + event.x - self._label + 0.5) * axis.step
        run = nearest(self.chart.row(index).runs or (), at, self.now)
        if run is not None:
            self._choose(run)
        if event.chain == 2:
            self.post_message(self.Opened())


def _step_word(step: float) -> str:
    return f"{step:g}s" if step < 1 else words.coarse(step)
