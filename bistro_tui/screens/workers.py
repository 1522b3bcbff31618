"""Page 0: the workers that tasks run on, and what the chosen one runs."""

from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult

from bistro_tui.engine.view import NodeName, RunningRow, Snapshot, TaskId, WorkerRow
from bistro_tui.present.clean import clean_name
from bistro_tui.present.spans import Line, Span
from bistro_tui.present.task_columns import AnyRow, Surroundings
from bistro_tui.present.things import TaskThing, Thing, WorkerThing
from bistro_tui.present.worker_start import start_lines, wait_lines
from bistro_tui.present.workers import in_order, tasks_on
from bistro_tui.screens.split import SplitPage
from bistro_tui.screens.stage import Stage
from bistro_tui.screens.task_feed import TaskFeed
from bistro_tui.screens.work import begin
from bistro_tui.widgets.bars import Bar
from bistro_tui.widgets.cells import wrap
from bistro_tui.widgets.rows import Rows
from bistro_tui.widgets.task_list import TaskList
from bistro_tui.widgets.worker_list import WorkerList

_TURN_SECONDS = 1.0
_INDENT = 2
_PORT_CHARS = 16
_ROOMY = 30
_LEAST = 7
"""Rows of the page that are not taken from its panes, even while they are empty."""


class WorkersPage(SplitPage[TaskList]):
    """What is waited for, the workers, and the tasks of one with their last lines."""

    KEY: ClassVar[str] = "0"
    NAME: ClassVar[str] = "Workers"
    WIDE: ClassVar[int] = 180

    def __init__(self, stage: Stage) -> None:
        self._around = Surroundings()
        tasks = TaskList(self._around, id="worker-tasks", tells_worker=False)
        super().__init__(stage, tasks)
        self._list = WorkerList(id="worker-list")
        self._told = Bar(self._told_lines, id="worker-wait")
        self._feed = TaskFeed(stage.view, self.details, self._around)
        self._height = 20
        self._rows_of: tuple[NodeName | None, tuple[RunningRow, ...]] = (None, ())
        """The worker whose tasks are shown, and of what they were picked."""
        self._tasks: list[AnyRow] = []

    @property
    def main(self) -> WorkerList:
        """The workers."""
        return self._list

    def compose(self) -> ComposeResult:
        """What is waited for above the workers, and their tasks."""
        yield self._told
        yield from super().compose()

    def on_mount(self) -> None:
        """Begin to ask for what snapshots do not have."""
        self.set_interval(_TURN_SECONDS, self._turn, name="worker tasks")
        self._turn()

    # What is shown.

    def take(self, snapshot: Snapshot) -> None:
        """Show a new snapshot."""
        self._told.sync()
        self._list.show(in_order(snapshot.workers), self.stage.scene().now)
        self._show_tasks(snapshot)

    def tick(self) -> None:
        """Let the ages grow."""
        super().tick()
        if not self.stage.is_frozen:
            self._around.last.keep(self.stage.snapshot.running)

    def lay_out(self, width: int, height: int) -> None:
        """Put the tasks beside the workers or below them."""
        self._height = height
        super().lay_out(width, height)
        self._told.sync()

    def _told_lines(self, width: int) -> list[Line]:
        shown = self.stage.snapshot
        told = wait_lines(shown)
        if not shown.workers:
            here = self.stage.is_local
            port = _port_of(shown.state.data_dir) if here else None
            is_roomy = self._height >= _ROOMY
            told += start_lines(port, shown.state.data_dir, is_roomy=is_roomy)
        margin = Span(" ")
        lines = [
            (margin, *row)
            for line in told
            for row in wrap(line, max(8, width - 2), indent=_INDENT)
        ]
        most = max(3, self._height // 2 if shown.workers else self._height - _LEAST)
        if len(lines) > most:
            lines = [*lines[: most - 1], (Span("   … ! shows all problems", "dim"),)]
        return lines

    def _show_tasks(self, snapshot: Snapshot) -> None:
        row, now = self._worker(), self.stage.scene().now
        shard = None if row is None else row.shard
        known, running = self._rows_of
        if known != shard or running is not snapshot.running:
            self._rows_of = (shard, snapshot.running)
            self._tasks = [] if shard is None else [*tasks_on(snapshot, shard)]
        name = "" if shard is None else clean_name(shard, limit=30)
        self.details.chip = name
        self.details.note = f"no task runs on {name} · w says why" if name else ""
        self.details.show(self._tasks, now)

    def _worker(self) -> WorkerRow | None:
        """Return the chosen worker, at first the one that would be chosen."""
        row = self._list.current
        if row is None and self._list.cursor_key is None and self._list.rows:
            return self._list.rows[0]
        return row

    @on(Rows.Chosen)
    def _chosen(self, message: Rows.Chosen) -> None:
        if message.pane is self._list:
            self._show_tasks(self.stage.snapshot)
            self._turn()

    def _turn(self) -> None:
        if not self.stage.is_frozen and self.display:
            shown, now = self.stage.snapshot, self.stage.scene().now
            begin(self, partial(self._feed.turn, shown, now), name="worker tasks")

    # What a person does.

    def point_at(self, thing: Thing) -> bool:
        """Put the cursor on that worker, or on the one that runs that task."""
        shard: NodeName | None = None
        if isinstance(thing, WorkerThing):
            shard = thing.shard
        elif isinstance(thing, TaskThing):
            shard = self._shard_of(thing.task)
        self.active_pane = self._list
        return shard is not None and self._list.point_at_key(shard)

    def _shard_of(self, task: TaskId) -> NodeName | None:
        running = self.stage.snapshot.running
        return next((NodeName(row.worker) for row in running if row.task == task), None)


def _port_of(data_dir: str) -> int | None:
    """Return where the scheduler with that data directory listens for workers."""
    with suppress(OSError, ValueError):
        with (Path(data_dir) / "run" / "worker.port").open("rb") as file:
            port = int(file.read(_PORT_CHARS))
        return port if 0 < port < 1 << 16 else None
    return None
