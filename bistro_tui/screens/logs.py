"""Page 6: what all running tasks write, until one of them, or some, are chosen."""

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.widget import Widget

from bistro_tui.engine.view import EndedRow, RunningRow, Snapshot, TaskId
from bistro_tui.present.clean import clean_name
from bistro_tui.present.log_sources import sources
from bistro_tui.present.log_target import LogScope, LogThing, Several
from bistro_tui.present.tasks import EVERYTHING, Scope
from bistro_tui.present.things import (
    JobThing,
    NodeThing,
    ResourceThing,
    TaskThing,
    Thing,
    WorkerThing,
)
from bistro_tui.present.workers import tasks_on
from bistro_tui.screens.log_feed import LogFeed
from bistro_tui.screens.page import Page, Pane
from bistro_tui.screens.stage import Stage
from bistro_tui.screens.texts import Texts
from bistro_tui.screens.work import begin
from bistro_tui.widgets.log_sources import LogSources
from bistro_tui.widgets.log_view import LogView
from bistro_tui.widgets.rows import Rows

_LOG_SECONDS = 0.25
_WIDE = 100
"""Columns from which on the list has a place beside the log."""
_FEW_ROWS = 8
"""Of the list above the log while it has the keyboard."""


class LogsPage(Page):
    """The list of tasks, and the log of what is chosen in it."""

    KEY: ClassVar[str] = "6"
    NAME: ClassVar[str] = "Logs"

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self._list = LogSources(id="log-tasks")
        self._log = LogView(id="log-lines")
        self._feed = LogFeed(stage, self._log)
        self._texts = Texts(stage.view, lambda: stage.snapshot, stage.scene)
        self.active_pane = self._log

    def compose(self) -> ComposeResult:
        """The list beside the log, or above it."""
        yield self._list
        yield self._log

    def on_mount(self) -> None:
        """Begin to follow."""
        self._read()
        self.set_interval(_LOG_SECONDS, self._read, name="logs")

    @property
    def panes(self) -> tuple[Pane, ...]:
        """The panes, in the order of the tab key: the log begins."""
        return (self._log, self._list)

    def focus_target(self) -> Widget | None:
        """Return the pane that had the keyboard, at first the log."""
        return self.active_pane

    def take(self, snapshot: Snapshot) -> None:
        """Show whose logs there are."""
        now = self.stage.scene().now
        self._log.now = now
        chosen = self._log.buffer.task
        scope = self._log.buffer.scope
        if isinstance(scope, Scope) and scope.node is not None and chosen is None:
            names = self.stage.node_index.subtree(scope.node)
            if names != scope.nodes:
                self._show(None, Scope(node=scope.node, nodes=names))
        self._list.show(sources(snapshot, chosen), now)

    def lay_out(self, width: int, height: int) -> None:
        """Put the list beside the log, or a line of it above."""
        is_wide = width >= _WIDE
        self.styles.layout = "horizontal" if is_wide else "vertical"
        has_list = self.active_pane is self._list
        if is_wide:
            self._list.styles.width = max(32, min(52, width // 4))
            self._list.styles.height = "1fr"
        else:
            self._list.styles.width = "1fr"
            self._list.styles.height = min(_FEW_ROWS, height // 2) if has_list else 1
        self._log.styles.width = self._log.styles.height = "1fr"

    def _read(self) -> None:
        if not self.stage.is_frozen and self.display:
            begin(self, self._feed.ask, name="logs")

    # What is chosen.

    def _show(self, task: TaskId | None, scope: LogScope = EVERYTHING) -> None:
        self._log.retarget(task, scope)
        self._read()

    @on(Rows.Chosen)
    @on(Rows.MarksChanged)
    def _chosen(self) -> None:
        if not self._list.has_focus:
            return  # where somebody jumped to is shown already
        marked = self._list.marked()
        tasks = frozenset(row.task for row in marked if row.task is not None)
        row = self._list.current
        if tasks:
            self._show(None, Several(tasks=tasks))
        elif row is not None:
            self._show(row.task)

    @on(Rows.Opened)
    def _opened(self) -> None:
        self.screen.set_focus(self._log)

    def things(self) -> tuple[Thing, ...]:
        """Return what keys act on; in the log, the tasks whose log it is."""
        if self.active_pane is self._list:
            return super().things()
        buffer = self._log.buffer
        if buffer.task is not None:
            running = self.stage.snapshot.running
            runs = (row.invocation for row in running if row.task == buffer.task)
            return (TaskThing(task=buffer.task, invocation=next(runs, None)),)
        scope = buffer.scope
        if isinstance(scope, Several):
            return tuple(TaskThing(task=task) for task in sorted(scope.tasks))
        if scope.job is not None:
            return (JobThing(name=scope.job),)
        return () if scope.node is None else (NodeThing(name=scope.node),)

    def point_at(self, thing: Thing) -> bool:
        """Show the log of that item."""
        self._list.clear_marks()
        self.active_pane = self._log
        match thing:
            case LogThing() if thing.others:
                self._show(None, Several(tasks=frozenset((thing.task, *thing.others))))
            case TaskThing():
                self._show(thing.task)
                self._list.show(
                    sources(self.stage.snapshot, thing.task), self.stage.scene().now
                )
                self._list.point_at_key(("log", thing.task))
                if isinstance(thing, LogThing) and thing.line_id:
                    self._feed.go_to(thing.line_id)
            case JobThing():
                self._show(None, Scope(job=thing.name))
            case WorkerThing() | ResourceThing(level="worker"):
                shard = thing.shard if isinstance(thing, WorkerThing) else thing.node
                there = tasks_on(self.stage.snapshot, shard)
                self._show(None, Several(tasks=frozenset(row.task for row in there)))
            case NodeThing(name=name) | ResourceThing(node=name):
                names = self.stage.node_index.subtree(name)
                self._show(None, Scope(node=name, nodes=names))
        return True

    def back(self) -> bool:
        """Undo one step: filter, attempt, then the choice of a task."""
        if self._log.step_back() if self.active_pane is self._log else super().back():
            return True
        buffer = self._log.buffer
        if buffer.task is None and buffer.scope == EVERYTHING:
            return False
        self._list.clear_marks()
        self._list.point_at_key(("log", None))
        self._show(None)
        return True

    def show_log(self, things: tuple[Thing, ...]) -> None:
        """Give the keyboard to the log, and follow it."""
        self.screen.set_focus(self._log)
        self._log.action_bottom()

    def open_details(self, things: tuple[Thing, ...]) -> None:
        """Go from the list to the log; in the log, show all known of its task."""
        task = self._log.buffer.task
        if self.active_pane is self._list:
            self.screen.set_focus(self._log)
        elif task is not None:
            shown = self.stage.snapshot
            known: tuple[RunningRow | EndedRow, ...] = (*shown.running, *shown.ended)
            rows = (row for row in known if row.task == task)
            row = next(rows, None)
            texts = self._texts
            text = texts.why_task(task) if row is None else texts.attempt(row)
            self.stage.open_text(
                f"Task · {clean_name(str(task))}", text, opened_by="enter"
            )
