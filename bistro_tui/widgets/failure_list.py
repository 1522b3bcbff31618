"""Failures grouped by their last words; a group opens into its tasks."""

from collections.abc import Hashable, Mapping, Sequence
from functools import partial

from bistro_tui.engine.view import Failure
from bistro_tui.present.clean import clean_log
from bistro_tui.present.failure_columns import COLUMNS
from bistro_tui.present.failures import (
    FailureRow,
    Group,
    failure_key,
    failure_rows,
    failure_text,
    things_of,
)
from bistro_tui.present.palette import state_of
from bistro_tui.present.spans import Line, Scene, Span
from bistro_tui.present.table import Column, ordered
from bistro_tui.present.things import Thing
from bistro_tui.present.words import plural
from bistro_tui.widgets.row_list import RowList


class FailureList(RowList[FailureRow]):
    """Groups, and below each open one its tasks."""

    heading = "Failures"

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.note = ""
        """What stands in the pane while there are no groups."""
        self.total = 0
        """Failed and backing-off tasks, grouped or not."""
        self._groups: Sequence[Group] = ()
        self._opened: set[Hashable] = set()
        fold: Column[FailureRow] = Column(title="", cell=self._fold_cell, width=1)
        self._columns = (fold, *COLUMNS)

    def key_of(self, row: FailureRow) -> Hashable:
        """Return the words of a group, the task of a failure."""
        return failure_key(row)

    def text_of(self, row: FailureRow) -> str:
        """Return words, jobs and nodes."""
        return failure_text(row)

    def fields(self, row: FailureRow) -> Mapping[str, object]:
        """Return what a filter may name."""
        if isinstance(row, Group):
            return {"job": " ".join(row.jobs), "age": self.now - row.newest}
        return {
            "job": row.task.job,
            "node": row.task.node,
            "status": state_of(row.reason).word,
            "age": self.now - row.ended,
            "exit": row.exit,
            "line": clean_log(row.last_line[:2_000]),
        }

    def columns(self) -> Sequence[Column[FailureRow]]:
        """Return the columns."""
        return self._columns

    def thing_of(self, row: FailureRow) -> Thing | None:
        """Return its newest task."""
        return things_of(row)[0]

    def things(self) -> tuple[Thing, ...]:
        """Return the tasks of the marked rows, or of the one under the cursor."""
        current = self.current
        rows = self.marked() or (() if current is None else (current,))
        # A marked task of a marked group is one task.
        return tuple(dict.fromkeys(thing for row in rows for thing in things_of(row)))

    def known(self) -> Sequence[FailureRow]:
        """Return all groups and failures: those in shut groups stay marked."""
        rows: list[FailureRow] = []
        for group in self._groups:
            rows += [group, *group.failures]
        return rows

    def show_groups(self, groups: Sequence[Group], now: float) -> None:
        """Take new groups; those that were open stay open."""
        self._groups = groups
        self.show(failure_rows(groups, self._opened), now)

    def sifted(self, rows: Sequence[FailureRow]) -> Sequence[FailureRow]:
        """Return groups that fit or have tasks that do, open ones with what fits."""
        if not self.wanted:
            return rows
        kept: list[FailureRow] = []
        for group in self._groups:
            some = self._fitting(group)
            if some:
                kept.append(group)
                if failure_key(group) in self._opened:
                    kept.extend(some)
        return kept

    def _fitting(self, group: Group) -> list[FailureRow]:
        # Of what tasks of several jobs or ages have in common, only the words are
        # true of each.
        return [
            one
            for one in group.failures
            if self.wanted.matches(
                f"{group.words} {self.text_of(one)}", partial(self.fields, one)
            )
        ]

    def meant(self, rows: Sequence[FailureRow]) -> Sequence[FailureRow]:
        """Return the tasks that fit, and groups all of whose tasks do.

        Of a shut group with others, its tasks that fit.
        """
        if not self.wanted:
            return rows
        found: list[FailureRow] = []
        for row in rows:
            if isinstance(row, Failure):
                found.append(row)
                continue
            some = self._fitting(row)
            if len(some) == len(row.failures):
                found.append(row)
            elif failure_key(row) not in self._opened:
                found.extend(some)
        return found

    @property
    def fit_count(self) -> int:
        """How many tasks fit the filter."""
        if self._fit_count is None:
            rows = self.meant(self._rows)
            tasks = {thing for row in rows for thing in things_of(row)}
            self._fit_count = len(tasks)
        return self._fit_count

    def arranged(self, rows: Sequence[FailureRow]) -> Sequence[FailureRow]:
        """Return groups in order, and in each its tasks."""
        sort = next((c.sort for c in COLUMNS if self._sorts_by(c)), None)
        if sort is None or self.order is None:
            return rows
        tasks: dict[int, list[FailureRow]] = {}
        groups: list[FailureRow] = []
        for row in rows:
            if isinstance(row, Group):
                groups.append(row)
                tasks[id(row)] = []
            else:
                tasks[id(groups[-1])].append(row)
        down = self.order.down
        return [
            row
            for group in ordered(groups, sort, down=down)
            for row in (group, *ordered(tasks[id(group)], sort, down=down))
        ]

    def _fold_cell(self, row: FailureRow, width: int, scene: Scene) -> Line:
        """Return what Enter does to a group."""
        if isinstance(row, Failure):
            return ()
        return (Span("▾" if failure_key(row) in self._opened else "▸", "accent"),)

    def title_facts(self) -> Line:
        """Return how many groups of how many tasks."""
        tasks = sum(len(group.failures) for group in self._groups)
        facts = f" {plural(tasks, 'task')} in {plural(len(self._groups), 'group')}"
        if tasks < self.total:
            facts += f" · the newest of {self.total:,}"
        return (Span(facts, "dim"),)

    def empty_text(self) -> str:
        """Return what stands here without failures."""
        return self.note

    def fold(self, row: Group) -> None:
        """Open a group into its tasks, or shut it."""
        self._opened ^= {failure_key(row)}
        self.show(failure_rows(self._groups, self._opened), self.now)
