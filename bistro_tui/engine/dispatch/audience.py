"""Who is told what became of attempts."""

from collections.abc import Sequence
from typing import Protocol

from bistro_tui.engine.config.model import KillSettings
from bistro_tui.engine.ended import Ended
from bistro_tui.engine.ids import InvocationId
from bistro_tui.engine.runners.protocol import (
    AttemptStarted,
    AttemptUsage,
    RunnerContainment,
)
from bistro_tui.engine.scheduling.events import TaskEnded, TaskLost, TaskNotStarted


class Audience(Protocol):
    """Who is told what became of the attempts, to show it."""

    def process_started(self, report: AttemptStarted) -> None:
        """The attempt has a process."""
        ...

    def kill_begun(
        self, invocation: InvocationId, kill: KillSettings, now: float
    ) -> None:
        """A running attempt is being ended by these settings; ``now`` is wall time."""
        ...

    def usage(self, report: AttemptUsage) -> None:
        """Running attempts use so much of the host."""
        ...

    def containment(self, report: RunnerContainment) -> None:
        """This is how the runner keeps hold of processes."""
        ...

    def processes_ended(
        self, ended: Sequence[TaskEnded | TaskNotStarted | TaskLost]
    ) -> None:
        """These attempts have no process any more."""
        ...

    def attempts_stored(self, ended: Sequence[Ended]) -> None:
        """These attempts are over and their statuses on disk."""
        ...
