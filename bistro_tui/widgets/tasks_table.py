"""The running tasks and those that ended lately."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace

from bistro_tui.engine.view import EndedRow, RunningRow
from bistro_tui.present.spans import Line, Scene, Span
from bistro_tui.present.table import Column
from bistro_tui.present.tasks import (
    COLUMNS,
    COLUMNS_WITHOUT_USE,
    Divider,
    TaskRow,
    Troubled,
    divider_line,
    result_beside,
    successor,
    task_fields,
    task_key,
    task_text,
    tells_use,
)
from bistro_tui.present.things import TaskThing, Thing
from bistro_tui.widgets.row_list import RowList


class TasksTable(RowList[TaskRow]):
    """Running tasks with their ages; below them the newest results."""

    heading = "Running"
    _tells_use = False

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.troubled: Troubled = {}
        """Those that are not well."""
        self._with_use = self._told(COLUMNS)
        self._without_use = self._told(COLUMNS_WITHOUT_USE)

    def key_of(self, row: TaskRow) -> Hashable:
        """Return the task and whether it runs, or when it ended."""
        return task_key(row)

    def text_of(self, row: TaskRow) -> str:
        """Return job and node."""
        return task_text(row)

    def fields(self, row: TaskRow) -> Mapping[str, object]:
        """Return what a filter may name."""
        return task_fields(row, self.now)

    def is_item(self, row: TaskRow) -> bool:
        """Return whether it is a task."""
        return not isinstance(row, Divider)

    def successor_of(self, key: Hashable) -> Hashable | None:
        """Return the result of the task that ran there."""
        return successor(key, self.rows)

    def heir_of(self, key: Hashable) -> Hashable | None:
        """Have the mark of a running task pass to its result."""
        return successor(key, self.known())

    def show(self, rows: Sequence[TaskRow], now: float) -> None:
        """Take new rows; columns of use come with the first that is known, and stay."""
        self._tells_use = self._tells_use or tells_use(rows)
        super().show(rows, now)

    def columns(self) -> Sequence[Column[TaskRow]]:
        """Return the columns."""
        return self._with_use if self._tells_use else self._without_use

    def _told(self, columns: Sequence[Column[TaskRow]]) -> Sequence[Column[TaskRow]]:
        return [
            replace(column, cell=self._result) if column.title == "result" else column
            for column in columns
        ]

    def _result(self, row: TaskRow, width: int, scene: Scene) -> Line:
        return result_beside(row, scene, self.troubled)

    def thing_of(self, row: TaskRow) -> Thing | None:
        """Return the task, and the attempt that runs."""
        match row:
            case RunningRow():
                return TaskThing(task=row.task, invocation=row.invocation)
            case EndedRow():
                return TaskThing(task=row.task)
            case Divider():
                return None

    def empty_text(self) -> str:
        """Return what stands here before the first task."""
        where = f" of {self.chip}" if self.chip else ""
        return f"no task{where} runs, and none ended lately"

    def sifted(self, rows: Sequence[TaskRow]) -> Sequence[TaskRow]:
        """Return the rows that fit; the divider stays above what ended."""
        if not self.wanted:
            return rows
        kept = [row for row in rows if isinstance(row, Divider) or self.fits(row)]
        if kept and isinstance(kept[-1], Divider):
            kept.pop()
        return kept

    def row_line(self, index: int, row: TaskRow, width: int) -> Line:
        """Return a row, or the line between running and ended tasks."""
        if isinstance(row, Divider):
            return divider_line(row, width)
        return super().row_line(index, row, width)

    def title_facts(self) -> Line:
        """Return how many run, and how many ended lately."""
        running = sum(isinstance(row, RunningRow) for row in self._all)
        ended = sum(isinstance(row, EndedRow) for row in self._all)
        spans = [Span(f" {running:,}", "running" if running else "dim")]
        if ended:
            spans.append(Span(f" · {ended:,} ended", "dim"))
        return tuple(spans)
