"""Page 5: running tasks and what ended lately, tasks of any state, failures alike."""

from functools import partial
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from bistro_tui.engine.view import EndedRow, RunningRow, Snapshot, TaskId
from bistro_tui.engine.view import TaskRow as Task
from bistro_tui.present.clean import clean_name
from bistro_tui.present.failures import Group
from bistro_tui.present.spans import Line, Span
from bistro_tui.present.task_columns import AnyRow, Surroundings
from bistro_tui.present.task_facts import crumb, facts_line
from bistro_tui.present.task_states import (
    ALL,
    ENDED,
    FAILURES,
    RUNNING,
    STATES,
    TaskState,
    numbers,
)
from bistro_tui.present.tasks import Scope, task_rows
from bistro_tui.present.things import JobThing, TaskThing, Thing
from bistro_tui.present.workers import troubled
from bistro_tui.screens.failure_feed import FailureFeed
from bistro_tui.screens.log_feed import LogFeed
from bistro_tui.screens.page import Page, Pane
from bistro_tui.screens.stage import Stage
from bistro_tui.screens.task_feed import EVERY, Narrowed, TaskFeed
from bistro_tui.screens.texts import Texts
from bistro_tui.screens.work import begin
from bistro_tui.widgets.bars import Bar
from bistro_tui.widgets.cells import wrap
from bistro_tui.widgets.failure_list import FailureList
from bistro_tui.widgets.log_view import LogView
from bistro_tui.widgets.row_list import RowList
from bistro_tui.widgets.state_bar import StateBar
from bistro_tui.widgets.task_list import TaskList

_LOG_SECONDS = 0.4
_TURN_SECONDS = 1.0
_FACT_ROWS = 3
_LEAST_LOG_ROWS = 5
_MARGIN = Span("  ")


class TasksPage(Page):
    """A line of states, the tasks of one of them, and one task's log on demand."""

    KEY: ClassVar[str] = "5"
    NAME: ClassVar[str] = "Tasks"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "state(-1)", "state left", show=False, id="tasks.left",
                tooltip="Tasks: go to the state to the left"),
        Binding("right", "state(1)", "next state", id="tasks.right",
                tooltip="Tasks: go to the state to the right"),
    ]  # fmt: skip

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self._around = Surroundings()
        self._table = TaskList(self._around, id="task-list")
        self._failures = FailureList(id="failure-list")
        self._states = StateBar(id="task-states")
        self._facts = Bar(self._fact_lines, id="task-facts")
        self._log = LogView(id="task-log")
        self._log_feed = LogFeed(stage, self._log)
        self._feed = TaskFeed(stage.view, self._table, self._around)
        self._failure_feed = FailureFeed(stage.view, self._failures)
        self._texts = Texts(stage.view, lambda: stage.snapshot, stage.scene)
        self._state: TaskState = RUNNING
        self._narrowed = EVERY
        self._wanted: TaskId | None = None
        """Where the cursor goes as soon as that task is there."""
        self._is_open = False
        self._opened: AnyRow | None = None
        """The row whose log is shown; kept when it is gone from the list."""
        self._room = (80, 20)
        self._show_state()

    def compose(self) -> ComposeResult:
        """The line of states, one of the lists, facts and log."""
        yield self._states
        yield self._table
        yield self._failures
        yield self._facts
        yield self._log

    def on_mount(self) -> None:
        """Begin to ask for what snapshots do not have."""
        self.set_interval(_TURN_SECONDS, self._turn, name="tasks")
        self.set_interval(_LOG_SECONDS, self._read_log, name="task log")
        self._turn()

    @property
    def listing(self) -> RowList[AnyRow] | FailureList:
        """The list in sight."""
        return self._failures if self._state is FAILURES else self._table

    @property
    def panes(self) -> tuple[Pane, ...]:
        """The list in sight, and the log if it is open."""
        return (self.listing, self._log) if self._is_open else (self.listing,)

    # What is shown.

    def take(self, snapshot: Snapshot) -> None:
        """Show a new snapshot."""
        now = self.stage.scene().now
        self._around.workers = troubled(snapshot)
        self._states.counts = numbers(snapshot)
        self._states.sync()
        self._failures.total = self._states.counts[FAILURES]
        self._table.total = self._states.counts[self._state]
        scope = self._narrowed
        if self._state in (RUNNING, ENDED):
            rows: list[AnyRow] = list(task_rows(snapshot, Scope()))
            if self._state is ENDED:
                rows = list(snapshot.ended)
            if scope is not EVERY:
                rows = [
                    row
                    for row in rows
                    if isinstance(row, RunningRow | EndedRow) and scope.holds(*row.task)
                ]
            self._table.note = self._note()
            self._table.show(rows, now)
        elif self._state.reasons:
            self._table.note = self._note()
            if scope is not EVERY:
                self._table.total = len(self._table.rows)
            self._table.tick(now)
        self._settle()

    def _note(self) -> str:
        if self._feed.refusal:
            return clean_name(self._feed.refusal)
        if self._state is RUNNING:
            return "no task runs, and none ended lately · → shows other states"
        if self._state is ENDED:
            return "no attempt ended lately"
        if self._state.reasons and not self._feed.pages.has_begun:
            return "asking the scheduler …"
        return "no task is in this state now"

    def tick(self) -> None:
        """Let the ages grow."""
        super().tick()
        if not self.stage.is_frozen:
            self._around.last.keep(self.stage.snapshot.running)
        self._facts.sync()

    def lay_out(self, width: int, height: int) -> None:
        """Give the list all room, or share it with the log."""
        self._room = (width, height)
        self._table.display = self._state is not FAILURES
        self._failures.display = self._state is FAILURES
        self._facts.display = self._log.display = self._is_open
        if not self._is_open:
            self.listing.styles.height = "1fr"
            return
        self._facts.sync()
        room = height - 1 - self._facts.line_count
        rows = len(self.listing.rows) + 2
        least = min(_LEAST_LOG_ROWS, room // 2)
        self.listing.styles.height = max(3, min(rows, room * 2 // 5, room - least))
        self._log.styles.height = "1fr"

    def _fact_lines(self, width: int) -> list[Line]:
        row, scene = self._opened, self.stage.scene()
        most = _FACT_ROWS if self._room[1] >= _LEAST_LOG_ROWS * 4 else 1
        facts = wrap(facts_line(row, self._around, scene), max(8, width - 3))
        return [crumb(row, width), *((_MARGIN, *line) for line in facts[:most])]

    def _turn(self) -> None:
        if self.stage.is_frozen or not self.display:
            return
        shown, now = self.stage.snapshot, self.stage.scene().now
        if self._state is FAILURES:
            begin(self, partial(self._failure_feed.turn, now), name="failures")
        else:
            begin(self, partial(self._task_turn, shown, now), name="tasks")

    async def _task_turn(self, shown: Snapshot, now: float) -> None:
        await self._feed.turn(shown, now)
        self._settle()

    def _settle(self) -> None:
        """Put the cursor where somebody jumped to; keep facts and log on the row."""
        if self._wanted is not None:
            for key in (("running", self._wanted), ("task", self._wanted)):
                if self._table.point_at_key(key):
                    self._wanted = None
                    break
        self._follow_cursor()

    def _read_log(self) -> None:
        if self._is_open and self.display and not self.stage.is_frozen:
            begin(self, self._log_feed.ask, name="task log")

    # Choosing.

    def action_state(self, step: int) -> None:
        """Go along the line of states."""
        at = STATES.index(self._state) + step
        self._choose(STATES[at % len(STATES)])

    @on(StateBar.Clicked)
    def _state_clicked(self, message: StateBar.Clicked) -> None:
        self._choose(message.state)

    def _choose(self, state: TaskState, narrowed: Narrowed | None = None) -> None:
        if self._log.has_focus or self._is_open:
            self._shut()
        self._state = state
        self._narrowed = self._narrowed if narrowed is None else narrowed
        self._wanted = None
        self._show_state()
        self.active_pane = self.listing
        self.lay_out(*self._room)
        self.screen.set_focus(self.listing)
        self.take(self.stage.snapshot)
        self._turn()

    def _show_state(self) -> None:
        self._states.chosen = self._state
        self._feed.choose(self._state, self._narrowed)
        self._table.of_tasks = bool(self._state.reasons)
        self._table.chip = " ".join(
            clean_name(name, limit=30)
            for name in (self._narrowed.job, self._narrowed.node)
            if name
        )
        if self._state.reasons:
            self._table.note = self._note()
            self._table.show((), self._table.now)
        self._failures.note = self._failures.note or "asking the scheduler …"

    def point_at(self, thing: Thing) -> bool:
        """Put the cursor on that task, whatever it is at; of a job show its tasks."""
        if isinstance(thing, JobThing):
            self._choose(ALL, Narrowed(job=thing.name))
            return True
        if not isinstance(thing, TaskThing):
            return False
        if any(row.task == thing.task for row in self.stage.snapshot.running):
            self._choose(RUNNING, EVERY)
        else:
            job, node = thing.task
            self._choose(ALL, Narrowed(job=job, node=node))
        self._wanted = thing.task
        self._settle()
        return True

    @on(RowList.Chosen)
    def _chosen(self) -> None:
        self._wanted = None
        self._follow_cursor()
        if self._state.reasons and not self.stage.is_frozen:
            read_on = partial(self._feed.read_on, self.stage.snapshot)
            begin(self, read_on, name="more tasks")

    def back(self) -> bool:
        """Undo one step: filter, open task, what it is narrowed to, state."""
        if self._log.give_up():
            return True
        if self._is_open and not self._log.filter_text:
            self._shut()
            return True
        if super().back():
            return True
        if self._narrowed is EVERY and self._state is RUNNING:
            return False
        self._choose(self._state if self._narrowed is not EVERY else RUNNING, EVERY)
        return True

    # One task.

    def _row(self) -> AnyRow | None:
        """Return what the cursor is on, as a row of a task."""
        row = self._table.current
        return None if self._state is FAILURES else row

    def _follow_cursor(self) -> None:
        if not self._is_open:
            return
        row = self._row()
        if isinstance(row, RunningRow | EndedRow | Task):
            self._opened = row
            if self._log.buffer.task != row.task:
                self._log.retarget(row.task)
                self._read_log()
        self._facts.sync()

    def _open(self) -> bool:
        row = self._row()
        if row is None:
            return False
        self._is_open = True
        self._follow_cursor()
        self.lay_out(*self._room)
        return True

    def _shut(self) -> None:
        self._is_open = False
        if self._log.has_focus:
            self.screen.set_focus(self.listing)
        self.active_pane = self.listing
        self.lay_out(*self._room)

    def open_details(self, things: tuple[Thing, ...]) -> None:
        """Open a group; show a task's facts and log, then all that is known of it."""
        failure = self._failures.current if self._state is FAILURES else None
        if isinstance(failure, Group):
            self._failures.fold(failure)
        elif failure is not None:
            text = self._texts.why_task(failure.task)
            title = f"Task · {clean_name(str(failure.task))}"
            self.stage.open_text(title, text, opened_by="enter")
        elif not self._is_open:
            self._open()
        else:
            row = self._opened
            if isinstance(row, RunningRow | EndedRow):
                text = self._texts.attempt(row)
            elif isinstance(row, Task):
                text = self._texts.why_task(row.task)
            else:
                return
            title = f"Task · {clean_name(str(row.task))}"
            self.stage.open_text(title, text, opened_by="enter")

    def things(self) -> tuple[Thing, ...]:
        """Return what keys act on; in the log, the task whose log it is."""
        if self.active_pane is self._log and self._log.buffer.task is not None:
            row = self._opened
            invocation = row.invocation if isinstance(row, RunningRow) else None
            return (TaskThing(task=self._log.buffer.task, invocation=invocation),)
        return super().things()

    def show_log(self, things: tuple[Thing, ...]) -> None:
        """Show the log below the list; of failures on the page of logs."""
        if self._state is FAILURES:
            super().show_log(things)
        elif self._is_open or self._open():
            self.screen.set_focus(self._log)
