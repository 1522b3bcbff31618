"""``--dry-run``: every task is done at once.

Source: Bistro, runners/NoOpRunner.
"""

from bistro_tui.engine.runners.pretend import PretendingRunner
from bistro_tui.engine.statuses.status import TaskStatus


class DryRunRunner(PretendingRunner):
    """Marks tasks done without running anything."""

    def seconds(self) -> float:
        """Return 0: done at once."""
        return 0.0

    def outcome(self, now: float) -> TaskStatus:
        """Return done."""
        return self.done(now)
