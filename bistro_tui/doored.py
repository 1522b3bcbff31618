"""An app with a tab for each scheduler: which is shown, what stays of the others."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import ClassVar

from textual.app import App
from textual.binding import Binding, BindingType

from bistro_tui.doors import Door
from bistro_tui.engine.view import EngineControl, EngineView
from bistro_tui.present.clean import clean_name
from bistro_tui.present.spans import Line
from bistro_tui.present.tabs import tab_line
from bistro_tui.screens.main import MainScreen

_LABEL_CELLS = 24


class Doored(App[None]):
    """Keeps a main screen for each scheduler that was visited."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right_curly_bracket", "door(1)", "next scheduler", show=False,
                id="go.next_door", tooltip="The next scheduler, of several"),
        Binding("left_curly_bracket", "door(-1)", "scheduler before", show=False,
                id="go.previous_door", tooltip="The scheduler before, of several"),
    ]  # fmt: skip

    DEFAULT_MODE: ClassVar[str] = "door-0"
    """Textual's word for the screens of one door; it goes back to no unnamed mode."""

    _doors: tuple[Door, ...] = ()
    _at = 0

    def show_doors(self, doors: Sequence[Door]) -> None:
        """Have these schedulers shown; to be called before the app runs."""
        for number in range(len(self._doors), len(doors)):
            self.add_mode(_mode_of(number), partial(self.main_of, number))
        self._doors = tuple(doors)
        self._mains: dict[int, MainScreen] = {}

    # What the app does with it.

    def make_main(self, door: Door) -> MainScreen:
        """Return a new main screen."""
        raise NotImplementedError

    def door_left(self) -> None:
        """Take note that another scheduler is about to be shown."""

    def door_opened(self, main: MainScreen) -> None:
        """Take note that this screen is about to be shown."""

    def door_entered(self) -> None:
        """Take note that it is shown."""

    # Which is shown.

    @property
    def has_tabs(self) -> bool:
        """Whether there is more than one."""
        return len(self._doors) > 1

    @property
    def visited(self) -> Iterator[tuple[Door, MainScreen]]:
        """Those that were shown, and their screens."""
        return ((self._doors[number], main) for number, main in self._mains.items())

    @property
    def _door(self) -> Door:
        return self._doors[self._at]

    @property
    def _view(self) -> EngineView:
        return self._door.view

    @property
    def _control(self) -> EngineControl:
        return self._door.allowed

    @property
    def _main(self) -> MainScreen | None:
        return self._mains.get(self._at)

    def main_of(self, number: int) -> MainScreen:
        """Return the screen of a door, made when it is first wanted."""
        if number not in self._mains:
            self._mains[number] = self.make_main(self._doors[number])
        return self._mains[number]

    def tab_lines(self, width: int) -> list[Line]:
        """Return the line of schedulers."""
        names = [clean_name(door.label, limit=_LABEL_CELLS) for door in self._doors]
        return [tab_line(names, self._at, width)]

    async def action_door(self, step: int) -> None:
        """Show the next scheduler, or the one before."""
        if self.has_tabs:
            await self.go_to_door((self._at + step) % len(self._doors))

    async def go_to_door(self, number: int) -> None:
        """Show that scheduler; everything there is as it was left."""
        if number == self._at or not 0 <= number < len(self._doors):
            return
        self.door_left()
        self._at = number
        self.door_opened(self.main_of(number))
        await self.switch_mode(_mode_of(number))
        self.door_entered()


def _mode_of(number: int) -> str:
    return f"door-{number}"
