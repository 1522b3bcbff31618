"""What was found to run and the core has not heard of yet: nothing starts beside it.

Between the report of a find and its turn others are acted on, and any of them may make
the core start the task of it.
"""

from collections.abc import Iterable

from bistro_tui.engine.ids import TaskId
from bistro_tui.engine.runners.protocol import (
    AttemptAdopted,
    AttemptNotStarted,
    RunnerReport,
)
from bistro_tui.engine.scheduling.actions import StartTask


class Finds:
    """Finds from their report until the core hears of them, and starts they hold up."""

    def __init__(self) -> None:
        self._expected: dict[TaskId, int] = {}
        """How many finds of each task the core has yet to hear of."""
        self._held: dict[TaskId, AttemptNotStarted] = {}

    def expect(self, reports: Iterable[RunnerReport]) -> None:
        """Take note of what was found; of other reports, nothing."""
        expected = self._expected
        for report in reports:
            if isinstance(report, AttemptAdopted):
                task = report.attempt.task
                expected[task] = expected.get(task, 0) + 1

    def holds_up(self, start: StartTask) -> bool:
        """Return whether ``start`` must not be: its task was found to run."""
        task = start.task
        if task not in self._expected:
            return False
        text = "it was found to run"
        self._held[task] = AttemptNotStarted(task, start.invocation, text, True)
        return True

    def heard(self, task: TaskId) -> AttemptNotStarted | None:
        """Take note that the core hears of a find, now; return the start it held up."""
        left = self._expected.pop(task, 0) - 1
        if left > 0:
            self._expected[task] = left
        return self._held.pop(task, None)
