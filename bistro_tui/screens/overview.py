"""Page 1: what runs, what waits, what failed, and what the tasks say."""

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult

from bistro_tui.engine.view import (
    EndedRow,
    JobRow,
    NodeRow,
    RunningRow,
    Snapshot,
    TaskId,
    WorkerRow,
)
from bistro_tui.present.arrangement import (
    Arrangement,
    arrangement,
    has_pulse,
    stacked,
    top_rows,
)
from bistro_tui.present.clean import clean_name
from bistro_tui.present.limits import Level, NodeUse, levels_of, uses_of_workers
from bistro_tui.present.pulse import pulse_lines
from bistro_tui.present.spans import Line
from bistro_tui.present.tasks import EVERYTHING, Scope, task_rows
from bistro_tui.present.things import TaskThing, Thing
from bistro_tui.present.workers import has_remote, troubled
from bistro_tui.screens.log_feed import LogFeed
from bistro_tui.screens.page import Page, Pane
from bistro_tui.screens.stage import Stage
from bistro_tui.screens.texts import Texts
from bistro_tui.screens.work import begin
from bistro_tui.widgets.bars import Bar
from bistro_tui.widgets.jobs_table import JobsTable
from bistro_tui.widgets.log_view import LogView
from bistro_tui.widgets.node_tree import NodeTree
from bistro_tui.widgets.row_list import RowList
from bistro_tui.widgets.tasks_table import TasksTable

_LOG_SECONDS = 0.4
_MANY_NODES = 10_000
"""Above that, the use of resources is added up only now and then."""
_LEVEL_SECONDS = 2.0


def _of_remote(shown: Snapshot) -> Sequence[NodeUse]:
    """Return what workers have; what this host has is told with its tasks."""
    return uses_of_workers(shown) if has_remote(shown) else ()


class OverviewPage(Page):
    """Jobs, nodes, running tasks, log."""

    KEY: ClassVar[str] = "1"
    NAME: ClassVar[str] = "Overview"

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self._scope = EVERYTHING
        self._chosen_task: TaskId | None = None
        self._levels: Sequence[Level] = ()
        self._levels_of: tuple[Sequence[NodeRow], Sequence[WorkerRow], float] = (
            (), (), 0.0,
        )  # fmt: skip
        # Made here rather than looked up later: the app may end before its first mount.
        self._pulse = Bar(self._pulse_lines, id="pulse")
        self._pulse_rows = 0
        self._jobs_pane = JobsTable(id="jobs")
        self._node_pane = NodeTree(id="nodes")
        self._tasks_pane = TasksTable(id="tasks")
        self._log_pane = LogView(id="log")
        self._feed = LogFeed(stage, self._log_pane)
        self._texts = Texts(stage.view, lambda: stage.snapshot, stage.scene)
        self.active_pane = self._jobs_pane

    def compose(self) -> ComposeResult:
        """The panes; their places come from the size of the screen."""
        *above, log = self.panes
        yield from above
        yield self._pulse
        yield log

    def on_mount(self) -> None:
        """Begin to follow the log."""
        self._read_log()
        self.set_interval(_LOG_SECONDS, self._read_log, name="log")

    @property
    def panes(self) -> tuple[Pane, ...]:
        """The panes, in the order of the tab key."""
        return (self._jobs_pane, self._node_pane, self._tasks_pane, self._log_pane)

    def take(self, snapshot: Snapshot) -> None:
        """Show a new snapshot."""
        now = self.stage.scene().now
        index = self.stage.node_index
        if self._scope.node is not None:
            names = index.subtree(self._scope.node)
            self._scope = Scope(node=self._scope.node, nodes=names)
        self._jobs_pane.show(snapshot.jobs, now)
        self._node_pane.show(snapshot.nodes, now, index)
        self._tasks_pane.troubled = troubled(snapshot)
        self._tasks_pane.show(task_rows(snapshot, self._scope), now)
        self._beat()

    def tick(self) -> None:
        """Let the ages grow."""
        super().tick()
        self._beat()

    def _beat(self) -> None:
        if not self._pulse_rows:
            return
        snapshot, now = self.stage.snapshot, self.stage.scene().now
        nodes, workers, at = self._levels_of
        is_new = nodes is not snapshot.nodes or workers is not snapshot.workers
        if is_new and (
            len(snapshot.nodes) <= _MANY_NODES or not 0 <= now - at < _LEVEL_SECONDS
        ):
            self._levels = levels_of(
                self.stage.node_index, snapshot.nodes, _of_remote(snapshot)
            )
            self._levels_of = (snapshot.nodes, snapshot.workers, now)
        self._pulse.sync()

    def _pulse_lines(self, width: int) -> list[Line]:
        return pulse_lines(
            self.stage.snapshot,
            self._levels,
            self.stage.scene(),
            width,
            self._pulse_rows,
        )

    def lay_out(self, width: int, height: int) -> None:
        """Find places for the panes; the one with the keyboard gets the most room."""
        active = self.active_pane or self._jobs_pane
        chosen = arrangement(*self.app.size)
        for choice in Arrangement:
            self.set_class(choice is chosen, f"-{choice}")
        for pane in self.panes:
            pane.set_class(pane is active, "-active")
        shown = self.stage.snapshot
        jobs, nodes = len(shown.jobs), len(shown.nodes)
        pulses = chosen is Arrangement.GRID and has_pulse(*self.app.size)
        self.set_class(pulses, "-pulse")
        self._pulse_rows = 0
        if chosen is Arrangement.GRID:
            top = top_rows(jobs, nodes, height)
            middle = max(5, (height - top) * 5 // 11)
            self.styles.grid_rows = f"{top} {middle} 1fr"
            self._pulse_rows = middle if pulses else 0
        heights: list[int | str] = ["1fr"] * len(self.panes)
        if chosen is Arrangement.STACK:
            wanted = (jobs + 2, nodes + 2, None, None)
            heights = [*stacked(height, self.panes.index(active), wanted)]
        for pane, rows in zip(self.panes, heights, strict=True):
            pane.styles.height = rows

    # What is chosen.

    def things(self) -> tuple[Thing, ...]:
        """Return what keys act on; in the log, the task whose log it is."""
        if self.active_pane is self._log_pane:
            task = self._chosen_task
            return () if task is None else (TaskThing(task=task),)
        return super().things()

    @on(RowList.Chosen)
    def _chosen(self, message: RowList.Chosen) -> None:
        row = message.pane.current
        if isinstance(row, RunningRow | EndedRow):
            self._chosen_task = row.task
        elif isinstance(row, JobRow):
            self._chosen_task, self._scope = None, Scope(job=row.name)
        elif isinstance(row, NodeRow):
            names = self.stage.node_index.subtree(row.name)
            whole = row.depth == 0
            self._chosen_task = None
            self._scope = EVERYTHING if whole else Scope(node=row.name, nodes=names)
        self._follow_choice()

    def _follow_choice(self) -> None:
        now = self.stage.scene().now
        self._tasks_pane.chip = self._scope.label
        self._tasks_pane.show(task_rows(self.stage.snapshot, self._scope), now)
        self._log_pane.retarget(
            self._chosen_task, EVERYTHING if self._chosen_task else self._scope
        )
        self._read_log()

    def back(self) -> bool:
        """Undo one step: the filter, the chosen task, the chosen job or node."""
        if super().back():
            return True
        if self._chosen_task is not None:
            self._chosen_task = None
        elif self._scope is not EVERYTHING:
            self._scope = EVERYTHING
        else:
            return False
        self._follow_choice()
        return True

    def _read_log(self) -> None:
        if not self.stage.is_frozen and self.display:
            begin(self, self._feed.ask, name="log")

    def show_log(self, things: tuple[Thing, ...]) -> None:
        """Go to the log of what is under the cursor."""
        pane = self.active_pane
        if isinstance(pane, RowList) and pane.current is not None:
            self._chosen(RowList.Chosen(pane))
        self.screen.set_focus(self._log_pane)

    def open_details(self, things: tuple[Thing, ...]) -> None:
        """Show all that is known of the row under the cursor."""
        pane = self.active_pane
        row = pane.current if isinstance(pane, RowList) else None
        show = self.stage.open_text
        if isinstance(row, JobRow):
            text = self._texts.job(row.name)
            show(f"Job · {clean_name(row.name)}", text, opened_by="enter")
        elif isinstance(row, NodeRow):
            text = self._texts.node(row.name)
            show(f"Node · {clean_name(row.name)}", text, opened_by="enter")
        elif isinstance(row, RunningRow | EndedRow):
            text = self._texts.attempt(row)
            show(f"Task · {clean_name(str(row.task))}", text, opened_by="enter")
