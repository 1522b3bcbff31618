"""The lists of the page of config and events."""

from collections.abc import Hashable, Mapping, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from bistro_tui.engine.view import ConfigFacts, ConfigProblem, Notice
from bistro_tui.present.clean import clean_name
from bistro_tui.present.config_events import (
    NOTICE_COLUMNS,
    PROBLEM_COLUMNS,
    FileLine,
    config_title,
    notice_fields,
    notice_text,
    problem_fields,
    problem_text,
    shown_line,
)
from bistro_tui.present.spans import Line, Span
from bistro_tui.present.table import Column
from bistro_tui.present.things import JobThing, Thing
from bistro_tui.widgets.row_list import RowList

_SIDE_STEP = 8


class ProblemsList(RowList[ConfigProblem]):
    """What is wrong in the file as it is now, and with jobs."""

    heading = "Config"
    facts: ConfigFacts | None = None
    refused = ""
    """Why nothing is known; safe to show."""

    def key_of(self, row: ConfigProblem) -> Hashable:
        """Return the problem itself."""
        return row

    def text_of(self, row: ConfigProblem) -> str:
        """Return place and message."""
        return problem_text(row)

    def fields(self, row: ConfigProblem) -> Mapping[str, object]:
        """Return what a filter may name."""
        return problem_fields(row)

    def columns(self) -> Sequence[Column[ConfigProblem]]:
        """Return the columns."""
        return PROBLEM_COLUMNS

    def thing_of(self, row: ConfigProblem) -> Thing | None:
        """Return the job that has the problem."""
        return None if row.job is None else JobThing(name=row.job)

    def title_facts(self) -> Line:
        """Return which config is in force."""
        return config_title(self.facts, self.refused, self.scene)

    def empty_text(self) -> str:
        """Return that all is well."""
        return "✓ nothing is wrong" if self.facts is not None else "…"


class FileView(RowList[FileLine]):
    """The text of the config file, with numbers and the problems' lines marked."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "side(-1)", "left", show=False, id="file.left",
                tooltip="Look further left in long lines"),
        Binding("right", "side(1)", "right", show=False, id="file.right",
                tooltip="Look further right in long lines"),
    ]  # fmt: skip

    heading = "File"
    about = ""
    """Path of the file, raw."""
    refused = ""
    """Why the text is not here; safe to show."""
    wrong: Mapping[int, bool] = {}
    """Lines with a problem; true: it is an error."""
    _side = 0

    def action_side(self, direction: int) -> None:
        """Look at another part of long lines."""
        self._side = max(0, self._side + direction * _SIDE_STEP)
        self.sync()

    def go_to(self, number: int) -> None:
        """Put the cursor on that line, in the middle of the pane."""
        if self.point_at_key(number):
            self.scroll_now(max(0, self._cursor - self._page // 2))
            self.sync()

    def key_of(self, row: FileLine) -> Hashable:
        """Return its number."""
        return row.number

    def text_of(self, row: FileLine) -> str:
        """Return the line."""
        return row.text

    def columns(self) -> Sequence[Column[FileLine]]:
        """Return none: a line is drawn as a whole."""
        return ()

    @property
    def _head(self) -> int:
        return 1  # there are no columns to be titled

    def row_line(self, index: int, row: FileLine, width: int) -> Line:
        """Return number, mark and text."""
        digits = max(3, len(str(len(self._all))))
        is_error = self.wrong.get(row.number)
        mark = Span("  ")
        if is_error is not None:
            mark = Span("✗ ", "error") if is_error else Span("⚠ ", "warning")
        style = "strong" if is_error else ""
        number = Span(f"{row.number:>{digits}} ", "dim" if is_error is None else "")
        text = shown_line(row, style)
        return (number, mark, text._replace(text=text.text[self._side :]))

    def title_facts(self) -> Line:
        """Return which file it is."""
        spans = [Span(f" {clean_name(self.about)}", "dim")]
        if self._all:
            spans.append(Span(f" · {len(self._all):,} lines", "dim"))
        return tuple(spans)

    def empty_text(self) -> str:
        """Return why there is no text."""
        return self.refused or "the file is empty"


class EventsList(RowList[Notice]):
    """What the scheduler said of itself, the newest below; follows it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "follow", "follow", id="events.follow",
                tooltip="Follow the newest event, or stop following"),
    ]  # fmt: skip

    heading = "Events"
    refused = ""
    """Why nothing is known; safe to show."""
    following = True

    def key_of(self, row: Notice) -> Hashable:
        """Return its number."""
        return row.serial

    def text_of(self, row: Notice) -> str:
        """Return level and text."""
        return notice_text(row)

    def fields(self, row: Notice) -> Mapping[str, object]:
        """Return what a filter may name."""
        return notice_fields(row, self.now)

    def columns(self) -> Sequence[Column[Notice]]:
        """Return the columns."""
        return NOTICE_COLUMNS

    def title_facts(self) -> Line:
        """Return how many there are, and whether the newest is in sight."""
        spans = [Span(f" {len(self._all):,}", "dim")]
        if self.following:
            spans.append(Span("  ▼ following", "done"))
        else:
            spans.append(Span("  ‖ paused · space follows", "dim"))
        return tuple(spans)

    def empty_text(self) -> str:
        """Return that nothing happened, or why nobody knows."""
        return self.refused or "nothing happened yet"

    def rows_moved(self, cursor: int, by: int) -> None:
        """Go on to the newest while following."""
        super().rows_moved(cursor, by)
        self._follow()

    def cursor_moved(self) -> None:
        """Follow on the last row, and nowhere else."""
        self.following = self._cursor >= len(self._rows) - 1
        super().cursor_moved()

    def focus_changed(self) -> None:
        """Put the cursor where it follows, not on the oldest."""
        self._follow()
        super().focus_changed()

    def _follow(self) -> None:
        if self.following and self._rows:
            self._stand_on(len(self._rows) - 1)
            self._keep_in_view()
            self.sync()

    def action_follow(self) -> None:
        """Go to the newest and stay there, or stop where we are."""
        self.following = not self.following
        self._follow()
        self.sync()
