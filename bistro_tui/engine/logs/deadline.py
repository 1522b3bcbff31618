"""How long a page may take."""

from bistro_tui.engine.clock import Clock

PAGE_SEC = 0.1
"""When a page ends with what it has; the rest of 200 ms is for the step it is in, and
for a machine that has other things to do."""
STEP_SEC = 0.05
"""How much longer a statement of SQL may run before it is interrupted."""


class Deadline:
    """Begins now, and is over after ``PAGE_SEC``."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._end = clock.now().mono + PAGE_SEC

    def is_over(self) -> bool:
        """Return whether to answer with what there is."""
        return self._clock.now().mono >= self._end

    def is_long_over(self) -> bool:
        """Return whether even the step that is going on has to end."""
        return self._clock.now().mono >= self._end + STEP_SEC
