"""The line at the foot in which a command is typed."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.events import Paste
from textual.screen import ModalScreen
from textual.widgets import Input

from bistro_tui.engine.view import Snapshot
from bistro_tui.present.clean import clean
from bistro_tui.present.commands import completions, usage
from bistro_tui.present.spans import Line, Span
from bistro_tui.widgets.bars import Bar

_SHOWN = 8


class History:
    """The commands of this session, the newest last."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def add(self, text: str) -> None:
        """Keep a command; one that is given again moves to the end."""
        if text.strip():
            self._lines = [line for line in self._lines if line != text][-99:]
            self._lines.append(text)

    @property
    def lines(self) -> Sequence[str]:
        """All of them."""
        return self._lines


class _Typed(Input):
    ALLOW_SELECT = False

    def _on_paste(self, event: Paste) -> None:
        # What is pasted is foreign text; only its first line can be meant.
        first = event.text.splitlines()[0] if event.text else ""
        self.insert_text_at_cursor(clean(first[:500]))
        event.stop()
        event.prevent_default()


class CommandLine(ModalScreen[str | None], inherit_bindings=False):
    """Ends with what was typed, or with None; shows what could follow."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "run", "run", id="command.run", priority=True,
                tooltip="Run the command"),
        Binding("escape,ctrl+c", "leave", "leave", id="command.leave", priority=True,
                tooltip="Leave the command line"),
        Binding("tab", "complete(1)", "complete", id="command.complete", priority=True,
                tooltip="Complete, then the next that fits"),
        Binding("shift+tab", "complete(-1)", "complete back", show=False,
                id="command.complete_back", priority=True,
                tooltip="The one before that fits"),
        Binding("up", "recall(-1)", "older", show=False, id="command.older",
                priority=True, tooltip="An older command"),
        Binding("down", "recall(1)", "newer", show=False, id="command.newer",
                priority=True, tooltip="A newer command"),
    ]  # fmt: skip

    AUTO_FOCUS = None

    def __init__(
        self, shown: Snapshot, history: History, words: Sequence[str] = ()
    ) -> None:
        """``words`` are what else could be named: themes."""
        super().__init__()
        self._shown = shown
        self._history = [*history.lines, ""]
        self._place = len(self._history) - 1
        self._words = words
        self._offers: Sequence[str] = ()
        self._offered = -1
        self._is_completing = False
        self._line = _Typed(id="command-text", compact=True, select_on_focus=False)
        self._hints = Bar(self._hint_lines, id="command-hints")

    def compose(self) -> ComposeResult:
        """What could follow, above the line."""
        with Vertical(id="command"):
            yield self._hints
            with Vertical(id="command-row"):
                yield Bar(lambda _: [(Span(" :", "key"),)], id="command-sign")
                yield self._line

    def on_mount(self) -> None:
        """Take the keyboard."""
        self.set_focus(self._line)
        self._look()

    def on_input_changed(self, event: Input.Changed) -> None:
        """See what could follow."""
        event.stop()
        if self._is_completing:
            self._is_completing = False
        else:
            self._look()

    def _look(self) -> None:
        self._offers = completions(self._line.value, self._shown, self._words)
        self._offered = -1
        self._hints.sync()

    def _hint_lines(self, width: int) -> list[Line]:
        first = max(0, self._offered - _SHOWN + 1)
        lines: list[Line] = []
        for place, offer in enumerate(self._offers[first : first + _SHOWN], first):
            on = place == self._offered
            lead = Span("▌ " if on else "  ", "accent")
            told = usage(offer) if " " not in offer.strip() else ""
            name = Span(f"{clean(offer):<12} ", "strong" if on else "")
            lines.append((lead, name, Span(told, "dim")))
        more = len(self._offers) - first - _SHOWN
        if more > 0:
            lines.append((Span(f"  … {more:,} more", "dim"),))
        return lines or [(Span("  " + usage(self._line.value), "dim"),)]

    def action_complete(self, step: int) -> None:
        """Take what fits, then the next of it."""
        if self._offers:
            self._offered = (self._offered + step) % len(self._offers)
            if self._offered < 0:
                self._offered += len(self._offers)
            self._put(self._offers[self._offered])
            self._hints.sync()

    def _put(self, text: str) -> None:
        if text != self._line.value:
            self._is_completing = True
            self._line.value = text
        self._line.cursor_position = len(text)

    def action_recall(self, step: int) -> None:
        """Show another command of this session."""
        place = self._place + step
        if 0 <= place < len(self._history):
            self._history[self._place] = self._line.value
            self._place = place
            self._line.value = self._history[place]
            self._line.cursor_position = len(self._history[place])

    def action_run(self) -> None:
        """Run what stands in the line."""
        self.dismiss(self._line.value)

    def action_leave(self) -> None:
        """Run nothing."""
        self.dismiss(None)
