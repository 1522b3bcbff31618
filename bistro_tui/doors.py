"""The schedulers that one screen shows: one, or several and all of them together."""

from collections.abc import Sequence
from dataclasses import dataclass

from bistro_tui.client.read_only import ReadOnlyControl
from bistro_tui.client.together import Together
from bistro_tui.engine.view import EngineControl, EngineView

ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """One tab: what is seen and what can be asked for there."""

    label: str
    """Raw: it may be a foreign name."""
    view: EngineView
    control: EngineControl
    why_read_only: str = ""
    """The sentence that a change is refused with; empty: changes are allowed."""
    is_local: bool = True
    """Whether its files are files of this host."""

    @property
    def allowed(self) -> EngineControl:
        """What may be asked for here."""
        if self.why_read_only:
            return ReadOnlyControl(self.why_read_only)
        return self.control


def tabs_of(doors: Sequence[Door]) -> tuple[Door, ...]:
    """Return the tabs: of several schedulers, first all of them together."""
    if len(doors) < 2:
        return tuple(doors)
    together = Together(
        {door.label: door.view for door in doors},
        {door.label: door.allowed for door in doors},
    )
    is_read_only = all(door.why_read_only for door in doors)
    return (
        Door(
            label=ALL,
            view=together,
            control=together,
            why_read_only=doors[0].why_read_only if is_read_only else "",
            is_local=False,
        ),
        *doors,
    )
