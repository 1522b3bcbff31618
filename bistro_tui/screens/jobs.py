"""The page of jobs: all of them, the states of each, and the page of one."""

from dataclasses import replace
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Container

from bistro_tui.engine.view import JobName, JobRow, Reason, Snapshot, TaskId
from bistro_tui.present.clean import clean_name
from bistro_tui.present.job_ledger import Ledger
from bistro_tui.present.job_segments import (
    SEGMENT,
    LevelTally,
    level_lines,
    level_tallies,
    reason_word,
    segment_bar,
    segment_hint,
    segment_legend,
    step,
)
from bistro_tui.present.pieces import Piece, Pieces, piece
from bistro_tui.present.spans import Line, Span
from bistro_tui.present.things import JobThing, TaskThing, Thing
from bistro_tui.screens.job_view import JobView, show_task
from bistro_tui.screens.page import Page, Pane
from bistro_tui.screens.segment_feed import SegmentFeed
from bistro_tui.screens.stage import Stage
from bistro_tui.screens.texts import Texts
from bistro_tui.screens.work import begin
from bistro_tui.widgets.bars import Bar
from bistro_tui.widgets.cell_map import CellMap
from bistro_tui.widgets.job_lists import SegmentTasks
from bistro_tui.widgets.jobs_table import JobsLedger
from bistro_tui.widgets.piece_bar import PieceBar
from bistro_tui.widgets.row_list import RowList
from bistro_tui.widgets.segments import Walks

_ASK_SECONDS = 0.5
_LEVEL_SECONDS = 5.0
_MANY_JOBS = 1_000
"""Above that, levels are added up only now and then."""
_TALL = 26
_TRAIL = 50


class JobsPage(Page):
    """All jobs; Enter opens one, left and right walk its states."""

    KEY: ClassVar[str] = "2"
    NAME: ClassVar[str] = "Jobs"

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self._ledger = Ledger()
        self._table = JobsLedger(self._ledger, id="ledger")
        self._tasks = SegmentTasks(id="segment-tasks")
        self._feed = SegmentFeed(stage.view, self._tasks)
        self._texts = Texts(stage.view, lambda: stage.snapshot, stage.scene)
        self._view = JobView(stage, self._ledger.pace)
        self._levels: tuple[LevelTally, ...] = ()
        self._levels_at: float | None = None
        self._levels_bar = Bar(self._level_lines, id="levels")
        self._strip = PieceBar(self._strip_rows, id="segments")
        self._all = Container(id="jobs-all")
        self._walked: tuple[JobName, Reason] | None = None
        """The segment that was walked to, and of which job."""
        self._is_listing = False
        self._trail: list[JobName] = []
        """Jobs whose pages were left for that of another one."""
        self._height = 0
        self.active_pane = self._table

    def compose(self) -> ComposeResult:
        """All jobs, or one of them."""
        with self._all:
            yield self._levels_bar
            yield self._table
            yield self._strip
            yield self._tasks
        self._view.display = False
        yield self._view

    def on_mount(self) -> None:
        """Begin to ask for what snapshots do not have."""
        self.set_interval(_ASK_SECONDS, self._ask, name="jobs")

    # What is in sight.

    @property
    def is_of_one(self) -> bool:
        """Whether the page of one job is open."""
        return self._view.job is not None and self._view.display

    @property
    def panes(self) -> tuple[Pane, ...]:
        """The panes, in the order of the tab key."""
        if self.is_of_one:
            return self._view.panes
        return (self._table, self._tasks) if self._is_listing else (self._table,)

    @property
    def _reason(self) -> Reason | None:
        """The segment of the job under the cursor that was walked to."""
        row = self._table.current
        if row is None or self._walked is None or self._walked[0] != row.name:
            return None
        return self._walked[1]

    def take(self, snapshot: Snapshot) -> None:
        """Show a new snapshot."""
        now = self.stage.scene().now
        self._ledger.look(snapshot, now)
        if self.is_of_one:
            self._view.take(snapshot)
            return
        self._add_up(snapshot, now)
        self._table.show(snapshot.jobs, now)
        self._strip.sync()

    def _add_up(self, snapshot: Snapshot, now: float) -> None:
        is_due = self._levels_at is None or abs(now - self._levels_at) > _LEVEL_SECONDS
        if is_due or len(snapshot.jobs) <= _MANY_JOBS:
            order = self.stage.node_index.levels
            self._levels, self._levels_at = level_tallies(snapshot.jobs, order), now
            self._levels_bar.sync()

    def tick(self) -> None:
        """Let the ages grow."""
        super().tick()
        if self.is_of_one:
            self._view.tick()
        else:
            self._strip.sync()

    def _ask(self) -> None:
        if self.display and not self.stage.is_frozen:
            begin(self, self._ask_once, name="jobs")

    async def _ask_once(self) -> None:
        if self.is_of_one:
            await self._view.ask()
            self.lay_out(*self.size)
        elif self._is_listing and (row := self._listed_row()) is not None:
            await self._feed.turn(row)

    def _listed_row(self) -> JobRow | None:
        job = self._feed.job
        row: JobRow | None = self._table.current
        if row is not None and row.name == job:
            return row
        return self._job(job)

    def _job(self, name: str | None) -> JobRow | None:
        jobs = self.stage.snapshot.jobs
        return next((job for job in jobs if job.name == name), None)

    # Drawing.

    def _level_lines(self, width: int) -> list[Line]:
        if self._height < _TALL:
            return []
        plain = self.stage.scene().plain
        lines = level_lines(self._levels, width, 4, plain=plain)
        return [*lines, (Span("─" * width, "rule"),)] if lines else []

    def _strip_rows(self, width: int) -> list[Pieces]:
        row = self._table.current
        if row is None:
            return [(piece("─" * width, "rule"),)]
        room, plain = width - 2, self.stage.scene().plain
        reason = self._reason
        name = clean_name(row.name, limit=40)
        title = f"── {name} "
        rule = (piece("── ", "rule"), piece(f"{name} ", "title"))
        rest = piece("─" * max(0, width - len(title)), "rule")
        lead = piece(" ")
        hint = segment_hint(row, reason, opens="Enter opens the job")
        return [
            (*rule, rest),
            (lead, *segment_bar(row.counts, reason, room, plain=plain)),
            (lead, *segment_legend(row.counts, reason, room)),
            *([(lead, Piece(hint))] if self._height >= 14 else []),
        ]

    def lay_out(self, width: int, height: int) -> None:
        """Find places for the panes."""
        if height != self._height:
            self._height = height
            self._levels_bar.display = height >= _TALL
            self._levels_bar.sync()
            self._strip.sync()
        if self.is_of_one:
            self._view.lay_out(width, height, self.active_pane)
            return
        self._tasks.display = self._is_listing
        if self._is_listing:
            is_active = self.active_pane is self._tasks
            self._tasks.styles.height = max(4, height * (5 if is_active else 4) // 10)

    # What is chosen.

    def things(self) -> tuple[Thing, ...]:
        """Return what keys act on; of running tasks also the attempt."""
        if self.is_of_one:
            things = self._view.things(self.active_pane)
        else:
            things = super().things()
        if not any(isinstance(thing, TaskThing) for thing in things):
            return things
        running: dict[TaskId, str] = {
            row.task: row.invocation for row in self.stage.snapshot.running
        }
        return tuple(
            replace(thing, invocation=running[thing.task])
            if isinstance(thing, TaskThing) and thing.task in running
            else thing
            for thing in things
        )

    def point_at(self, thing: Thing) -> bool:
        """Put the cursor on that job, or on the job of that task."""
        name = None
        if isinstance(thing, JobThing):
            name = thing.name
        elif isinstance(thing, TaskThing):
            name = thing.task.job
        if name is None or self._job(name) is None:
            return False
        self._close_job()
        self._table.show(self.stage.snapshot.jobs, self.stage.scene().now)
        return self._table.point_at_key(name)

    @on(RowList.Chosen)
    def _chosen(self, message: RowList.Chosen) -> None:
        if message.pane is self._table:
            if self._reason is None:
                self._walked = None
            self._strip.sync()
        elif self._view.is_due if self.is_of_one else self._feed.is_due:
            self._ask()

    @on(Walks.Walked)
    def _walk(self, message: Walks.Walked) -> None:
        row = self._table.current
        if message.pane is self._tasks:
            row = self._listed_row()
        if row is None:
            return
        reason = step(row.counts, self._reason, message.step)
        self._choose(row, reason)

    @on(PieceBar.Clicked, "#segments")
    def _strip_clicked(self, message: PieceBar.Clicked) -> None:
        row = self._table.current
        if row is not None:
            reason = Reason(message.act.removeprefix(SEGMENT))
            if reason is self._reason:
                self._list(row, reason)
            else:
                self._choose(row, reason)

    def _choose(self, row: JobRow, reason: Reason | None) -> None:
        self._walked = None if reason is None else (row.name, reason)
        if self._is_listing:
            self._list(row, reason)
        self._strip.sync()

    def _list(self, row: JobRow, reason: Reason | None) -> None:
        """Show the tasks behind a segment; None: all of the job's."""
        self._feed.choose(row.name, reason)
        word = "" if reason is None else f" · {reason_word(reason)}"
        self._tasks.chip = f"{clean_name(row.name, limit=30)}{word}"
        self._is_listing = True
        self.lay_out(*self.size)
        self._tasks.sync()
        self._ask()

    def open_details(self, things: tuple[Thing, ...]) -> None:
        """Open the segment that was walked to, the job, or the task."""
        pane = self.active_pane
        if self.is_of_one:
            self._view.open_details(pane, self._go_on_to)
        elif pane is self._tasks:
            if (task := self._tasks.current) is not None:
                show_task(self.stage, self._texts, task.task)
        elif (row := self._table.current) is not None:
            if self._reason is not None:
                self._list(row, self._reason)
                self.screen.set_focus(self._tasks)
            else:
                self._open_job(row)

    @on(CellMap.Opened)
    def _cell_opened(self) -> None:
        self.open_details(self.things())

    # The page of one job.

    def _go_on_to(self, name: str) -> None:
        row = self._job(name)
        if row is not None and self._view.job is not None:
            self._trail = [*self._trail, self._view.job][-_TRAIL:]
            self._open_job(row)

    def _open_job(self, row: JobRow) -> None:
        self._view.open(row)
        self._all.display = False
        self._view.display = True
        self.active_pane = self._view.tasks
        self.lay_out(*self.size)
        self.screen.set_focus(self._view.tasks)
        self._ask()

    def _close_job(self) -> None:
        if not self.is_of_one:
            return
        self._trail = []
        self._view.display = False
        self._all.display = True
        self.active_pane = self._table
        self.take(self.stage.snapshot)
        self.lay_out(*self.size)
        self.screen.set_focus(self._table)

    @on(PieceBar.Clicked, "#job-crumb")
    def _crumb_clicked(self) -> None:
        self._close_job()

    def back(self) -> bool:
        """Undo one step: filter, segment, list, job."""
        if super().back():
            return True
        if self.is_of_one:
            return self._back_from_job()
        if self._is_listing:
            self._is_listing = False
            self.lay_out(*self.size)
            self.screen.set_focus(self._table)
        elif self._reason is not None:
            self._walked = None
            self._strip.sync()
        else:
            return False
        return True

    def _back_from_job(self) -> bool:
        if self._view.back():
            return True
        while self._trail:
            row = self._job(self._trail.pop())
            if row is not None:
                self._open_job(row)
                return True
        self._close_job()
        return True
