"""The last thing that each running task said, and how long it has been silent."""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from bistro_tui.engine.view import LogLine, RunningRow, TaskId
from bistro_tui.present.spans import Span

ACTIVE_SECONDS: Final = 5.0
"""Output so long ago still counts as activity."""
SILENT_SECONDS: Final = 60.0
"""Without output for that long, a task counts as silent."""

_KEPT_BYTES = 500


class Last(NamedTuple):
    """The last line of a task; an empty one if it said nothing so far."""

    at: float
    """Wall seconds, whole ones; of an empty line the start of the attempt."""
    line: bytes


class LastLines:
    """Made from pages of the merged log, and from looks at single tasks."""

    def __init__(self) -> None:
        self._last: dict[TaskId, Last] = {}
        self._asked: dict[TaskId, str] = {}
        """The attempt for which the log was looked through."""

    def take(self, lines: Iterable[LogLine]) -> None:
        """Take lines, oldest first."""
        for line in lines:
            if line.line.strip():
                kept = Last(line.line_id >> 32, line.line[:_KEPT_BYTES])
                self._last[line.task] = kept

    def looked(self, row: RunningRow, lines: Sequence[LogLine]) -> None:
        """Take the newest line of an attempt, or that there is none."""
        self._asked[row.task] = row.invocation
        if lines and self.of(row) is None:
            self.take(lines)

    def keep(self, running: Iterable[RunningRow]) -> None:
        """Forget the tasks that do not run any more."""
        tasks = {row.task for row in running}
        for known in (self._last, self._asked):
            for task in [task for task in known if task not in tasks]:
                del known[task]

    def of(self, row: RunningRow) -> Last | None:
        """Return the last line of that attempt; None: nobody knows."""
        last = self._last.get(row.task)
        if last is not None and last.at >= int(row.since):
            return last
        if self._asked.get(row.task) == row.invocation:
            return Last(row.since, b"")
        return None

    def unknown(self, rows: Iterable[RunningRow]) -> RunningRow | None:
        """Return the first of these of which nobody knows the last line."""
        return next((row for row in rows if self.of(row) is None), None)

    def mark(self, row: RunningRow, now: float) -> Span:
        """Return ◆ for a task that speaks, ◇ for one that is silent, else a blank."""
        last = self.of(row)
        if last is None:
            return Span(" ")
        if last.line and now - last.at <= ACTIVE_SECONDS:
            return Span("◆", "running")
        return Span("◇", "blocked") if now - last.at >= SILENT_SECONDS else Span(" ")
