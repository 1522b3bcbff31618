"""The lists of one job's page: its tasks, the nodes above them, attempts, facts."""

from collections.abc import Hashable, Mapping, Sequence
from typing import ClassVar

from textual.binding import BindingType
from textual.events import Resize

from bistro_tui.engine.view import Attempt, TaskRow
from bistro_tui.present.job_grid import BRANCH_COLUMNS, Branch
from bistro_tui.present.job_page import ATTEMPT_COLUMNS, TASK_COLUMNS, FactRow
from bistro_tui.present.job_segments import reason_word
from bistro_tui.present.spans import Line, Span, plain_text
from bistro_tui.present.table import Column
from bistro_tui.present.things import JobThing, NodeThing, TaskThing, Thing
from bistro_tui.widgets.cells import wrap
from bistro_tui.widgets.row_list import RowList
from bistro_tui.widgets.segments import SEGMENT_KEYS, Walks


class SegmentTasks(Walks, RowList[TaskRow]):
    """The tasks behind one segment of a job's bar, or all of them."""

    BINDINGS: ClassVar[list[BindingType]] = [*SEGMENT_KEYS]

    heading = "Tasks"

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.total = 0
        """How many tasks the segment has, those in sight and others."""
        self.note = "…"
        """What stands here without rows, safe to show."""
        self.reading = ""
        """What to tell of a filter that nothing fits while not all was read."""

    def key_of(self, row: TaskRow) -> Hashable:
        """Return the task."""
        return row.task

    def text_of(self, row: TaskRow) -> str:
        """Return node, reason and why."""
        return f"{row.task.node} {row.reason} {row.why}"

    def fields(self, row: TaskRow) -> Mapping[str, object]:
        """Return what a filter may name."""
        age = None if row.since is None else self.now - row.since
        return {
            "node": row.task.node,
            "job": row.task.job,
            "status": reason_word(row.reason),
            "reason": row.reason.value,
            "age": age,
            "try": row.attempts,
        }

    def columns(self) -> Sequence[Column[TaskRow]]:
        """Return the columns."""
        return TASK_COLUMNS

    def thing_of(self, row: TaskRow) -> Thing | None:
        """Return the task."""
        return TaskThing(task=row.task)

    def filtered_out(self) -> str:
        """Return whether that is all there is, or more is being read."""
        return self.reading or super().filtered_out()

    def empty_text(self) -> str:
        """Return what stands here without tasks."""
        return self.note

    def title_facts(self) -> Line:
        """Return how many there are, and how many of them are in the list."""
        loaded = len(self._all)
        if loaded >= self.total:
            return (Span(f" {loaded:,}", "dim"),)
        return (Span(f" {self.total:,} · {loaded:,} listed", "dim"),)

    @property
    def last_in_sight(self) -> int:
        """The place of the lowest row in sight."""
        return self.scroll_offset.y + self.size.height


class BranchTable(RowList[Branch]):
    """A job's tasks added up by the nodes above them, level by level."""

    heading = "By level"

    def key_of(self, row: Branch) -> Hashable:
        """Return the place in the tree: names of replicas are not unique."""
        return (row.name, row.place)

    def text_of(self, row: Branch) -> str:
        """Return name and level."""
        return f"{row.name} {row.level}"

    def fields(self, row: Branch) -> Mapping[str, object]:
        """Return what a filter may name."""
        return {"node": row.name, "level": row.level}

    def columns(self) -> Sequence[Column[Branch]]:
        """Return the columns."""
        return BRANCH_COLUMNS

    def thing_of(self, row: Branch) -> Thing | None:
        """Return the node."""
        return NodeThing(name=row.name)

    def empty_text(self) -> str:
        """Return what stands here before the grid came, and without nodes above."""
        return "no node stands above this job's tasks"


class AttemptTable(RowList[Attempt]):
    """The attempts of a job that are over, newest first."""

    heading = "Last attempts"
    note = "…"
    """What stands here without rows, safe to show."""

    def key_of(self, row: Attempt) -> Hashable:
        """Return task and invocation."""
        return (row.task, row.invocation)

    def text_of(self, row: Attempt) -> str:
        """Return node, result and exit."""
        return f"{row.task.node} {row.result} {row.exit}"

    def fields(self, row: Attempt) -> Mapping[str, object]:
        """Return what a filter may name."""
        return {
            "node": row.task.node,
            "job": row.task.job,
            "status": row.result,
            "age": self.now - row.ended,
        }

    def columns(self) -> Sequence[Column[Attempt]]:
        """Return the columns."""
        return ATTEMPT_COLUMNS

    def thing_of(self, row: Attempt) -> Thing | None:
        """Return the task."""
        return TaskThing(task=row.task)

    def empty_text(self) -> str:
        """Return what stands here without attempts."""
        return self.note


class FactList(RowList[FactRow]):
    """What is known of a job, line by line; other jobs in it can be gone to."""

    heading = "About"

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._source: Sequence[FactRow] = ()

    def show(self, rows: Sequence[FactRow], now: float) -> None:
        """Take new lines, and break the long ones."""
        self._source = rows
        width = max(8, self.size.width - 3)
        broken: list[FactRow] = []
        for row in rows:
            for at, line in enumerate(wrap(row.line, width, indent=14)):
                broken.append(row._replace(key=f"{row.key} /{at}", line=line))
        super().show(broken, now)

    def on_resize(self, event: Resize) -> None:
        """Break the lines for the new width."""
        super().on_resize(event)
        self.show(self._source, self.now)

    def key_of(self, row: FactRow) -> Hashable:
        """Return what the line is about."""
        return row.key

    def text_of(self, row: FactRow) -> str:
        """Return the line."""
        return plain_text(row.line)

    def columns(self) -> Sequence[Column[FactRow]]:
        """Return none: a line is a line."""
        return ()

    def row_line(self, index: int, row: FactRow, width: int) -> Line:
        """Return the line."""
        return row.line

    def thing_of(self, row: FactRow) -> Thing | None:
        """Return the other job that the line tells of."""
        return None if row.job is None else JobThing(name=row.job)

    @property
    def _head(self) -> int:
        # There are no columns to give titles to.
        return 1

    def title_facts(self) -> Line:
        """Return nothing: how many lines there are tells nobody anything."""
        return ()
