"""A cursor in a log, scrolling, and when it follows."""

from bisect import bisect_left
from collections.abc import Sequence
from datetime import tzinfo
from typing import Protocol

from textual.events import Click

from bistro_tui.engine.view import LogLine
from bistro_tui.present.log_lines import second_of
from bistro_tui.present.sought import Sought
from bistro_tui.widgets.log_pane import LogPane

_SIDE_STEP = 8
_EDGE = 3
"""Rows from the top at which older lines are fetched."""


class LogHands(Protocol):
    """Who does for a log what it cannot do itself."""

    def look(self) -> None:
        """Fetch what is missing above or below, see ``LogView.wants_older``."""
        ...

    def hunt(self, sought: Sought, *, backwards: bool) -> None:
        """Go to the next line that fits, beyond those that are held."""
        ...

    def show_around(self, line: LogLine) -> None:
        """Show the part of the log around that line."""
        ...

    def other_attempt(self) -> None:
        """Show the attempt before the one that is shown."""
        ...

    def copy(self, lines: Sequence[LogLine]) -> None:
        """Copy these lines."""
        ...

    def open_pager(self) -> None:
        """Show the log in the pager."""
        ...

    def give_up(self) -> bool:
        """Do not wait any longer for what takes long; return False if nothing does."""
        ...


class LogCursor(LogPane):
    """A log that is scrolled through, and followed where a person is at its end."""

    def __init__(self, *, id: str, zone: tzinfo | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, zone=zone)
        self.hands: LogHands | None = None
        self._is_typing = False
        """A filter is being typed: the store is not asked for each letter."""

    def _say(self, text: str) -> None:
        self.note = text
        self.sync()

    # The cursor.

    def _index_of(self, line_id: int) -> int:
        return bisect_left(self.buffer.shown, line_id, key=lambda line: line.line_id)

    def _here(self, step: int) -> int:
        """Return where the cursor is, else the end of what is in sight."""
        if self._cursor is not None:
            return self._index_of(self._cursor.line_id)
        lines = self.lines_in_sight()
        if not lines:
            return 0
        # Whoever goes up begins at the bottom of the screen.
        return self._index_of(lines[-1 if step < 0 else 0].line_id) - step

    def _stand_on(self, index: int, *, middle: bool = False) -> None:
        shown = self.buffer.shown
        if not shown:
            return
        index = max(0, min(index, len(shown) - 1))
        self.following = False
        self._cursor = shown[index]
        top, first = self.scroll_offset.y, self._top_of(index)
        last = self._top_of(index + 1) - 1 if index + 1 < len(shown) else first
        if not top <= first <= last < top + self.page_rows:
            if middle:
                self._place(max(0, first - self.page_rows // 2))
            elif first < top:
                self._place(first)
            else:
                self._place(min(first, last - self.page_rows + 1))
        self.sync()
        self._look()

    def action_cursor(self, step: int) -> None:
        """Go to another line; after the last one, follow."""
        self.note = ""
        shown = self.buffer.shown
        at = (len(shown) - 1 if self.following else self._here(step)) + step
        if step > 0 and at >= len(shown) - 1 and self.buffer.at_end:
            self.action_bottom()
        elif shown:
            self._stand_on(at)

    def action_minutes(self, step: int) -> None:
        """Go a minute on or back."""
        shown = self.buffer.shown
        if not shown:
            return
        at = len(shown) - 1 if self.following else self._here(step)
        here = shown[max(0, min(at, len(shown) - 1))]
        self._stand_on(self._index_of((second_of(here) + 60 * step) << 32))

    def on_click(self, event: Click) -> None:
        """Put the cursor on the line under the mouse."""
        row = event.y - self.head + self.scroll_offset.y
        if event.y >= self.head and row < self.row_count:
            self._stand_on(self._row_at(row).at)

    # Scrolling.

    @property
    def wants_older(self) -> bool:
        """Whether lines are missing above those in sight."""
        if self._is_typing or not self.is_attached:
            return False
        fills = self.row_count >= self.page_rows
        if self.following and fills and not self.buffer.sought:
            return False
        return not fills or self.scroll_offset.y <= _EDGE

    @property
    def wants_newer(self) -> bool:
        """Whether lines are missing below those in sight."""
        bottom = self.scroll_offset.y + self.page_rows
        return not self.buffer.at_end and bottom >= self.row_count - _EDGE

    def _look(self) -> None:
        if self.hands is not None:
            self.hands.look()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Follow at the end of the log, and nowhere else."""
        super().watch_scroll_y(old_value, new_value)
        if self._is_placing or round(old_value) == round(new_value):
            return
        at_end = round(new_value) >= self.virtual_size.height - self.size.height
        if at_end and self.buffer.at_end:
            self._follow()
        else:
            self.following = False
        self.sync()
        self._look()

    def _follow(self) -> None:
        self.following = True
        self._cursor = None
        self._unseen = 0
        self.note = ""

    def action_follow(self) -> None:
        """Go to the end and stay there, or stop where we are."""
        if self.following:
            self.following = False
            self.sync()
        else:
            self.action_bottom()

    def action_bottom(self) -> None:
        """Go to the end and follow."""
        is_elsewhere = not self.buffer.at_end
        if is_elsewhere:
            self.buffer.restart()
            self._rewrap()
        self._follow()
        self._fit(0)
        if is_elsewhere:
            self._look()

    def action_top(self) -> None:
        """Go to the oldest line."""
        if self.buffer.shown:
            self._stand_on(0)

    def action_half_page(self, direction: int) -> None:
        """Scroll by half of what is in sight; the cursor goes along."""
        step = direction * max(1, self.page_rows // 2)
        cursor, before = self._cursor, self.scroll_offset.y
        self.scroll_now(max(0, before + step))
        if cursor is not None and not self.following:
            row = self._top_of(self._index_of(cursor.line_id)) + step
            self._stand_on(self._row_at(max(0, min(row, self.row_count - 1))).at)
        self.sync()

    def action_side(self, direction: int) -> None:
        """Look at another part of long lines."""
        self._side = max(0, self._side + direction * _SIDE_STEP)
        self.sync()
