"""One stored line, and one look at a log, as values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from bistro_tui.engine.ids import TaskId
from bistro_tui.engine.logs.sink import Stream


class StoredLine(NamedTuple):
    """A row of a log table."""

    line_id: int
    """Seconds << 32 | counter; grows."""
    task: TaskId
    stream: Stream
    line: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class LogTail:
    """The newest lines of a log."""

    lines: tuple[StoredLine, ...]
    """Oldest first."""
    last_id: int
    """Ask for what is after it to get only what is new."""
    partial: Mapping[Stream, bytes] = field(default_factory=dict)
    """Unfinished last lines of a running task."""
