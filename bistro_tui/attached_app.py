"""The same UI on a scheduler of another process: leaving it leaves that one running."""

from dataclasses import replace
from typing import ClassVar

from textual.binding import Binding, BindingType

from bistro_tui.app import BistroApp
from bistro_tui.engine.view import Snapshot
from bistro_tui.ui_outcome import UiEnd

_WORDS = {
    "app.quit": ("leave", "Leave; the scheduler goes on"),
    "app.leave": ("shell", "Leave the screen for a while; the scheduler goes on"),
    "app.no_quit": ("", "Only tells how to leave"),
}
"""What keys mean here, where it differs, by their id."""


def _in_our_words(binding: BindingType) -> BindingType:
    if isinstance(binding, Binding) and binding.id in _WORDS:
        description, tooltip = _WORDS[binding.id]
        return replace(binding, description=description, tooltip=tooltip)
    return binding


class AttachedApp(BistroApp, inherit_bindings=False):
    """Shows a scheduler that began before and goes on afterwards, also after its end.

    When it is started again, the new one is shown.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        _in_our_words(binding) for binding in BistroApp.BINDINGS
    ]

    def action_quit_asked(self) -> None:
        """Leave at once: nothing is stopped by it."""
        self.leave(UiEnd.QUIT)

    def action_no_quit(self) -> None:
        """Say how to leave."""
        self.say("ctrl+c does not leave: q leaves, x stops a task", False)

    def _is_over(self, snapshot: Snapshot) -> bool:
        return False

    def _stop_engine_for(self, number: int) -> None:
        """Stop nothing: the signal was meant for this program."""

    def _end_for(self, number: int) -> None:
        self.leave(UiEnd.QUIT)
