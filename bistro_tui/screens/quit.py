"""The question before tasks are stopped."""

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from bistro_tui.present import words
from bistro_tui.present.spans import Line, Span
from bistro_tui.widgets.bars import Bar


class QuitQuestion(ModalScreen[bool], inherit_bindings=False):
    """Ends with True for "stop them and quit", False for "stay"."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "answer(True)", "stop and quit", id="quit.stop",
                tooltip="Stop the running tasks and quit"),
        Binding("escape,enter", "answer(False)", "stay", id="quit.stay",
                tooltip="Stay"),
    ]  # fmt: skip

    AUTO_FOCUS = None

    def __init__(self, running: Callable[[], int], *, stopping: bool) -> None:
        super().__init__()
        self._count = running
        self._stopping = stopping

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
        return [
            (Span(head, "strong"),),
            (),
            (Span("q again ", "key"), Span(stop)),
            (Span("Escape ", "key"), Span(stay)),
        ]

    def action_answer(self, stop: bool) -> None:
        """Give the answer."""
        self.dismiss(stop)
