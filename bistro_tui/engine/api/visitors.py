"""Who is connected to one door, how far their requests are, and who has to go.

Pure: time comes in as an argument, and connections are what can be ended.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from bistro_tui.engine.api.limits import Limits


class Phase(Enum):
    """What a connection is at."""

    HEADER = "header"
    """A request is expected at once, or has begun: its header is not complete."""
    BODY = "body"
    """The header is complete, the body is not."""
    ANSWERING = "answering"
    IDLE = "idle"
    """It was answered and may ask again."""


@dataclass(slots=True, kw_only=True, eq=False)
class Visitor:
    """One connection."""

    who: str
    end: Callable[[], None]
    """End the connection at once, whatever is under way."""
    since: float
    """When it came into this phase."""
    phase: Phase = Phase.HEADER
    header_bytes: int = 0
    """Received since the phase ``HEADER`` began."""
    is_streaming: bool = False
    """Its answer goes on until it leaves."""
    stuck_since: float | None = None
    """Since when it takes nothing of what was written; None while it does."""

    def expect_header(self, now: float) -> None:
        """Take note that a request begins."""
        self.phase, self.since, self.header_bytes = Phase.HEADER, now, 0

    def answer(self, now: float) -> None:
        """Take note that a request's header is complete."""
        self.phase, self.since = Phase.ANSWERING, now

    def rest(self, now: float) -> None:
        """Take note that a request was answered."""
        self.phase, self.since = Phase.IDLE, now


class Visitors:
    """All connections of one door, oldest first."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._all: dict[Visitor, None] = {}

    def __len__(self) -> int:
        return len(self._all)

    def admit(self, visitor: Visitor) -> bool:
        """Take in a connection, ending another where all places are taken.

        That is the oldest without a complete header, else the one that is idle
        longest, else the oldest without a complete body. False if all others are
        being answered.
        """
        if len(self._all) >= self._most and not self.make_room():
            return False
        self._all[visitor] = None
        return True

    def make_room(self) -> bool:
        """End the connection that can be missed most; False if there is none."""
        for phase in (Phase.HEADER, Phase.IDLE, Phase.BODY):
            found = [one for one in self._all if one.phase is phase]
            if found:
                # The oldest connection, not the oldest request: dripping wins no time.
                is_idle = phase is Phase.IDLE
                self._end(
                    min(found, key=lambda one: one.since) if is_idle else found[0]
                )
                return True
        return False

    def leave(self, visitor: Visitor) -> None:
        """Forget a connection that is closed."""
        self._all.pop(visitor, None)

    def end_overdue(self, now: float, limits: Limits) -> None:
        """End every connection that takes longer than it may."""
        for visitor in [one for one in self._all if _is_overdue(one, now, limits)]:
            self._end(visitor)

    def end_all(self) -> None:
        """End every connection."""
        for visitor in [*self._all]:
            self._end(visitor)

    def _end(self, visitor: Visitor) -> None:
        self.leave(visitor)
        visitor.end()


def _is_overdue(visitor: Visitor, now: float, limits: Limits) -> bool:
    stuck = visitor.stuck_since
    if stuck is not None and now - stuck >= limits.write_sec:
        return True
    age = now - visitor.since
    match visitor.phase:
        case Phase.HEADER:
            return age >= limits.header_sec
        case Phase.IDLE:
            return age >= limits.idle_sec
        case Phase.BODY | Phase.ANSWERING:
            # Bounded where it is answered: by the body's time and by stuck_since.
            return False
