"""Screen 1: what runs, what waits, what failed, and what the tasks say."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.events import DescendantFocus, Resize
from textual.screen import Screen

from bistro_tui.engine.errors import ControlRefused
from bistro_tui.engine.view import (
    EndedRow,
    EngineControl,
    EngineView,
    JobName,
    JobRow,
    NodeRow,
    RunningRow,
    Snapshot,
    TaskId,
)
from bistro_tui.present.arrangement import (
    TOO_SMALL,
    Arrangement,
    arrangement,
    stacked,
    top_rows,
)
from bistro_tui.present.clean import clean_name
from bistro_tui.present.head import banner_lines, title_line, totals_line
from bistro_tui.present.nodes import subtree
from bistro_tui.present.spans import Line, Scene, Span
from bistro_tui.present.tasks import EVERYTHING, Scope, task_rows
from bistro_tui.screens.log_feed import LogFeed
from bistro_tui.screens.overlay import Overlay, Text
from bistro_tui.screens.pages import Pages
from bistro_tui.screens.switches import Switches
from bistro_tui.screens.work import begin
from bistro_tui.widgets.bars import Bar
from bistro_tui.widgets.filter_line import FilterLine
from bistro_tui.widgets.jobs_table import JobsTable
from bistro_tui.widgets.keys import footer_line
from bistro_tui.widgets.log_view import LogView
from bistro_tui.widgets.node_tree import NodeTree
from bistro_tui.widgets.row_list import RowList
from bistro_tui.widgets.tasks_table import TasksTable

Say = Callable[[str, bool], None]
"""Shows one sentence for some seconds; the flag says that it is an error."""

_LOG_SECONDS = 0.4


class Overview(Screen[None], inherit_bindings=False):
    """Head, jobs, nodes, running tasks, log, keys."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "filter", id="find.filter",
                tooltip="Filter this pane; !word leaves rows out"),
        Binding("e", "switch_job", "on/off", id="act.toggle",
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
        Binding("1", "overview", "overview", show=False, id="go.overview",
                tooltip="The overview"),
        Binding("escape", "back", "back", show=False, id="find.back",
                tooltip="Back: clear the filter, then the choice"),
        Binding("exclamation_mark", "problems", "problems", show=False,
                id="go.problems", tooltip="Show all problems in full"),
    ]  # fmt: skip

    AUTO_FOCUS = "JobsTable"

    def __init__(
        self,
        view: EngineView,
        control: EngineControl,
        *,
        snapshot: Snapshot,
        now: Callable[[], float],
        say: Say,
    ) -> None:
        super().__init__(id="overview")
        self._view = view
        self._control = control
        self._snapshot = snapshot
        self._clock = now
        self._say = say
        self._frozen: float | None = None
        self._scope = EVERYTHING
        self._chosen_task: TaskId | None = None
        # Made here rather than looked up later: the app may end before its first mount.
        self._head = Bar(self._head_lines, id="head")
        self._foot = Bar(lambda width: [footer_line(self.app, width)], id="foot")
        self._jobs_pane = JobsTable(id="jobs")
        self._node_pane = NodeTree(id="nodes")
        self._tasks_pane = TasksTable(id="tasks")
        self._log_pane = LogView(id="log")
        self._feed = LogFeed(view, self._log_pane)
        self._switches = Switches()
        self._active: RowList[Any] | LogView | None = None
        self._before_filter = ""
        self._pages = Pages(view, lambda: self._snapshot, self._scene)
        self.ready = False
        """Whether there are panes to show anything in."""

    def compose(self) -> ComposeResult:
        """Lay out the panes; their places come from the size of the screen."""
        yield self._head
        with Container(id="panes"):
            yield self._jobs_pane
            yield self._node_pane
            yield self._tasks_pane
            yield self._log_pane
        with Container(id="filter-row"):
            yield Bar(lambda _: [(Span(" /", "key"),)], id="filter-sign")
            yield FilterLine(id="filter")
        yield self._foot
        yield Bar(self._too_small_lines, id="small")

    def on_mount(self) -> None:
        """Show what there is, and begin to follow the log."""
        self._active = self._jobs_pane
        self.bindings_updated_signal.subscribe(self, self._keys_changed)
        self.ready = True
        self.show(self._snapshot)
        self._read_log()
        self.set_interval(_LOG_SECONDS, self._read_log, name="log")

    # What the app tells.

    @property
    def panes(self) -> tuple[RowList[Any] | LogView, ...]:
        """The panes, in the order of the tab key."""
        return (self._jobs_pane, self._node_pane, self._tasks_pane, self._log_pane)

    def show(self, snapshot: Snapshot) -> None:
        """Show a new snapshot."""
        self._snapshot = snapshot
        self._switches.look(snapshot)
        now = self._scene().now
        if self._scope.node is not None:
            names = subtree(snapshot.nodes, self._scope.node)
            self._scope = Scope(node=self._scope.node, nodes=names)
        self._jobs_pane.show(snapshot.jobs, now)
        self._node_pane.show(snapshot.nodes, now)
        self._tasks_pane.show(task_rows(snapshot, self._scope), now)
        self._head.sync()
        self._arrange()

    def tick(self, frozen: float | None) -> None:
        """Let the ages grow, up to ``frozen`` if the screen was frozen then."""
        self._frozen = frozen
        now = self._scene().now
        for pane in (self._jobs_pane, self._node_pane, self._tasks_pane):
            pane.tick(now)
        self._head.sync()

    def _scene(self) -> Scene:
        now = self._clock() if self._frozen is None else self._frozen
        return Scene(now=now, plain=self.app.no_color)

    # Head, foot, and where things stand.

    def _head_lines(self, width: int) -> list[Line]:
        snapshot = self._snapshot
        live = Scene(now=self._clock(), plain=self.app.no_color)
        most = max(1, min(5, self.app.size.height // 10))
        return [
            title_line(snapshot, live, width, frozen=self._frozen),
            totals_line(snapshot, self._scene(), width),
            *banner_lines(snapshot.banners, width, most),
        ]

    def _too_small_lines(self, width: int) -> list[Line]:
        columns, rows = self.app.size
        needed = f"needs {TOO_SMALL[0]}×{TOO_SMALL[1]}"
        return [
            (Span("too small", "strong"),),
            (Span(f"{columns}×{rows}"),),
            (Span(needed, "dim"),),
        ]

    def _keys_changed(self, _: Screen[Any]) -> None:
        self._foot.sync()

    def on_resize(self, event: Resize) -> None:
        """Find new places for the panes."""
        self._arrange()

    def _arrange(self) -> None:
        if not (self.ready and self.is_attached) or self._active is None:
            return
        chosen = arrangement(*self.app.size)
        for choice in Arrangement:
            self.set_class(choice is chosen, f"-{choice}")
        for pane in self.panes:
            pane.set_class(pane is self._active, "-active")
        height = self.app.size.height - self._head.line_count - 1
        panes = self.query_one("#panes")
        jobs, nodes = len(self._snapshot.jobs), len(self._snapshot.nodes)
        if chosen is Arrangement.GRID:
            panes.styles.grid_rows = f"{top_rows(jobs, nodes, height)} 5fr 6fr"
        heights: list[int | str] = ["1fr"] * len(self.panes)
        if chosen is Arrangement.STACK:
            wanted = (jobs + 2, nodes + 2, None, None)
            heights = [*stacked(height, self.panes.index(self._active), wanted)]
        for pane, rows in zip(self.panes, heights, strict=True):
            pane.styles.height = rows

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """Give the pane with the keyboard the most room."""
        if isinstance(event.widget, RowList | LogView):
            self._active = event.widget
            self._arrange()

    def action_next_pane(self, step: int) -> None:
        """Go on to the next pane."""
        panes = self.panes
        at = panes.index(self._active) if self._active in panes else 0
        self.set_focus(panes[(at + step) % len(panes)])

    def action_overview(self) -> None:
        """Be here already."""

    # What is chosen.

    @on(RowList.Chosen)
    def _chosen(self, message: RowList.Chosen) -> None:
        row = message.pane.current
        if isinstance(row, RunningRow | EndedRow):
            self._chosen_task = row.task
        elif isinstance(row, JobRow):
            self._chosen_task, self._scope = None, Scope(job=row.name)
        elif isinstance(row, NodeRow):
            names = subtree(self._snapshot.nodes, row.name)
            whole = row.depth == 0
            self._chosen_task = None
            self._scope = EVERYTHING if whole else Scope(node=row.name, nodes=names)
        self._follow_choice()

    def _follow_choice(self) -> None:
        self._tasks_pane.chip = self._scope.label
        self._tasks_pane.show(task_rows(self._snapshot, self._scope), self._scene().now)
        self._log_pane.retarget(
            self._chosen_task, EVERYTHING if self._chosen_task else self._scope
        )
        self._read_log()

    def action_back(self) -> None:
        """Undo one step: the filter, the chosen task, the chosen job or node."""
        pane = self._active
        if pane is not None and pane.filter_text:
            pane.set_filter("")
        elif self._chosen_task is not None:
            self._chosen_task = None
            self._follow_choice()
        elif self._scope is not EVERYTHING:
            self._scope = EVERYTHING
            self._follow_choice()
        else:
            self._jobs_pane.focus()

    def _read_log(self) -> None:
        if self._frozen is None:
            begin(self, self._feed.ask, name="log")

    # The filter.

    def action_filter(self) -> None:
        """Open the filter line for the active pane."""
        if self._active is None:
            return
        line = self.query_one(FilterLine)
        self.add_class("-filtering")
        self._before_filter = self._active.filter_text
        line.value = self._active.filter_text
        # Widget.focus() waits its turn; the next key must find the line already.
        self.set_focus(line)

    @on(FilterLine.Typed)
    def _filter_typed(self, message: FilterLine.Typed) -> None:
        if self._active is not None and self.has_class("-filtering"):
            self._active.set_filter(message.text)

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

    def _close_filter(self) -> RowList[Any] | LogView | None:
        self.remove_class("-filtering")
        pane = self._active
        if pane is not None:
            # The value may be newer than the last message about it.
            pane.set_filter(self.query_one(FilterLine).value)
            self.set_focus(pane)
        return pane

    # Acts on the row under the cursor.

    def _row(self) -> object:
        pane = self._active
        return pane.current if isinstance(pane, RowList) else None

    def _row_task(self) -> TaskId | None:
        row = self._row()
        if isinstance(row, RunningRow | EndedRow):
            return row.task
        return self._chosen_task if self._active is self._log_pane else None

    def _row_job(self) -> JobRow | None:
        row = self._row()
        if isinstance(row, JobRow):
            return row
        task = self._row_task()
        return None if task is None else self._job(task.job)

    def _job(self, name: JobName) -> JobRow | None:
        return next((job for job in self._snapshot.jobs if job.name == name), None)

    def _ask(self, request: Callable[[], Awaitable[str]]) -> None:
        begin(self, partial(self._answer, request), name="control")

    async def _answer(self, request: Callable[[], Awaitable[str]]) -> None:
        try:
            answer = await request()
        except ControlRefused as refused:
            self._say(str(refused), True)
        else:
            self._say(answer, False)

    def action_switch_job(self) -> None:
        """Enable a disabled job, disable an enabled one."""
        job = self._row_job()
        if job is None:
            self._say("e enables and disables a job: put the cursor on one", True)
            return
        wanted = self._switches.turn(job)
        begin(self, partial(self._switch, job.name, wanted), name="control")

    async def _switch(self, job: JobName, wanted: bool) -> None:
        is_refused = True
        try:
            answer = await self._control.set_job_enabled(job, wanted)
            is_refused = False
        except ControlRefused as refused:
            self._say(str(refused), True)
        else:
            self._say(answer, False)
        finally:
            # Also when it was given up: what was asked would be waited for for ever.
            self._switches.answered(job, self._snapshot, is_refused=is_refused)

    def action_stop(self) -> None:
        """Stop the running task under the cursor."""
        task = self._row_task()
        if task is None:
            self._say("x stops a running task: go to Running and choose one", True)
        elif not any(row.task == task for row in self._snapshot.running):
            self._say(f"{task} does not run now", True)
        else:
            self._ask(lambda: self._control.kill_task(task))

    def action_forgive(self) -> None:
        """Let the failed tasks of the job run again."""
        job = self._row_job()
        if job is None:
            self._say("F forgives a job's failures: put the cursor on a job", True)
            return
        name = job.name
        self._ask(lambda: self._control.forgive((name,)))

    def action_log(self) -> None:
        """Go to the log of what is under the cursor."""
        pane = self._active
        if isinstance(pane, RowList) and pane.current is not None:
            self._chosen(RowList.Chosen(pane))
        self.set_focus(self._log_pane)

    # Overlays.

    def _open(self, title: str, text: Text, key: str) -> None:
        self.app.push_screen(Overlay(title, text, opened_by=key))

    def action_why(self) -> None:
        """Say why the job's tasks or the task are where they are."""
        row = self._row()
        if isinstance(row, JobRow):
            text = self._pages.why_job(row.name)
            self._open(f"Why · {clean_name(row.name)}", text, "w")
        elif isinstance(row, NodeRow):
            self._open(f"Node · {clean_name(row.name)}", self._pages.node(row), "w")
        elif (task := self._row_task()) is not None:
            text = self._pages.why_task(task)
            self._open(f"Why · {clean_name(str(task))}", text, "w")
        else:
            self._say("w tells why: put the cursor on a job or a task", True)

    @on(RowList.Opened)
    def _opened(self) -> None:
        self.action_details()

    def action_details(self) -> None:
        """Show all that is known of the row under the cursor."""
        row = self._row()
        if isinstance(row, JobRow):
            text = self._pages.job(row.name)
            self._open(f"Job · {clean_name(row.name)}", text, "enter")
        elif isinstance(row, NodeRow):
            self._open(f"Node · {clean_name(row.name)}", self._pages.node(row), "enter")
        elif isinstance(row, RunningRow | EndedRow):
            text = self._pages.attempt(row)
            self._open(f"Task · {clean_name(str(row.task))}", text, "enter")

    def action_problems(self) -> None:
        """Show all banners and job errors in full."""
        self._open("Problems", self._pages.problems(), "exclamation_mark")
