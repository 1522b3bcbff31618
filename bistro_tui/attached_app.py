"""The same UI on a scheduler of another process: leaving it leaves that one running."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from textual.binding import Binding, BindingType

from bistro_tui.app import BistroApp
from bistro_tui.doors import Door, tabs_of
from bistro_tui.engine.clock import Clock
from bistro_tui.engine.view import Snapshot
from bistro_tui.present.ui_settings import DEFAULTS, UiSettings
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

    comes_back = True

    BINDINGS: ClassVar[list[BindingType]] = [
        _in_our_words(binding) for binding in BistroApp.BINDINGS
    ]

    def __init__(
        self,
        doors: Sequence[Door],
        *,
        crash_dir: Path | None,
        clock: Clock | None = None,
        settings: UiSettings = DEFAULTS,
    ) -> None:
        """``doors``: the schedulers; several are also shown all together."""
        tabs = tabs_of(doors)
        super().__init__(
            tabs[0].view,
            tabs[0].allowed,
            crash_dir=crash_dir,
            clock=clock,
            is_local=tabs[0].is_local,
            settings=settings,
        )
        self.show_doors(tabs)

    def action_quit_asked(self) -> None:
        """Leave at once: nothing is stopped by it."""
        self.leave(UiEnd.QUIT)

    def action_detach(self) -> None:
        """Leave: this screen has nothing else to part from."""
        self.leave(UiEnd.QUIT)

    def action_no_quit(self) -> None:
        """Say how to leave."""
        self.say("ctrl+c does not leave: q leaves, x stops a task", False)

    def _is_over(self, snapshot: Snapshot) -> bool:
        return False

    def _stop_engine_for(self, number: int) -> None:
        """Stop nothing: the signal was meant for this program, which ends."""
        self._hurry()

    def _end_for(self, number: int) -> None:
        self.leave(UiEnd.QUIT)
