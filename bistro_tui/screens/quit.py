"""The question before tasks are stopped."""

import enum
from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from bistro_tui.present import words
from bistro_tui.present.spans import Line, Span
from bistro_tui.widgets.bars import Bar


class QuitAnswer(enum.Enum):
    """What a person wants to become of the tasks."""

    STAY = enum.auto()
    STOP = enum.auto()
    """Stop them and quit."""
    DETACH = enum.auto()
    """Close the screen alone."""


class QuitQuestion(ModalScreen[QuitAnswer], inherit_bindings=False):
    """Ends with what is wanted."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "answer('STOP')", "stop and quit", id="quit.stop",
                tooltip="Stop the running tasks and quit"),
        Binding("d", "answer('DETACH')", "detach", id="quit.detach",
                tooltip="Close the screen; the scheduler goes on without one"),
        Binding("escape,enter", "answer('STAY')", "stay", id="quit.stay",
                tooltip="Stay"),
    ]  # fmt: skip

    AUTO_FOCUS = None

    def __init__(
        self, running: Callable[[], int], *, stopping: bool, can_detach: bool
    ) -> None:
        super().__init__()
        self._count = running
        self._stopping = stopping
        self._can_detach = can_detach and not stopping

    def compose(self) -> ComposeResult:
        """The question and its two answers."""
        with Vertical(id="question"):
            yield Bar(self._lines, id="question-text")

    def on_mount(self) -> None:
        """Count the tasks anew while the question stands."""
        self.set_interval(0.5, self.query_one(Bar).sync, name="quit question")

    def _lines(self, width: int) -> list[Line]:
        number = self._count()
        verb = "runs" if number == 1 else "run"
        tasks = f"{words.plural(number, 'task')} {verb}"
        if self._stopping:
            head, stop, stay = f"Stopping: {tasks}.", "kills them at once", "waits"
        else:
            head, stop, stay = f"{tasks}.", "stops them and quits", "stays"
        answers = [(Span("q again ", "key"), Span(stop))]
        if self._can_detach:
            goes_on = "detaches: the screen ends, they go on"
            answers.append((Span("d ", "key"), Span(goes_on)))
        answers.append((Span("Escape ", "key"), Span(stay)))
        return [(Span(head, "strong"),), (), *answers]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer no answer that is none here."""
        return "DETACH" not in parameters or self._can_detach

    def action_answer(self, name: str) -> None:
        """Give the answer."""
        self.dismiss(QuitAnswer[name])
