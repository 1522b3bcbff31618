"""The log of one task, or of all running ones, following its end."""

from datetime import tzinfo
from typing import ClassVar, NamedTuple

from textual.binding import Binding, BindingType
from textual.events import Resize

from bistro_tui.engine.view import LogLine, LogPage, Stream, TaskId
from bistro_tui.present.clean import clean_log, clean_name
from bistro_tui.present.filters import Filter
from bistro_tui.present.log_buffer import BOTH, LogBuffer, streams_word
from bistro_tui.present.log_lines import body, clock, stream_mark, tag, tag_width
from bistro_tui.present.spans import Line, Span
from bistro_tui.present.tasks import EVERYTHING, Scope
from bistro_tui.widgets.cells import line_cells, padded, split_hard
from bistro_tui.widgets.painted import NOTHING, Drawn, Painted

_HEAD = 1
_SIDE_STEP = 8


class _Row(NamedTuple):
    """One display row of a wrapped log: a piece of a line."""

    line: LogLine
    text: str
    first: bool


class LogView(Painted):
    """Whole lines as they come, unfinished ones below them."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "follow", "follow", id="log.follow",
                tooltip="Follow the log, or stop following"),
        Binding("o", "streams", "stdout/err", id="log.streams",
                tooltip="Show stdout, stderr or both"),
        Binding("T", "times", "times", id="log.times",
                tooltip="Show or hide the time of each line"),
        Binding("W", "wrap", "wrap", id="log.wrap",
                tooltip="Wrap or cut long lines"),
        Binding("up,k", "scroll(-1)", "up", show=False, id="log.up",
                tooltip="Scroll up; following stops"),
        Binding("down,j", "scroll(1)", "down", show=False, id="log.down",
                tooltip="Scroll down"),
        Binding("ctrl+u,pageup", "half_page(-1)", "half page up", show=False,
                id="log.half_page_up", tooltip="Scroll half a page up"),
        Binding("ctrl+d,pagedown", "half_page(1)", "half page down", show=False,
                id="log.half_page_down", tooltip="Scroll half a page down"),
        Binding("g,home", "top", "top", show=False, id="log.top",
                tooltip="Go to the oldest line"),
        Binding("G,end", "bottom", "end", show=False, id="log.bottom",
                tooltip="Go to the end and follow"),
        Binding("left", "side(-1)", "left", show=False, id="log.left",
                tooltip="Look further left in long lines"),
        Binding("right", "side(1)", "right", show=False, id="log.right",
                tooltip="Look further right in long lines"),
    ]  # fmt: skip

    def __init__(self, *, id: str, zone: tzinfo | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.buffer = LogBuffer()
        self.following = True
        self.times = False
        self.wrapping = False
        self.filter_text = ""
        self._zone = zone
        self._new = 0
        self._side = 0
        self._wrapped: list[_Row] = []

    @property
    def new_lines(self) -> int:
        """Lines that came below while not following."""
        return self._new

    # What to show.

    def retarget(self, task: TaskId | None, scope: Scope = EVERYTHING) -> None:
        """Begin with the log of that task, or with all tasks in scope."""
        if (task, scope) == (self.buffer.task, self.buffer.scope):
            return
        self.buffer.retarget(task, scope)
        self._begin_at_end()

    def add(self, page: LogPage) -> None:
        """Take what was read."""
        rows_before = self._row_count()
        gone, came = self.buffer.add(page)
        if self.wrapping and (gone or came):
            self._rewrap(came if not gone else None)
        self._after_change(came, rows_before if gone else None)

    def set_filter(self, text: str) -> None:
        """Show only the lines that fit."""
        self.filter_text = text
        self.buffer.set_filter(Filter.parse(text))
        self._begin_at_end()

    def choose_first_match(self) -> None:
        """Go to the first line that fits."""
        self.action_top()

    def _begin_at_end(self) -> None:
        self.following = True
        self._new = self._side = 0
        if self.wrapping:
            self._rewrap()
        self._after_change(0, None)

    def _after_change(self, came: int, rows_before: int | None) -> None:
        count = self._row_count()
        self.extend_to(count + len(self.buffer.unfinished) + _HEAD)
        if self.following:
            self._to_end()
        else:
            self._new += came
            if rows_before is not None:
                gone = max(0, rows_before - count)
                self.scroll_now(max(0, self.scroll_offset.y - gone))
        self.sync()

    def _to_end(self) -> None:
        self.scroll_now(max(0, self.virtual_size.height - self.size.height))

    def _row_count(self) -> int:
        return len(self._wrapped) if self.wrapping else len(self.buffer.shown)

    def _rewrap(self, newest: int | None = None) -> None:
        """Wrap all lines again, or only the ``newest`` ones."""
        lines = self.buffer.shown
        if newest is None:
            self._wrapped = []
        else:
            lines = lines[len(lines) - newest :] if newest else []
        for line in lines:
            room = self.size.width - 1 - line_cells(self._gutter(line))
            pieces = split_hard(clean_log(line.line), max(room, 1))
            for number, piece in enumerate(pieces):
                self._wrapped.append(_Row(line, piece, number == 0))

    # Drawing.

    @property
    def _merged(self) -> bool:
        return self.buffer.task is None

    def _gutter(self, line: LogLine) -> Line:
        spans: list[Span] = []
        if self.times:
            spans.append(clock(line, self._zone))
        if self._merged:
            cells = tag_width(self.size.width)
            spans += [*padded((tag(line.task),), cells), Span(" ")]
        return (*spans, stream_mark(line.stream))

    def drawn_at(self, y: int) -> Drawn:
        """Return the title, a line, or an unfinished line."""
        if y == 0:
            return Drawn(self._title(self.size.width))
        index = y - _HEAD + self.scroll_offset.y
        count = self._row_count()
        if index < count:
            return Drawn((Span(" "), *self._row(index)))
        unfinished = list(self.buffer.unfinished.items())
        if index - count < len(unfinished):
            return Drawn((Span(" "), *self._unfinished(*unfinished[index - count])))
        if count == 0 and not unfinished and y == _HEAD:
            return Drawn((Span("  "), Span(self._empty(), "dim")))
        return NOTHING

    def _row(self, index: int) -> Line:
        if self.wrapping:
            row = self._wrapped[index]
            lead = self._gutter(row.line)
            if not row.first:
                blank = Span(" " * (line_cells(lead) - 2))
                lead = (blank, stream_mark(row.line.stream))
            style = "stderr" if row.line.stream is Stream.STDERR else ""
            return (*lead, Span(row.text, style))
        line = self.buffer.shown[index]
        text = body(line.line, line.stream)
        return (*self._gutter(line), Span(text.text[self._side :], text.style))

    def _unfinished(self, stream: Stream, raw: bytes) -> Line:
        lead: list[Span] = []
        if self.times:
            lead.append(Span("        … ", "dim"))
        if self._merged:
            lead.append(Span(" " * (tag_width(self.size.width) + 1)))
        text = body(raw, stream)
        return (
            *lead,
            stream_mark(stream),
            Span(text.text[self._side :], text.style),
            Span("▁", "accent"),
        )

    def _empty(self) -> str:
        if self.buffer.filter and self.buffer.held:
            return "no line fits the filter · Escape clears it"
        if self.buffer.streams != BOTH and self.buffer.held:
            word = streams_word(self.buffer.streams)
            return f"nothing on {word} yet · o shows the other stream"
        if self.buffer.task is None:
            where = f" of {self.buffer.scope.label}" if self.buffer.scope.label else ""
            return f"no output{where} yet · choose a task to see its whole log"
        return "no output yet"

    def _title(self, width: int) -> Line:
        on = ".on" if self.has_focus else ""
        bar = "━" if on else "─"
        left: list[Span] = [
            Span(f"{bar} ", f"rule{on}"),
            Span("Log", f"title{on}"),
            Span(" "),
            *self._whose(),
        ]
        if self.filter_text:
            kept = f" /{clean_name(self.filter_text, limit=30)} "
            left += [Span("  "), Span(f"{kept}{len(self.buffer.shown):,} ", "chip")]
        left.append(Span(" "))
        right = self._follow_state()
        fill = width - line_cells(tuple(left)) - line_cells(right) - 3
        if fill < 0:
            return (
                *left,
                Span(bar * max(0, fill + line_cells(right) + 3), f"rule{on}"),
            )
        return (
            *left,
            Span(bar * fill + " ", f"rule{on}"),
            *right,
            Span(f" {bar}", f"rule{on}"),
        )

    def _whose(self) -> Line:
        if self.buffer.task is not None:
            name = Span(clean_name(str(self.buffer.task), limit=60), "strong")
            state = Span("  ● running", "running") if self.buffer.running else Span("")
            whose: Line = (name, state)
        else:
            label = self.buffer.scope.label
            whose = (Span(f"all tasks of {label}" if label else "all tasks", "dim"),)
        if self.buffer.streams != BOTH:
            return (
                *whose,
                Span(f"  {streams_word(self.buffer.streams)} only", "accent"),
            )
        return whose

    def _follow_state(self) -> Line:
        if self.following:
            return (Span("▼ following", "done"),)
        if self._new:
            return (
                Span(f"▼ {self._new:,} new", "warning"),
                Span(" · space follows", "dim"),
            )
        return (Span("‖ paused", "dim"), Span(" · space follows", "dim"))

    # What a person does.

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Follow at the end of the log, and nowhere else."""
        super().watch_scroll_y(old_value, new_value)
        at_end = round(new_value) >= self.virtual_size.height - self.size.height
        if at_end != self.following and round(old_value) != round(new_value):
            self.following = at_end
            if at_end:
                self._new = 0

    def on_resize(self, event: Resize) -> None:
        """Wrap to the new width; stay at the end when following."""
        if self.wrapping:
            self._rewrap()
        self._after_change(0, None)

    def action_follow(self) -> None:
        """Go to the end and stay there, or stop where we are."""
        if self.following:
            self.following = False
            self.sync()
        else:
            self.action_bottom()

    def action_bottom(self) -> None:
        """Go to the end and follow."""
        self.following = True
        self._new = 0
        self._to_end()
        self.sync()

    def action_top(self) -> None:
        """Go to the oldest line."""
        self._scroll_by(-self.virtual_size.height)

    def action_scroll(self, step: int) -> None:
        """Scroll by one line."""
        self._scroll_by(step)

    def action_half_page(self, direction: int) -> None:
        """Scroll by half of what is in sight."""
        self._scroll_by(direction * max(1, self.size.height // 2))

    def _scroll_by(self, lines: int) -> None:
        self.scroll_now(max(0, self.scroll_offset.y + lines))
        self.sync()

    def action_side(self, direction: int) -> None:
        """Look at another part of long lines."""
        self._side = max(0, self._side + direction * _SIDE_STEP)
        self.sync()

    def action_streams(self) -> None:
        """Go on to the next choice of streams."""
        self.buffer.next_streams()
        self._begin_at_end()

    def action_times(self) -> None:
        """Show or hide the time of each line."""
        self.times = not self.times
        if self.wrapping:
            self._rewrap()
        self._after_change(0, None)

    def action_wrap(self) -> None:
        """Wrap or cut long lines."""
        self.wrapping = not self.wrapping
        self._side = 0
        if self.wrapping:
            self._rewrap()
        self._begin_at_end()
