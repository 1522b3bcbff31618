"""The log of one task, or of several, following its end: what keys do in it."""

from collections.abc import Callable, Sequence
from datetime import tzinfo
from typing import ClassVar

from textual.actions import SkipAction
from textual.binding import Binding, BindingType

from bistro_tui.engine.view import LogLine, TaskId
from bistro_tui.present.log_buffer import Change
from bistro_tui.present.log_lines import next_times
from bistro_tui.present.log_target import LogScope, Target
from bistro_tui.present.sought import ERRORS, NOTHING_SOUGHT, Sought
from bistro_tui.present.tasks import EVERYTHING
from bistro_tui.widgets.log_cursor import LogCursor


class LogView(LogCursor):
    """A log that is scrolled, searched and followed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "follow", "follow", id="log.follow",
                tooltip="Follow the log, or stop following"),
        Binding("o", "streams", "stdout/err", id="log.streams",
                tooltip="Show stdout, stderr or both"),
        Binding("T", "times", "times", show=False, id="log.times",
                tooltip="Before each line: its time, its age, or none"),
        Binding("W", "wrap", "wrap", id="log.wrap",
                tooltip="Wrap or cut long lines"),
        Binding("n", "hit(1)", "next hit", show=False, id="log.next_hit",
                tooltip="Go to the next line with what was last looked for"),
        Binding("N", "hit(-1)", "previous hit", show=False, id="log.previous_hit",
                tooltip="Go to the line before with what was last looked for"),
        Binding("right_square_bracket", "error(1)", "next error", show=False,
                id="log.next_error", tooltip="Go to the next line with an error"),
        Binding("left_square_bracket", "error(-1)", "previous error", show=False,
                id="log.previous_error",
                tooltip="Go to the line before with an error"),
        Binding("enter", "context", "context", show=False, id="log.context",
                tooltip="Show the line under the cursor among its neighbours"),
        Binding("L", "attempt", "attempts", id="log.attempt",
                tooltip="Show the attempt before; Escape: all of them"),
        Binding("m", "minutes(1)", "minute on", show=False, id="log.minute_on",
                tooltip="Go a minute forward"),
        Binding("M", "minutes(-1)", "minute back", show=False, id="log.minute_back",
                tooltip="Go a minute back"),
        Binding("y", "copy_line", "copy", show=False, id="log.copy_line",
                tooltip="Copy the line under the cursor, else the last in sight"),
        Binding("Y", "copy_all", "copy all", show=False, id="log.copy_all",
                tooltip="Copy all lines in sight"),
        Binding("v", "pager", "pager", show=False, id="log.pager",
                tooltip="Open the log in $PAGER"),
        Binding("up,k", "cursor(-1)", "up", show=False, id="log.up",
                tooltip="Go up a line; following stops"),
        Binding("down,j", "cursor(1)", "down", show=False, id="log.down",
                tooltip="Go down a line; on the last one it follows"),
        Binding("ctrl+u,pageup", "half_page(-1)", "half page up", show=False,
                id="log.half_page_up", tooltip="Scroll half a page up"),
        Binding("ctrl+d,pagedown", "half_page(1)", "half page down", show=False,
                id="log.half_page_down", tooltip="Scroll half a page down"),
        Binding("g,home", "top", "top", show=False, id="log.top",
                tooltip="Go to the oldest line that was read"),
        Binding("G,end", "bottom", "end", show=False, id="log.bottom",
                tooltip="Go to the end and follow"),
        Binding("left", "side(-1)", "left", show=False, id="log.left",
                tooltip="Look further left in long lines"),
        Binding("right", "side(1)", "right", show=False, id="log.right",
                tooltip="Look further right in long lines"),
    ]  # fmt: skip

    def __init__(self, *, id: str, zone: tzinfo | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, zone=zone)
        self._last_sought = NOTHING_SOUGHT
        self._filter_before = ""
        """The filter that comes back when the context is left."""
        self._awaits_match = False
        """The cursor goes to the first line that fits as soon as there is one."""

    # What to show.

    def retarget(self, task: TaskId | None, scope: LogScope = EVERYTHING) -> None:
        """Begin with the log of that task, or with all tasks in scope."""
        buffer = self.buffer
        if (task, scope, None) != (buffer.task, buffer.scope, buffer.attempt):
            self.show_target(Target(task=task, scope=scope))

    def show_target(self, target: Target) -> None:
        """Begin with another log, or another attempt."""
        self.buffer.retarget(target)
        self.note = ""
        self.unasked = ()
        self._begin_again()

    def show_part(self, line_id: int) -> None:
        """Show what the buffer now holds, with the cursor on that line."""
        self.following = False
        self._cursor = None
        self._unseen = 0
        self._rewrap()
        self._fit(0)
        self._stand_on(self._index_of(line_id), middle=True)

    def changed(self, change: Change) -> None:
        """Show a change of the buffer."""
        super().changed(change)
        if self._awaits_match and self.buffer.shown:
            self._awaits_match = False
            self.action_top()

    # Looking for something.

    def set_filter(self, text: str) -> None:
        """Show only the lines that fit."""
        self._is_typing = bool(text)
        self._awaits_match = False
        self._filter_before = ""
        self.filter_text = text
        sought = Sought.parse(text)
        if sought:
            self._last_sought = sought
        self._highlight = sought
        self.buffer.seek(sought)
        self._begin_again()
        self._look()

    def choose_first_match(self) -> None:
        """Go to the first line that fits; older ones are looked for in the store."""
        self._is_typing = False
        self._awaits_match = not self.buffer.shown
        self.action_top()
        self._look()

    def step_back(self) -> bool:
        """Undo one step of looking closer; return False if there is none.

        What takes long is given up first.
        """
        if self.give_up():
            return True
        if self._filter_before:
            text, at = self._filter_before, self._cursor
            self.set_filter(text)
            self._is_typing = False
            if at is not None:
                self._stand_on(self._index_of(at.line_id))
            return True
        if self.filter_text:
            self.set_filter("")
            return True
        if self._highlight:
            self.highlight(NOTHING_SOUGHT)
            return True
        if self.buffer.attempt is not None:
            self.retarget(self.buffer.task, self.buffer.scope)
            self._look()
            return True
        return False

    def give_up(self) -> bool:
        """Do not wait any longer for what takes long; return False if nothing does."""
        return self.hands is not None and self.hands.give_up()

    def action_context(self) -> None:
        """Show the line under the cursor among its neighbours."""
        line = self._cursor
        if line is None or not self.filter_text:
            raise SkipAction
        self._filter_before, self.filter_text = self.filter_text, ""
        self.buffer.seek(NOTHING_SOUGHT)
        self.show_part(line.line_id)
        found = self._cursor
        if (found is None or found.line_id != line.line_id) and self.hands is not None:
            # It was found in the store: its neighbours are there too.
            self.hands.show_around(line)
        self._look()

    def action_hit(self, step: int) -> None:
        """Go on to a line with what was last looked for."""
        if not self._last_sought:
            self._say("nothing was looked for yet · / looks")
            return
        self._walk(self._last_sought, step)

    def action_error(self, step: int) -> None:
        """Go on to a line that tells of an error."""
        self._walk(ERRORS, step)

    def _walk(self, sought: Sought, step: int) -> None:
        self.note = ""
        self.highlight(sought)
        shown = self.buffer.shown
        at = len(shown) if self.following else self._here(step)
        while 0 <= (at := at + step) < len(shown):
            if sought.fits(shown[at]):
                self._stand_on(at, middle=True)
                return
        if self.hands is None or self.buffer.sought:
            self.no_hit(backwards=step < 0)
        else:
            self.hands.hunt(sought, backwards=step < 0)

    def no_hit(self, *, backwards: bool) -> None:
        """Say that there is none further on."""
        self._say(f"no hit {'further back' if backwards else 'further on'}")

    # How lines look.

    def action_streams(self) -> None:
        """Go on to the next choice of streams."""
        self.buffer.next_streams()
        self._begin_again()
        self._look()

    def action_times(self) -> None:
        """Go on to the next choice of times."""
        self.times = next_times(self.times)
        self._keeping_place(self._rewrap)

    def action_wrap(self) -> None:
        """Wrap or cut long lines."""

        def turn() -> None:
            self.wrapping = not self.wrapping
            self._rewrap()

        self._side = 0
        self._keeping_place(turn)

    def _keeping_place(self, change: Callable[[], None]) -> None:
        lines = self.lines_in_sight()
        change()
        self._fit(0)
        if not self.following and lines:
            self._place(self._top_of(self._index_of(lines[0].line_id)))
        self.sync()

    # Attempts, copies, the pager.

    def action_attempt(self) -> None:
        """Show the attempt before the one that is shown."""
        if self.buffer.task is None:
            self._say("choose a task first: these are several")
        elif self.hands is not None:
            self.hands.other_attempt()

    def action_copy_line(self) -> None:
        """Copy the line under the cursor."""
        if self._cursor is not None:
            self._copy((self._cursor,))
        else:
            self._copy(self.lines_in_sight()[-1:])

    def action_copy_all(self) -> None:
        """Copy all lines in sight."""
        self._copy(self.lines_in_sight())

    def _copy(self, lines: Sequence[LogLine]) -> None:
        if not lines:
            self._say("there is no line to copy")
        elif self.hands is not None:
            self.hands.copy(lines)

    def action_pager(self) -> None:
        """Open the log in the pager."""
        if self.hands is not None:
            self.hands.open_pager()
