"""Lists in which left and right walk the states of a job."""

from dataclasses import dataclass
from typing import Any, Final

from textual.binding import Binding, BindingType
from textual.message import Message

from bistro_tui.widgets.row_list import RowList

SEGMENT_KEYS: Final[tuple[BindingType, ...]] = (
    Binding("right", "walk(1)", "states", id="segment.next",
            tooltip="Go to the next state of the job's tasks"),
    Binding("left", "walk(-1)", "state before", show=False,
            id="segment.previous",
            tooltip="Go to the previous state of the job's tasks"),
)  # fmt: skip


class Walks(RowList[Any]):
    """Tells when a person walks on."""

    @dataclass
    class Walked(Message):
        """A person wants the segment that many to the right."""

        pane: "Walks"
        step: int

    def action_walk(self, step: int) -> None:
        """Ask for the next segment, or the previous one."""
        self.post_message(self.Walked(self, step))
