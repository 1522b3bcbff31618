"""What has to be on disk before a worker hears of this scheduler, or of a task."""

from typing import Protocol

NOT_NOTED = "the scheduler cannot take note of it on its disk"
"""Why nobody hears of it."""


class Served(Protocol):
    """What the next start has to know, on disk when the call returns."""

    def let_in(self) -> None:
        """Take note that a worker hears of this scheduler. Raises OSError."""
        ...

    def give(self) -> None:
        """Take note that a worker may get or have a task. Raises OSError."""
        ...

    def rest(self) -> None:
        """Take note that nothing is left on any worker. Raises OSError."""
        ...
