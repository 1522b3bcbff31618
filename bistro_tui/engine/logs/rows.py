"""One stored line, and one look at a log, as values."""

from collections.abc import Mapping, Sequence
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


class Written(NamedTuple):
    """Lines of one task that were written together; their ids follow each other."""

    first_id: int
    task: TaskId
    stream: Stream
    lines: Sequence[bytes]

    @property
    def last_id(self) -> int:
        """The id of its last line."""
        return self.first_id + len(self.lines) - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class LogTail:
    """The newest lines of a log."""

    lines: tuple[StoredLine, ...]
    """Oldest first."""
    last_id: int
    """Ask for what is after it to get only what is new."""
    partial: Mapping[Stream, bytes] = field(default_factory=dict)
    """Unfinished last lines of a running task."""
    unasked: tuple[str, ...] = ()
    """Which workers were not asked or did not answer, and why."""
