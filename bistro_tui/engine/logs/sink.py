"""Where output goes: the port that runners write to."""

import enum
from collections.abc import Sequence
from typing import Protocol

from bistro_tui.engine.ids import TaskId


class Stream(enum.StrEnum):
    """The three tables of the log store."""

    STDOUT = "stdout"
    STDERR = "stderr"
    STATUSES = "statuses"


class LogSink(Protocol):
    """Takes lines; never blocks."""

    def write(self, task: TaskId, stream: Stream, lines: Sequence[bytes]) -> None:
        """Queue whole lines, each with its newline unless it is an unfinished last."""
        ...

    def partial(self, task: TaskId, stream: Stream, text: bytes) -> None:
        """Show an unfinished line that has waited 200 ms; b"" takes it back."""
        ...

    @property
    def is_behind(self) -> bool:
        """Whether writers should stop reading until the store has caught up."""
        ...
