"""The workers: how each is, what it has, and what it runs."""

from collections.abc import Hashable, Mapping, Sequence

from bistro_tui.engine.view import WorkerRow
from bistro_tui.present.spans import Line, Span
from bistro_tui.present.table import Column
from bistro_tui.present.things import Thing, WorkerThing
from bistro_tui.present.workers import (
    COLUMNS,
    worker_counts,
    worker_fields,
    worker_text,
)
from bistro_tui.widgets.row_list import RowList


class WorkerList(RowList[WorkerRow]):
    """One row a worker, in the order they came."""

    heading = "Workers"

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.note = "no worker is connected"
        """What stands in the pane while there are none, safe to show."""

    def key_of(self, row: WorkerRow) -> Hashable:
        """Return its shard."""
        return row.shard

    def text_of(self, row: WorkerRow) -> str:
        """Return shard and host."""
        return worker_text(row)

    def fields(self, row: WorkerRow) -> Mapping[str, object]:
        """Return what a filter may name of a worker."""
        return worker_fields(row, self.now)

    def columns(self) -> Sequence[Column[WorkerRow]]:
        """Return the columns."""
        return COLUMNS

    def thing_of(self, row: WorkerRow) -> Thing | None:
        """Return the worker."""
        return WorkerThing(shard=row.shard)

    def empty_text(self) -> str:
        """Return what stands here without workers."""
        return self.note

    def title_facts(self) -> Line:
        """Return how many there are in which state."""
        if not self._all:
            return super().title_facts()
        return (*super().title_facts(), Span("  "), *worker_counts(self._all))
