"""The page of one job: its tasks by state, node and level, attempts, facts."""

import asyncio
from collections.abc import Callable

from textual import on
from textual.app import ComposeResult
from textual.containers import Container, Vertical

from bistro_tui.engine.errors import ControlRefused
from bistro_tui.engine.view import (
    Attempt,
    JobGrid,
    JobName,
    JobRow,
    Reason,
    Snapshot,
    TaskId,
)
from bistro_tui.present.arrangement import job_heights
from bistro_tui.present.clean import clean, clean_name
from bistro_tui.present.job_grid import Branch, branches, renewed
from bistro_tui.present.job_pace import Pace
from bistro_tui.present.job_page import attempt_facts, attempt_lines, crumb, fact_rows
from bistro_tui.present.job_segments import (
    SEGMENT,
    reason_word,
    segment_bar,
    segment_hint,
    segment_legend,
    step,
)
from bistro_tui.present.pieces import Piece, Pieces, piece
from bistro_tui.present.spans import Line, Span
from bistro_tui.present.things import JobThing, TaskThing, Thing
from bistro_tui.screens.job_feed import JobFeed
from bistro_tui.screens.page import Pane
from bistro_tui.screens.segment_feed import SegmentFeed
from bistro_tui.screens.stage import Stage, Text
from bistro_tui.screens.texts import Texts
from bistro_tui.widgets.cell_map import CellMap
from bistro_tui.widgets.job_lists import (
    AttemptTable,
    BranchTable,
    FactList,
    SegmentTasks,
)
from bistro_tui.widgets.piece_bar import PieceBar
from bistro_tui.widgets.row_list import RowList
from bistro_tui.widgets.segments import Walks

_CRUMB = "crumb"
_LAST = 5
_STRIP_ROWS = 3
_LOW = 16
"""Below this height there is one line less of keys, and one pane at a time."""
_THREAD_NODES = 5_000
"""Above that, nodes are put in order beside the screen's own work."""


class JobView(Container):
    """Shows one job; which one, its page says."""

    def __init__(self, stage: Stage, pace: Pace) -> None:
        super().__init__(id="job-view")
        self._stage = stage
        self._pace = pace
        self._texts = Texts(stage.view, lambda: stage.snapshot, stage.scene)
        self.job: JobName | None = None
        self.row: JobRow | None = None
        """The job as it was last seen."""
        self.is_gone = False
        self.reason: Reason | None = None
        """The segment whose tasks are listed; None: all."""
        self._feed: JobFeed | None = None
        self._branches: list[Branch] = []
        self._branches_of: tuple[object, object] | None = None
        self.tasks = SegmentTasks(id="job-tasks")
        self.map = CellMap(id="job-map")
        self.levels = BranchTable(id="job-levels")
        self.attempts = AttemptTable(id="job-attempts")
        self.facts = FactList(id="job-facts")
        self._tasks_feed = SegmentFeed(stage.view, self.tasks)
        self._crumb = PieceBar(self._crumb_rows, id="job-crumb")
        self._strip = PieceBar(self._strip_rows, id="job-strip")
        self._is_low = False

    @property
    def panes(self) -> tuple[Pane, ...]:
        """The panes, in the order of the tab key."""
        return (self.map, self.levels, self.tasks, self.facts, self.attempts)

    def compose(self) -> ComposeResult:
        """Head of the job, then its panes in one or two columns."""
        yield self._crumb
        yield self._strip
        with Container(id="job-body"):
            yield Vertical(self.map, self.levels, self.tasks, id="job-left")
            yield Vertical(self.facts, self.attempts, id="job-right")

    # Which job.

    def open(self, row: JobRow, reason: Reason | None = None) -> None:
        """Show that job, with the tasks of that segment."""
        if row.name != self.job:
            self._feed = JobFeed(self._stage.view, row.name)
            self._branches, self._branches_of = [], None
            self._forget()
        self.job, self.row, self.is_gone = row.name, row, False
        self.reason = reason
        # Its rows come by questions alone, the first of them before any tick.
        self.tasks.now = self._stage.scene().now
        self._choose()
        self.refill()

    def _forget(self) -> None:
        """Leave nothing of the job before: no filter, no marks, no place."""
        for pane in self.panes:
            pane.set_filter("")
            if isinstance(pane, RowList):
                pane.clear_marks()
                pane.cursor_key = None
                pane.show((), pane.now)
                pane.scroll_now(0)
        self.map.show(None, self.map.now)

    def take(self, snapshot: Snapshot) -> None:
        """Show a new snapshot."""
        row = next((job for job in snapshot.jobs if job.name == self.job), None)
        self.is_gone = row is None
        if row is not None:
            self.row = row
            if self.reason is not None and not row.counts.get(self.reason):
                self.tasks.total = 0
        self.refill()

    def walk(self, by: int) -> None:
        """Go to another segment."""
        if self.row is not None:
            self.reason = step(self.row.counts, self.reason, by)
            self._choose()

    def choose(self, reason: Reason | None) -> None:
        """Go to that segment."""
        self.reason = reason
        self._choose()

    def _choose(self) -> None:
        if self.job is None:
            return
        self._tasks_feed.choose(self.job, self.reason)
        self.tasks.chip = "" if self.reason is None else reason_word(self.reason)
        self.map.only = self.reason
        self.tasks.sync()
        self.map.sync()
        self._strip.sync()

    # What is asked for.

    @property
    def is_due(self) -> bool:
        """Whether a person has come near the end of the tasks that were read."""
        return self._tasks_feed.is_due

    async def ask(self) -> None:
        """Ask for what is due, and show it."""
        feed, row = self._feed, self.row
        if feed is None or row is None:
            return
        now = self._stage.scene().now
        if not self.is_gone:
            await self._tasks_feed.turn(row)
        older = self.attempts.scroll_offset.y + 2 * self.attempts.size.height
        wants = bool(feed.attempts) and older > len(self.attempts.rows)
        if await feed.turn(row, self._stage.snapshot, now, wants_older=wants):
            await self._find_branches(feed.grid)
            if feed is self._feed and self.is_attached:
                self.refill()

    async def _find_branches(self, grid: JobGrid | None) -> None:
        if grid is None:
            self._branches, self._branches_of = [], None
            return
        index = self._stage.node_index
        known = self._branches_of
        if known and known[0] is index and known[1] == grid.nodes:
            self._branches = renewed(self._branches, grid)
            return
        if len(grid.nodes) > _THREAD_NODES:
            self._branches = await asyncio.to_thread(branches, index, grid)
        else:
            self._branches = branches(index, grid)
        self._branches_of = (index, grid.nodes)

    def refill(self) -> None:
        """Put all that is known into the panes."""
        feed, row = self._feed, self.row
        if feed is None or row is None:
            return
        now = self._stage.scene().now
        self.map.note = clean(feed.grid_refusal) or "…"
        self.map.show(feed.grid, now)
        self.levels.show(self._branches, now)
        refused = clean(feed.attempts_refusal)
        none = "no attempt is over yet" if feed.attempts is not None else "…"
        self.attempts.note = refused or none
        self.attempts.show(feed.attempts or (), now)
        around: tuple[JobRow, ...] = ()
        if feed.facts is not None:
            names = {*feed.facts.depends_on, *feed.facts.needed_by}
            jobs = self._stage.snapshot.jobs if names else ()
            around = tuple(job for job in jobs if job.name in names)
        self.facts.show(fact_rows(row, feed.facts, around, feed.facts_refusal), now)
        self._crumb.sync()
        self._strip.sync()

    def tick(self) -> None:
        """Let the ages grow."""
        self._crumb.sync()

    # Drawing.

    def _crumb_rows(self, width: int) -> list[Pieces]:
        if self.row is None:
            return [()]
        scene = self._stage.scene()
        pace = self._pace.per_minute(self.row, scene.now)
        back = Piece((Span(" Jobs", "key"), Span(" › ", "dim")), _CRUMB)
        name = piece(clean_name(self.row.name, limit=60), "title.on")
        rest = crumb(self.row, pace, scene, is_gone=self.is_gone)
        return [(back, name, piece("   "), Piece(rest))]

    def _strip_rows(self, width: int) -> list[Pieces]:
        if self.row is None:
            return [()]
        room, counts = width - 2, self.row.counts
        plain = self._stage.scene().plain
        lead = piece(" ")
        rows: list[Pieces] = [
            (lead, *segment_bar(counts, self.reason, room, plain=plain)),
            (lead, *segment_legend(counts, self.reason, room)),
        ]
        if not self._is_low:
            keys = "Tab goes to the next pane · Escape back to all jobs"
            hint = segment_hint(self.row, self.reason, opens=keys)
            if self.reason is not None:
                hint = segment_hint(self.row, self.reason, opens="")
            rows.append((lead, Piece(hint)))
        return rows

    # Places.

    def lay_out(self, width: int, height: int, active: Pane | None) -> None:
        """Find places for the panes in that many cells."""
        self._is_low = height < _LOW
        self._strip.sync()
        is_wide = width >= 110 and height >= 20
        self.set_class(is_wide, "-wide")
        body = height - 1 - (_STRIP_ROWS - self._is_low)
        left: tuple[Pane, ...] = (self.map, self.levels, self.tasks)
        right: tuple[Pane, ...] = (self.facts, self.attempts)
        column = width * 11 // 20 if is_wide else width
        cells = 0 if self.map.grid is None else len(self.map.grid.nodes)
        wanted: dict[Pane, int] = {
            self.map: -(-2 * cells // max(2, column - 3)) + 1,
            self.levels: len(self._branches) + 2,
        }
        if is_wide:
            wanted[self.facts] = len(self.facts.rows) + 1
        groups = (left, right) if is_wide else ((*left, *right),)
        for group in groups:
            rows = job_heights(
                body,
                [wanted.get(pane) for pane in group],
                group.index(active) if active in group else None,
                is_stack=not is_wide,
                most=body // 3 if group is left else body * 3 // 5,
            )
            for pane, size in zip(group, rows, strict=True):
                pane.display = size > 0
                if size > 0:
                    pane.styles.height = size

    # What a person does.

    @on(Walks.Walked)
    def _walked(self, message: Walks.Walked) -> None:
        message.stop()
        self.walk(message.step)

    @on(PieceBar.Clicked, "#job-strip")
    def _strip_clicked(self, message: PieceBar.Clicked) -> None:
        reason = Reason(message.act.removeprefix(SEGMENT))
        self.choose(None if reason is self.reason else reason)

    def things(self, active: Pane | None) -> tuple[Thing, ...]:
        """Return what keys act on; where it is nothing else, the job."""
        things: tuple[Thing, ...] = ()
        if active is not None and not isinstance(active, FactList):
            things = getattr(active, "things", tuple)()
        if not things and self.job is not None:
            return (JobThing(name=self.job),)
        return things

    def back(self) -> bool:
        """Undo one step of choosing; False if there is none."""
        if self.map.is_near and self.map.has_focus:
            self.map.zoom(near=False)
        elif self.reason is not None:
            self.choose(None)
        else:
            return False
        return True

    def open_details(
        self, active: Pane | None, open_job: Callable[[str], None]
    ) -> None:
        """Show more of what is under the cursor."""
        if isinstance(active, FactList):
            row = active.current
            if row is not None and row.job is not None:
                open_job(row.job)
        elif isinstance(active, CellMap) and active.is_far:
            active.zoom(near=True)
        elif isinstance(active, BranchTable):
            self._go_into(active.current)
        elif isinstance(active, AttemptTable):
            self._show_attempt(active.current)
        elif isinstance(active, SegmentTasks | CellMap):
            for thing in active.things()[:1]:
                if isinstance(thing, TaskThing):
                    show_task(self._stage, self._texts, thing.task)

    def _go_into(self, branch: Branch | None) -> None:
        grid = self.map.grid
        if branch is not None and grid is not None and branch.start < len(grid.nodes):
            self.map.zoom(near=True)
            self.map.point_at(grid.nodes[branch.start])
            self.screen.set_focus(self.map)

    def _show_attempt(self, attempt: Attempt | None) -> None:
        if attempt is None:
            return

        async def text() -> list[Line]:
            return attempt_facts(attempt)

        title = f"Attempt · {clean_name(str(attempt.task))}"
        self._stage.open_text(title, text, opened_by="enter")


def show_task(stage: Stage, texts: Texts, task: TaskId) -> None:
    """Show why a task is where it is, and its last attempts."""
    why: Text = texts.why_task(task)

    async def text() -> list[Line]:
        lines = await why()
        try:
            page = await stage.view.history(task=task, limit=_LAST)
        except ControlRefused:
            # Of an older scheduler; why it waits is known all the same.
            return lines
        if page.attempts:
            lines = [*lines, (), (Span("last attempts", "head"),)]
            lines += attempt_lines(page.attempts, stage.scene())
        return lines

    stage.open_text(f"Task · {clean_name(str(task))}", text, opened_by="enter")
