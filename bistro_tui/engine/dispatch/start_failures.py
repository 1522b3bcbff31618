"""How long nothing starts after a start failed for want of something temporary."""

from bistro_tui.engine.ids import InvocationId

FIRST_SEC, LONGEST_SEC = 1, 30
LONGEST_FOR_SPACE_SEC = 4
"""When a disk is full: people want to see that it is not any more."""


class StartFailures:
    """Each pause is twice as long as the one before, until a start succeeds."""

    def __init__(self) -> None:
        self._delay = 0
        self._is_paused = False
        self._tried: set[InvocationId] = set()
        """What was started since the last failure."""

    @property
    def are_going_on(self) -> bool:
        """Whether no start has succeeded since the last failure."""
        return self._delay > 0

    def failed(self, longest_sec: int = LONGEST_SEC) -> int | None:
        """Return for how many seconds nothing is to start from now on.

        None while a pause is in force: what was on its way when that began fails with
        it.
        """
        self._tried.clear()
        if self._is_paused:
            return None
        self._is_paused = True
        self._delay = min(2 * self._delay, longest_sec) or FIRST_SEC
        return self._delay

    def resumed(self) -> None:
        """Take note that the pause is over."""
        self._is_paused = False

    def tried(self, invocation: InvocationId) -> None:
        """Take note that an attempt is on its way."""
        if self._delay:
            self._tried.add(invocation)

    def succeeded(self, invocation: InvocationId) -> None:
        """Take note that this attempt could be started.

        One that was on its way when another failed proves nothing.
        """
        if invocation in self._tried:
            self._delay = 0
            self._tried.clear()
