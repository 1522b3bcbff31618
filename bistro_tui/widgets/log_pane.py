"""A log on the screen: which of its rows are in sight, and how each is drawn."""

from collections.abc import Sequence
from datetime import tzinfo
from functools import lru_cache
from typing import NamedTuple

from textual.events import Resize

from bistro_tui.engine.view import LogLine, LogPage, Stream
from bistro_tui.present.clean import clean_name
from bistro_tui.present.log_buffer import BOTH, Change, LogBuffer, streams_word
from bistro_tui.present.log_lines import (
    Times,
    ascii_length,
    body,
    not_yet,
    stream_mark,
    tag,
    tag_width,
    text_of,
    when,
)
from bistro_tui.present.log_rows import RowMap
from bistro_tui.present.sought import NOTHING_SOUGHT, Sought
from bistro_tui.present.spans import Line, Span, plain_text
from bistro_tui.widgets.cells import line_cells, padded, split_hard
from bistro_tui.widgets.log_title import LogState, log_title
from bistro_tui.widgets.painted import NOTHING, Drawn, Painted

TITLE = 1
"""Rows of the title."""


class _Row(NamedTuple):
    """One display row: which line, and which of its rows."""

    at: int
    """Of the line, among those in sight."""
    piece: int


class LogPane(Painted):
    """Whole lines as they come, unfinished ones below them."""

    def __init__(self, *, id: str, zone: tzinfo | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.buffer = LogBuffer()
        self.following = True
        self.times = Times.OFF
        self.wrapping = False
        self.filter_text = ""
        self.is_looking = False
        self.note = ""
        self.unasked: tuple[str, ...] = ()
        """Whose lines are missing, and why."""
        self._zone = zone
        self._unseen = 0
        """Lines that came below while not following."""
        self._side = 0
        self._wrapped = RowMap()
        self._cursor: LogLine | None = None
        self._highlight = NOTHING_SOUGHT
        self._is_placing = False

    def tick(self, now: float) -> None:
        """Let the ages grow."""
        self.now = now
        self.sync()

    @property
    def head(self) -> int:
        """Rows above the log: the title, and whose lines are missing."""
        return TITLE + bool(self.unasked)

    def tell_unasked(self, unasked: tuple[str, ...]) -> None:
        """Say whose lines are missing, and why."""
        if unasked != self.unasked:
            self.unasked = unasked
            self._fit(0)

    # Changes of what is held.

    def add(self, page: LogPage) -> None:
        """Take what was read at the end of the log."""
        self.changed(self.buffer.add(page, keep=not self.following))

    def changed(self, change: Change) -> None:
        """Show a change of the buffer; the lines in sight stay where they are."""
        gone_rows = older_rows = 0
        if change.anew:
            self._rewrap()
        elif self.wrapping:
            shown, rows = self.buffer.shown, self._wrapped
            gone_rows = rows.top_of(min(change.gone, rows.lines))
            rows.drop(first=change.gone, last=change.lost)
            older = self._counts(shown[: change.older])
            older_rows = sum(older)
            rows.prepend(older)
            rows.append(self._counts(shown[len(shown) - change.came :]))
        else:
            gone_rows, older_rows = change.gone, change.older
        if not self.following:
            self._unseen += change.came + change.unseen
        self._fit(older_rows - gone_rows)

    def _begin_again(self) -> None:
        """Show the end of what is now in sight."""
        self.following = True
        self._cursor = None
        self._unseen = self._side = 0
        self._rewrap()
        self._fit(0)

    def _fit(self, moved: int) -> None:
        unfinished = self.buffer.unfinished if self.buffer.at_end else ()
        self.extend_to(self.row_count + len(unfinished) + self.head)
        if self.following:
            self._to_end()
        elif moved:
            self._place(max(0, self.scroll_offset.y + moved))
        self.sync()

    def _to_end(self) -> None:
        self._place(max(0, self.virtual_size.height - self.size.height))

    def _place(self, y: int) -> None:
        """Scroll without it being a person's wish to follow or to stop."""
        self._is_placing = True
        self.scroll_now(y)
        self._is_placing = False

    # Rows.

    @property
    def row_count(self) -> int:
        """Rows of all whole lines in sight."""
        return self._wrapped.rows if self.wrapping else len(self.buffer.shown)

    @property
    def page_rows(self) -> int:
        """Rows on the screen below the title."""
        return max(1, self.size.height - self.head)

    def _row_at(self, row: int) -> _Row:
        return _Row(*self._wrapped.at(row)) if self.wrapping else _Row(row, 0)

    def _top_of(self, index: int) -> int:
        return self._wrapped.top_of(index) if self.wrapping else index

    def _rewrap(self) -> None:
        if self.wrapping:
            self._wrapped.fill(self._counts(self.buffer.shown))

    @property
    def _room(self) -> int:
        """Cells for the text of a line: all lines have the same gutter."""
        gutter = 2
        if self.times is Times.RELATIVE:
            gutter += 5
        elif self.times is Times.ABSOLUTE:
            gutter += 9
        if self._is_merged:
            gutter += tag_width(self.size.width) + 1
        return max(1, self.size.width - 2 - gutter)

    def _counts(self, lines: Sequence[LogLine]) -> list[int]:
        room = self._room
        return [rows_of(line.line, room) for line in lines]

    # Drawing.

    @property
    def _is_merged(self) -> bool:
        return self.buffer.task is None

    def _gutter(self, line: LogLine, *, is_first: bool = True) -> Line:
        spans: list[Span] = []
        if self.times is not Times.OFF:
            spans.append(when(line, self.times, self.now, self._zone))
        if self._is_merged:
            cells = tag_width(self.size.width)
            spans += [*padded((tag(line.task),), cells), Span(" ")]
        if not is_first:
            spans = [Span(" " * line_cells(tuple(spans)))]
        return (*spans, stream_mark(line.stream))

    def drawn_at(self, y: int) -> Drawn:
        """Return the title, whose lines are missing, a line, or an unfinished one."""
        if y == 0:
            return Drawn(self._title(self.size.width))
        if y < self.head:
            return Drawn(
                (Span(f"  ⚠ {' · '.join(map(clean_name, self.unasked))}", "warning"),)
            )
        row = y - self.head + self.scroll_offset.y
        count = self.row_count
        if row < count:
            return self._drawn_row(self._row_at(row))
        unfinished = list(self.buffer.unfinished.items()) if self.buffer.at_end else []
        if row - count < len(unfinished):
            return Drawn((Span(" "), *self._unfinished(*unfinished[row - count])))
        if count == 0 and not unfinished and y == self.head:
            return Drawn((Span("  "), Span(self._empty(), "dim")))
        return NOTHING

    def _drawn_row(self, row: _Row) -> Drawn:
        shown = self.buffer.shown
        if row.at >= len(shown):
            return NOTHING
        line = shown[row.at]
        is_cursor = self._cursor is not None and line.line_id == self._cursor.line_id
        mark = Span("▌", "accent") if is_cursor and self.has_focus else Span(" ")
        look = ("cursor" if self.has_focus else "cursor.off") if is_cursor else ""
        # The row under the cursor has a background of its own.
        hit = "hit.on" if is_cursor or self.app.no_color else "hit"
        text = self._highlight.marked(body(line.line, line.stream), hit)
        if self.wrapping:
            pieces = _split(text, self._room)
            text = pieces[row.piece] if row.piece < len(pieces) else ()
        else:
            text = _from(text, self._side)
        return Drawn((mark, *self._gutter(line, is_first=row.piece == 0), *text), look)

    def _unfinished(self, stream: Stream, raw: bytes) -> Line:
        lead: list[Span] = [not_yet(self.times)]
        if self._is_merged:
            lead.append(Span(" " * (tag_width(self.size.width) + 1)))
        text = _from(body(raw, stream), self._side)
        return (*lead, stream_mark(stream), *text, Span("▁", "accent"))

    def _empty(self) -> str:
        buffer = self.buffer
        if self.is_looking:
            return "looking…"
        if buffer.sought:
            return "no line fits the filter · Escape clears it"
        if buffer.streams != BOTH and buffer.held:
            word = streams_word(buffer.streams)
            return f"nothing on {word} yet · o shows the other stream"
        if buffer.task is None:
            where = f" of {buffer.scope.label}" if buffer.scope.label else ""
            return f"no output{where} yet · choose a task to see its whole log"
        if buffer.attempt is not None:
            return "it printed nothing"
        if buffer.is_silent:
            return "it printed nothing, and does not run now"
        return "no output yet"

    def _title(self, width: int) -> Line:
        state = LogState(
            has_focus=self.has_focus,
            following=self.following,
            is_live=self.buffer.target.is_live,
            is_silent=self.buffer.attempt is None and self.buffer.is_silent,
            unseen=self._unseen,
            unseen_more=not self.buffer.at_end,
            filter_text=self.filter_text,
            is_looking=self.is_looking,
            note=self.note,
        )
        return log_title(self.buffer, state, width)

    def on_resize(self, event: Resize) -> None:
        """Wrap to the new width; stay at the end when following."""
        at = self._row_at(self.scroll_offset.y).at
        self._rewrap()
        self._fit(0)
        if self.wrapping and not self.following and at < len(self.buffer.shown):
            self._place(self._top_of(at))

    def highlight(self, sought: Sought) -> None:
        """Make what is looked for stand out."""
        self._highlight = sought
        self.sync()

    def lines_in_sight(self) -> Sequence[LogLine]:
        """Return the whole lines on the screen now."""
        if not self.row_count:
            return ()
        top = self.scroll_offset.y
        last = min(top + self.page_rows, self.row_count) - 1
        first, end = self._row_at(min(top, last)).at, self._row_at(last).at
        return self.buffer.shown[first : end + 1]


def rows_of(raw: bytes, room: int) -> int:
    """Return how many rows of that many cells the text of a line takes."""
    length = ascii_length(raw)
    if length is not None:
        return max(1, -(-length // room))
    text = text_of(raw)
    if text.isascii():
        return max(1, -(-len(text) // room))
    return sum(1 for _ in split_hard(text, room))


@lru_cache(maxsize=128)
def _split(line: Line, room: int) -> tuple[Line, ...]:
    """Return a text in rows of at most that many cells."""
    rows: list[Line] = []
    start = 0
    for piece in split_hard(plain_text(line), room):
        rows.append(_between(line, start, start + len(piece)))
        start += len(piece)
    return tuple(rows)


def _from(line: Line, start: int) -> Line:
    return line if start == 0 else _between(line, start, 1 << 30)


def _between(line: Line, first: int, last: int) -> Line:
    """Return the characters of a text from one place to another."""
    spans: list[Span] = []
    at = 0
    for span in line:
        end = at + len(span.text)
        if end > first and at < last:
            text = span.text[max(0, first - at) : last - at]
            spans.append(Span(text, span.style))
        at = end
    return tuple(spans)
