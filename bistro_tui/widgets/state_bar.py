"""The line of states of the page of tasks."""

from collections.abc import Mapping
from dataclasses import dataclass

from textual.events import Click
from textual.message import Message

from bistro_tui.present.spans import Line
from bistro_tui.present.task_states import RUNNING, Stop, TaskState, state_line
from bistro_tui.widgets.bars import Bar


class StateBar(Bar):
    """Each state with its number; the mouse chooses one."""

    @dataclass
    class Clicked(Message):
        """A person wants to see that state."""

        state: TaskState

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(self._line, id=id)
        self.chosen = RUNNING
        self.counts: Mapping[TaskState, int] = {}
        self._stops: tuple[Stop, ...] = ()

    def _line(self, width: int) -> list[Line]:
        if not self.counts:
            return [()]
        line, stops = state_line(self.chosen, self.counts, width)
        self._stops = tuple(stops)
        return [line]

    def on_click(self, event: Click) -> None:
        """Choose the state under the mouse."""
        for stop in self._stops:
            if stop.start <= event.x < stop.end:
                self.post_message(self.Clicked(stop.state))
