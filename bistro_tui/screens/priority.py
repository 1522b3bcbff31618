"""The question for a priority."""

import math
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from bistro_tui.present import words
from bistro_tui.present.clean import clean
from bistro_tui.present.spans import Line, Span
from bistro_tui.widgets.bars import Bar


def priority_in(text: str) -> float | None:
    """Return the priority that was typed, None if it is no number."""
    try:
        number = float(text.strip())
    except ValueError:
        return None
    return number if math.isfinite(number) else None


class PriorityQuestion(ModalScreen[float | None], inherit_bindings=False):
    """Ends with a number, or with None for "leave it"."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "leave it", id="priority.leave", priority=True,
                tooltip="Leave the priority as it is"),
    ]  # fmt: skip

    def __init__(self, jobs: str, present: float) -> None:
        """``jobs`` names them, raw."""
        super().__init__()
        self._jobs = clean(jobs)
        self._present = present
        self._trouble = ""
        self._line = Input(
            words.number(present),
            id="priority-line",
            compact=True,
            restrict=r"[-+0-9.eE]*",
        )
        self._told = Bar(self._told_lines, id="priority-told")

    def compose(self) -> ComposeResult:
        """What is asked, the line for the answer, what is wrong with it."""
        with Vertical(id="priority"):
            yield Bar(self._asked_lines, id="priority-asked")
            yield self._line
            yield self._told

    def on_mount(self) -> None:
        """Take the keyboard."""
        self.set_focus(self._line)

    def _asked_lines(self, width: int) -> list[Line]:
        return [
            (Span("Priority of ", "strong"), Span(self._jobs, "strong")),
            (
                Span(
                    f"now {words.number(self._present)}; a higher one starts first",
                    "dim",
                ),
            ),
        ]

    def _told_lines(self, width: int) -> list[Line]:
        if self._trouble:
            return [(Span(self._trouble, "error"),)]
        return [(Span("Enter sets it · Escape leaves it", "dim"),)]

    @on(Input.Submitted)
    def _submitted(self, message: Input.Submitted) -> None:
        priority = priority_in(message.value)
        if priority is None:
            self._trouble = "a priority is a number, like 1.5"
            self._told.sync()
        else:
            self.dismiss(priority)

    def action_leave(self) -> None:
        """Leave it."""
        self.dismiss(None)
