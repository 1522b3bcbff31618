"""The question before what cannot be undone; Enter alone says no."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.events import Click, Resize
from textual.screen import ModalScreen

from bistro_tui.present.clean import clean
from bistro_tui.present.spans import Line, Span
from bistro_tui.widgets.bars import Bar
from bistro_tui.widgets.cells import line_cells
from bistro_tui.widgets.doc_view import DocView

_AROUND = 8
"""Rows of the dialog beside what it lists, its frame included."""


class Confirm(ModalScreen[bool], inherit_bindings=False):
    """Ends with True only if the answer was chosen with an arrow, ``y`` or a click."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "choose(0)", "cancel", show=False, id="confirm.left",
                tooltip="Choose Cancel"),
        Binding("right,l", "choose(1)", "do it", show=False, id="confirm.right",
                tooltip="Choose to do it"),
        Binding("tab,shift+tab", "turn", "other answer", show=False, id="confirm.turn",
                tooltip="Choose the other answer"),
        Binding("enter", "take", "take", id="confirm.take",
                tooltip="Take the chosen answer; Cancel is chosen at first"),
        Binding("y", "answer(True)", "yes", id="confirm.yes", tooltip="Do it"),
        Binding("escape,n,q", "answer(False)", "cancel", id="confirm.no",
                tooltip="Cancel"),
    ]  # fmt: skip

    AUTO_FOCUS = None

    def __init__(self, question: str, items: Sequence[str], *, yes: str) -> None:
        """``items`` is the exact list of what it would be done to, raw."""
        super().__init__()
        self._question = clean(question)
        self._items = [clean(item) for item in items]
        self._yes = clean(yes)
        self._chosen = 0
        self._list = DocView(id="confirm-list")
        self._answers = Bar(self._answer_lines, id="confirm-answers")
        self._frame = Vertical(
            Bar(lambda _: [(Span(self._question, "strong"),), ()], id="confirm-text"),
            self._list,
            self._answers,
            id="confirm",
        )

    def compose(self) -> ComposeResult:
        """Question, list, answers."""
        yield self._frame

    def on_mount(self) -> None:
        """List what it is about; arrows scroll it."""
        self._fit()
        self._list.show([(Span(item),) for item in self._items])

    def on_resize(self, event: Resize) -> None:
        """Fit into the new size."""
        self._fit()

    def _fit(self) -> None:
        most = max(_AROUND, self.app.size.height - 2)
        self._frame.styles.height = min(len(self._items) + _AROUND - 1, most)

    def _labels(self) -> tuple[Line, Line]:
        on = ("chip", "") if self._chosen == 0 else ("", "chip")
        return (
            (Span("  "), Span(" Cancel ", on[0])),
            (Span("   "), Span(f" {self._yes} ", on[1])),
        )

    def _answer_lines(self, width: int) -> list[Line]:
        no, yes = self._labels()
        marks = ("▸", " ") if self._chosen == 0 else (" ", "▸")
        line = (
            Span(f" {marks[0]}", "accent"), no[1],
            Span(f"  {marks[1]}", "accent"), yes[1],
        )  # fmt: skip
        return [(), line, (Span(" → Enter or y does it · Escape cancels", "dim"),)]

    async def on_click(self, event: Click) -> None:
        """Take the answer under the mouse."""
        if event.widget is not self._answers or event.y != 1:
            return
        no, yes = (line_cells(line) for line in self._labels())
        if event.x < no:
            self.dismiss(False)
        elif event.x < no + yes:
            self.dismiss(True)

    def action_choose(self, which: int) -> None:
        """Choose an answer."""
        self._chosen = which
        self._answers.sync()

    def action_turn(self) -> None:
        """Choose the other answer."""
        self.action_choose(1 - self._chosen)

    def action_take(self) -> None:
        """Take the chosen answer."""
        self.dismiss(self._chosen == 1)

    def action_answer(self, yes: bool) -> None:
        """Give an answer at once."""
        self.dismiss(yes)
