"""Wall time that a clock which is set for a short while does not disturb. Pure."""

from bistro_tui.engine.moment import SLEW_SEC, Now

LASTS_SEC = 60.0
"""A clock that was set is believed once it has stayed so for this long."""


class SteadyWall:
    """Wall seconds by a clock that nobody can set; a lasting correction is followed."""

    def __init__(self, now: Now) -> None:
        """``now``: a moment at which the wall clock is believed."""
        self._offset = now.wall - now.elapsed
        """What is added to the elapsed seconds."""
        self._other = 0.0
        """The same by the wall clock, where that has been set."""
        self._other_since: float | None = None

    def at(self, now: Now) -> float:
        """Return the wall second of that moment; moments must not go back."""
        offset = now.wall - now.elapsed
        if abs(offset - self._offset) <= SLEW_SEC:
            self._believe(offset)
        elif self._other_since is None or abs(offset - self._other) > SLEW_SEC:
            self._other, self._other_since = offset, now.elapsed
        elif now.elapsed - self._other_since >= LASTS_SEC:
            self._believe(offset)
        return now.elapsed + self._offset

    def _believe(self, offset: float) -> None:
        self._offset, self._other_since = offset, None
