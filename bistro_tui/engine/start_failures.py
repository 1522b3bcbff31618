"""How long nothing starts after a start failed for want of something temporary."""

from bistro_tui.engine.moment import Now

FIRST_SEC, LONGEST_SEC = 1, 30


class StartFailures:
    """Each pause is twice as long as the one before, until a start succeeds."""

    def __init__(self) -> None:
        self._delay = 0
        self._is_paused = False
        self._failed_at = 0

    @property
    def are_going_on(self) -> bool:
        """Whether no start has succeeded since the last failure."""
        return self._delay > 0

    def failed(self, now: Now) -> int | None:
        """Return for how many seconds nothing is to start from now on.

        None while a pause is in force: what was on its way when that began fails with
        it.
        """
        self._failed_at = int(now.wall)
        if self._is_paused:
            return None
        self._is_paused = True
        self._delay = min(2 * self._delay, LONGEST_SEC) or FIRST_SEC
        return self._delay

    def resumed(self) -> None:
        """Take note that the pause is over."""
        self._is_paused = False

    def succeeded(self, start_time: int) -> None:
        """Take note of a start in that wall second.

        One that was on its way when another failed proves nothing: a pause takes a
        second at least, so the seconds tell them apart.
        """
        if start_time > self._failed_at:
            self._delay = 0
