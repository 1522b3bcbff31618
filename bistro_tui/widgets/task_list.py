"""Tasks of one state: attempts that run or ended, or tasks that wait or are done."""

from collections.abc import Hashable, Mapping, Sequence

from bistro_tui.engine.view import EndedRow, RunningRow
from bistro_tui.engine.view import TaskRow as Task
from bistro_tui.present.spans import Line, Span
from bistro_tui.present.table import Column
from bistro_tui.present.task_columns import (
    TASK_COLUMNS,
    AnyRow,
    Surroundings,
    any_fields,
    any_key,
    any_text,
)
from bistro_tui.present.tasks import Divider, divider_line, successor
from bistro_tui.present.things import TaskThing, Thing
from bistro_tui.widgets.row_list import RowList


class TaskList(RowList[AnyRow]):
    """Shows attempts and tasks with all that is known beside them."""

    heading = "Tasks"

    def __init__(
        self,
        surroundings: Surroundings,
        *,
        id: str,  # noqa: A002 - Textual's name
        tells_worker: bool = True,
    ) -> None:
        super().__init__(id=id)
        self.of_tasks = False
        """Whether the rows are tasks, and no attempts."""
        self.total = 0
        """How many there are, shown or not."""
        self.note = ""
        """What stands in the pane while there are no rows."""
        self.reading = ""
        """What to tell of a filter that nothing fits while not all was read."""
        self._surroundings = surroundings
        self._tells_use = False
        self._without_use, self._with_use = (
            surroundings.columns(tells_use=tells_use, tells_worker=tells_worker)
            for tells_use in (False, True)
        )

    def key_of(self, row: AnyRow) -> Hashable:
        """Return the task and whether it runs, or when it ended."""
        return any_key(row)

    def text_of(self, row: AnyRow) -> str:
        """Return job and node."""
        return any_text(row)

    def fields(self, row: AnyRow) -> Mapping[str, object]:
        """Return what a filter may name."""
        return any_fields(row, self.now)

    def is_item(self, row: AnyRow) -> bool:
        """Return whether it is a task."""
        return not isinstance(row, Divider)

    def successor_of(self, key: Hashable) -> Hashable | None:
        """Return the result of the task that ran there."""
        return successor(key, self._attempts(self.rows))

    def heir_of(self, key: Hashable) -> Hashable | None:
        """Have the mark of a running task pass to its result."""
        return successor(key, self._attempts(self.known()))

    def _attempts(self, rows: Sequence[AnyRow]) -> list[EndedRow]:
        return [row for row in rows if isinstance(row, EndedRow)]

    def columns(self) -> Sequence[Column[AnyRow]]:
        """Return the columns."""
        if self.of_tasks:
            return TASK_COLUMNS
        return self._with_use if self._tells_use else self._without_use

    def thing_of(self, row: AnyRow) -> Thing | None:
        """Return the task, and the attempt that runs."""
        match row:
            case RunningRow():
                return TaskThing(task=row.task, invocation=row.invocation)
            case Divider():
                return None
            case EndedRow() | Task():
                return TaskThing(task=row.task)

    def show(self, rows: Sequence[AnyRow], now: float) -> None:
        """Take new rows; columns of use come with the first that is known, and stay."""
        self._surroundings.now = now
        if not self._tells_use:
            self._tells_use = any(
                isinstance(row, RunningRow) and row.rss is not None for row in rows
            )
        super().show(rows, now)

    def tick(self, now: float) -> None:
        """Let the ages grow."""
        self._surroundings.now = now
        super().tick(now)

    def filtered_out(self) -> str:
        """Return whether that is all there is, or more is being read."""
        return self.reading or super().filtered_out()

    def empty_text(self) -> str:
        """Return what stands here without a task."""
        return self.note

    def sifted(self, rows: Sequence[AnyRow]) -> Sequence[AnyRow]:
        """Return the rows that fit; the divider stays above what ended."""
        if not self.wanted:
            return rows
        kept = [row for row in rows if isinstance(row, Divider) or self.fits(row)]
        if kept and isinstance(kept[-1], Divider):
            kept.pop()
        return kept

    def row_line(self, index: int, row: AnyRow, width: int) -> Line:
        """Return a row, or the line between running and ended tasks."""
        if isinstance(row, Divider):
            return divider_line(row, width)
        return super().row_line(index, row, width)

    def title_facts(self) -> Line:
        """Return how many there are, and how many of them were read so far."""
        held = sum(self.is_item(row) for row in self._all)
        if self.of_tasks and held < self.total:
            return (Span(f" first {held:,} of {self.total:,}", "dim"),)
        if self.of_tasks:
            return (Span(f" {held:,}", "dim"),)
        running = sum(isinstance(row, RunningRow) for row in self._all)
        spans: list[Span] = []
        if running or held == 0:
            spans.append(Span(f" {running:,} running", "running" if running else "dim"))
        if held > running:
            gap = " · " if running else " "
            spans.append(Span(f"{gap}{held - running:,} ended lately", "dim"))
        return tuple(spans)

    @property
    def in_sight(self) -> Sequence[AnyRow]:
        """The rows on the screen."""
        top = self.scroll_offset.y
        return self.rows[top : top + self._page]

    @property
    def is_near_end(self) -> bool:
        """Whether less than a screen of rows is left below what is in sight."""
        return self.scroll_offset.y + 2 * self._page >= len(self.rows)
