"""What a list of rows holds: rows in sight, filter, order, cursor and marks."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from textual.message import Message

from bistro_tui.present.filters import Filter
from bistro_tui.present.marks import Marks
from bistro_tui.present.table import Column, Order, ordered
from bistro_tui.present.things import Thing
from bistro_tui.widgets.painted import Painted

R = TypeVar("R")

_NEAR = 100
"""Rows around the cursor where its item is looked for first."""


class Rows(Painted, Generic[R]):
    """Rows by identity: cursor and marks stay on their items, whatever moves."""

    @dataclass
    class Chosen(Message):
        """A person put the cursor on a row."""

        pane: "Rows[Any]"

    @dataclass
    class Opened(Message):
        """A person wants the details of the row under the cursor."""

        pane: "Rows[Any]"

    @dataclass
    class MarksChanged(Message):
        """Other items are marked than before."""

        pane: "Rows[Any]"

    shows_context: ClassVar[bool] = False
    """Whether a filter leaves items in sight that do not fit, above those that do."""

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.cursor_key: Hashable | None = None
        self.wanted = Filter()
        self.filter_text = ""
        self.order: Order | None = None
        """What a person sorted by; None: the rows are as they came."""
        self.marks = Marks()
        self._all: Sequence[R] = ()
        self._rows: Sequence[R] = ()
        self._cursor = 0
        self._hidden_marks = 0
        self._fit_count: int | None = None
        """None: not counted since the rows came."""

    # What a subclass says of its rows.

    def key_of(self, row: R) -> Hashable:
        """Return what the row is known by while rows come and go."""
        raise NotImplementedError

    def text_of(self, row: R) -> str:
        """Return what the words of a filter look at."""
        raise NotImplementedError

    def fields(self, row: R) -> Mapping[str, object]:
        """Return what a filter may name: ``job``, ``status``, ``age`` in seconds."""
        return {}

    def columns(self) -> Sequence[Column[R]]:
        """Return the columns."""
        raise NotImplementedError

    def thing_of(self, row: R) -> Thing | None:
        """Return what keys act on when the cursor is on that row."""
        return None

    def is_item(self, row: R) -> bool:
        """Return whether the cursor may stand on it, and a mark."""
        return True

    def known(self) -> Sequence[R]:
        """Return the rows that are there, in sight or not: where marks may be."""
        return self._all

    def sifted(self, rows: Sequence[R]) -> Sequence[R]:
        """Return the rows that fit the filter."""
        if not self.wanted:
            return rows
        return self.wanted.sifted(rows, self.text_of, self.fields)

    def arranged(self, rows: Sequence[R]) -> Sequence[R]:
        """Return the rows in order; what is no item stays where it is."""
        sort = next((c.sort for c in self.columns() if self._sorts_by(c)), None)
        if sort is None or self.order is None:
            return rows
        down = self.order.down
        if type(self).is_item is Rows.is_item:
            return ordered(rows, sort, down=down)
        whole: list[R] = []
        part: list[R] = []
        for row in rows:
            if self.is_item(row):
                part.append(row)
            else:
                whole += [*ordered(part, sort, down=down), row]
                part = []
        return [*whole, *ordered(part, sort, down=down)]

    def successor_of(self, key: Hashable) -> Hashable | None:
        """Return where the cursor goes when the row with that key is gone."""
        return None

    def heir_of(self, key: Hashable) -> Hashable | None:
        """Return what takes over the mark when the item with that key is gone."""
        return None

    # Rows.

    @property
    def rows(self) -> Sequence[R]:
        """The rows in sight."""
        return self._rows

    def show(self, rows: Sequence[R], now: float) -> None:
        """Take new rows; cursor, marks and view stay on their items.

        Rows that are what they were cost a comparison, of the same object nothing.
        """
        self.now = now
        if rows is self._all or (type(rows) is type(self._all) and rows == self._all):
            self._all = rows
            if self.marks.has_gone:
                self._look_at_marks()
            self.sync()
            return
        self._all = rows
        self._sift()

    def tick(self, now: float) -> None:
        """Let the ages grow."""
        self.now = now
        self.sync()

    def set_filter(self, text: str) -> None:
        """Show only the rows that fit; an empty text shows all."""
        self.filter_text = text
        self.wanted = Filter.parse(text)
        self._sift()

    def sort_by(self, order: Order | None) -> None:
        """Put the rows in that order; None: as they came."""
        self.order = order
        self._sift()

    def _sorts_by(self, column: Column[R]) -> bool:
        return self.order is not None and column.title == self.order.title

    def _sift(self) -> None:
        """Find anew which rows are in sight, and where the cursor is among them."""
        self._rows = self.arranged(self.sifted(self._all))
        self._fit_count = None
        self._look_at_marks()
        before = self._cursor
        self._find_cursor()
        self.rows_moved(before, self._cursor - before)

    def rows_moved(self, cursor: int, by: int) -> None:
        """Show the new rows; the cursor's item stood at ``cursor`` and moved."""
        raise NotImplementedError

    # The cursor.

    @property
    def current(self) -> R | None:
        """The row under the cursor; None when that row is gone or there is none."""
        if self.cursor_key is None or not 0 <= self._cursor < len(self._rows):
            return None
        row = self._rows[self._cursor]
        return row if self.key_of(row) == self.cursor_key else None

    def choose_first_match(self) -> None:
        """Put the cursor on the first row that itself fits the filter."""
        for index, row in enumerate(self._rows):
            if self.is_item(row) and self.fits(row):
                self.put_cursor(index)
                return

    def meant(self, rows: Sequence[R]) -> Sequence[R]:
        """Return those that a person means who filters: what itself fits.

        What is shown above them, to say where they stand, is not among them.
        """
        if not (self.wanted and self.shows_context):
            return rows
        return [row for row in rows if self.fits(row)]

    @property
    def fit_count(self) -> int:
        """How many items fit the filter."""
        if self._fit_count is None:
            self._fit_count = len(self._keys(self.meant(self._rows)))
        return self._fit_count

    def fits(self, row: R) -> bool:
        """Return whether the row itself fits the filter."""
        return self.wanted.matches(self.text_of(row), lambda: self.fields(row))

    def point_at_key(self, key: Hashable) -> bool:
        """Put the cursor on that item; False if there is none.

        A filter that hides it is cleared: who jumps to an item wants to see it.
        """
        index = self._index_of(key)
        if index is None and self.wanted:
            if all(self.key_of(row) != key for row in self.known()):
                return False
            self.set_filter("")
            index = self._index_of(key)
        if index is None:
            return False
        self.put_cursor(index)
        return True

    def put_cursor(self, index: int) -> None:
        """Put the cursor on the row at that place, as a person does."""
        if not self._rows:
            return
        self._stand_on(index)
        self.cursor_moved()
        self.post_message(self.Chosen(self))

    def cursor_moved(self) -> None:
        """Show where the cursor is."""
        raise NotImplementedError

    def _stand_on(self, index: int) -> None:
        self._cursor = max(0, min(index, len(self._rows) - 1))
        key = self.key_of(self._rows[self._cursor])
        if key != self.cursor_key:
            self.cursor_key = key
            if self.is_attached:
                # Other keys act on another item.
                self.refresh_bindings()

    def _find_cursor(self) -> None:
        rows, key = self._rows, self.cursor_key
        if key is None or not rows:
            self._cursor = max(0, min(self._cursor, len(rows) - 1))
            if rows and self.has_focus:
                self._stand_on(self._nearest_item(self._cursor, 1))
            return
        index = self._index_of(key)
        if index is None and (heir := self.successor_of(key)) is not None:
            index = self._index_of(heir)
        if index is None:
            index = self._nearest_item(min(self._cursor, len(rows) - 1), 1)
        self._stand_on(index)

    def _index_of(self, key: Hashable) -> int | None:
        rows, key_of = self._rows, self.key_of
        # Rows seldom move far.
        near = range(max(0, self._cursor - _NEAR), min(len(rows), self._cursor + _NEAR))
        for index in near:
            if key_of(rows[index]) == key:
                return index
        try:
            return [key_of(row) for row in rows].index(key)
        except ValueError:
            return None

    def _nearest_item(self, index: int, step: int) -> int:
        for way in (step, -step):
            at = index
            while 0 <= at < len(self._rows):
                if self.is_item(self._rows[at]):
                    return at
                at += way
        return index

    # Marks.

    def things(self) -> tuple[Thing, ...]:
        """Return what keys act on: the marked items, else that under the cursor."""
        marked = self.marked()
        row = self.current
        rows = marked or (() if row is None else (row,))
        things = (self.thing_of(row) for row in rows)
        return tuple(thing for thing in things if thing is not None)

    def marked(self) -> Sequence[R]:
        """Return the marked rows that are there, also those a filter hides."""
        if not self.marks:
            return ()
        return [row for row in self.known() if self.key_of(row) in self.marks]

    def mark_current(self) -> None:
        """Mark the item under the cursor, or take its mark away."""
        row = self.current
        if row is not None and self.is_item(row):
            self.marks.toggle(self.key_of(row))
            self._marks_changed()

    def mark_range(self) -> None:
        """Mark all from the item marked last to the cursor."""
        row = self.current
        if row is None:
            return
        start = None if self.marks.last is None else self._index_of(self.marks.last)
        first = self._cursor if start is None else start
        low, high = sorted((first, self._cursor))
        keys = self._keys(self.meant(self._rows[low : high + 1]))
        self.marks.add(keys if first == low else reversed(keys))
        self._marks_changed()

    def mark_all(self) -> None:
        """Mark every item in sight that itself fits the filter."""
        self.marks.add(self._keys(self.meant(self._rows)))
        self._marks_changed()

    def invert_marks(self) -> None:
        """Mark the items in sight that are not, and no others of them."""
        self.marks.invert(self._keys(self.meant(self._rows)))
        self._marks_changed()

    def clear_marks(self) -> None:
        """Take all marks away, also those that are out of sight."""
        self.marks.clear()
        self._marks_changed()

    def _keys(self, rows: Sequence[R]) -> list[Hashable]:
        return [self.key_of(row) for row in rows if self.is_item(row)]

    def _marks_changed(self) -> None:
        self._look_at_marks()
        self.sync()
        self.post_message(self.MarksChanged(self))

    def _look_at_marks(self) -> None:
        self._hidden_marks = 0
        if not self.marks:
            return
        there = self._marked_among(self.known())
        before = len(self.marks)
        self.marks.look(there, self.now, self.heir_of)
        if len(self.marks) != before:
            self.post_message(self.MarksChanged(self))
        if self._rows is not self.known():
            self._hidden_marks = len(there) - len(self._marked_among(self._rows))

    def _marked_among(self, rows: Sequence[R]) -> set[Hashable]:
        marks, key_of = self.marks, self.key_of
        return {key for row in rows if (key := key_of(row)) in marks}
