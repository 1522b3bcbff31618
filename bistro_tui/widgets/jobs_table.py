"""The jobs and how far each has got."""

from collections.abc import Hashable, Mapping, Sequence
from typing import ClassVar

from textual.binding import BindingType

from bistro_tui.engine.view import JobRow
from bistro_tui.present.job_ledger import Ledger
from bistro_tui.present.jobs import COLUMNS, job_fields, job_text
from bistro_tui.present.table import Column
from bistro_tui.present.things import JobThing, Thing
from bistro_tui.widgets.row_list import RowList
from bistro_tui.widgets.segments import SEGMENT_KEYS, Walks


class JobsTable(RowList[JobRow]):
    """Name, state, stacked bar, counts and owner of every job."""

    heading = "Jobs"

    def key_of(self, row: JobRow) -> Hashable:
        """Return the job's name."""
        return row.name

    def text_of(self, row: JobRow) -> str:
        """Return name and owner."""
        return job_text(row)

    def fields(self, row: JobRow) -> Mapping[str, object]:
        """Return what a filter may name."""
        return job_fields(row)

    def columns(self) -> Sequence[Column[JobRow]]:
        """Return the columns."""
        return COLUMNS

    def thing_of(self, row: JobRow) -> Thing | None:
        """Return the job."""
        return JobThing(name=row.name)

    def empty_text(self) -> str:
        """Return what stands here without jobs."""
        return "no jobs in the config yet: add a bistro_job->NAME key, it shows at once"


class JobsLedger(Walks, JobsTable):
    """The jobs with pace and plans; left and right walk the states of one."""

    BINDINGS: ClassVar[list[BindingType]] = [*SEGMENT_KEYS]

    def __init__(self, ledger: Ledger, *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._ledger_columns = ledger.columns()

    def columns(self) -> Sequence[Column[JobRow]]:
        """Return the columns."""
        return self._ledger_columns
