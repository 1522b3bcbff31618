"""The list of tasks beside the log."""

from collections.abc import Hashable, Mapping, Sequence

from bistro_tui.engine.view import RunningRow
from bistro_tui.present.log_sources import (
    COLUMNS,
    Source,
    source_fields,
    source_text,
)
from bistro_tui.present.spans import Line, Span
from bistro_tui.present.table import Column
from bistro_tui.present.things import TaskThing, Thing
from bistro_tui.widgets.row_list import RowList


class LogSources(RowList[Source]):
    """All tasks, and each one that has something to say."""

    heading = "Tasks"

    def key_of(self, row: Source) -> Hashable:
        """Return the task; it stays the same when it ends."""
        return ("log", row.task)

    def text_of(self, row: Source) -> str:
        """Return job and node."""
        return source_text(row)

    def fields(self, row: Source) -> Mapping[str, object]:
        """Return what a filter may name."""
        return source_fields(row)

    def columns(self) -> Sequence[Column[Source]]:
        """Return the columns."""
        return COLUMNS

    def thing_of(self, row: Source) -> Thing | None:
        """Return the task, and the attempt that runs."""
        if row.task is None:
            return None
        run = row.row.invocation if isinstance(row.row, RunningRow) else None
        return TaskThing(task=row.task, invocation=run)

    def title_facts(self) -> Line:
        """Return how many run."""
        running = sum(isinstance(row.row, RunningRow) for row in self._all)
        facts = (Span(f" {running:,} running", "running" if running else "dim"),)
        if self.size.height == 1:
            return (*facts, Span(" · tab to choose", "dim"))
        return facts
