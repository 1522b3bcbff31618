"""The line in which a filter is typed."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.events import Paste
from textual.message import Message
from textual.widgets import Input

from bistro_tui.present.clean import clean


class FilterLine(Input):
    """Says each change at once, and when it is applied or given up."""

    ALLOW_SELECT = False

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "apply", "apply", id="filter.apply", priority=True,
                tooltip="Apply the filter; the cursor goes to the first match"),
        Binding("escape", "give_up", "clear", id="filter.clear", priority=True,
                tooltip="Clear the filter"),
    ]  # fmt: skip

    @dataclass
    class Typed(Message):
        """The text is now this one."""

        text: str

    class Applied(Message):
        """Keep the filter and go back to the rows."""

    class GivenUp(Message):
        """Clear the filter and go back to the rows."""

    def __init__(
        self,
        *,
        id: str,  # noqa: A002 - Textual's name
        typed: Callable[[str], None] | None = None,
    ) -> None:
        """``typed`` is told each change before the line itself is painted."""
        self._typed = typed
        super().__init__(id=id, compact=True, select_on_focus=False)

    def _on_paste(self, event: Paste) -> None:
        # What is pasted is foreign text too; only its first line can be meant.
        first = event.text.splitlines()[0] if event.text else ""
        self.insert_text_at_cursor(clean(first[:200]))
        event.stop()
        event.prevent_default()

    def watch_value(self, value: str) -> None:
        """Tell what is typed while it is new: a message would wait its turn."""
        if self._typed is not None:
            self._typed(value)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Tell what is typed."""
        event.stop()
        self.post_message(self.Typed(event.value))

    def action_apply(self) -> None:
        """Keep the filter."""
        self.post_message(self.Applied())

    def action_give_up(self) -> None:
        """Clear the filter."""
        self.post_message(self.GivenUp())
