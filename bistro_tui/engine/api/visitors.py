"""Who is connected to one door, how far their requests are, and who has to go.

Pure: time comes in as an argument, and connections are what can be ended.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from bistro_tui.engine.api.limits import Limits

_ANSWER_SEC = 5.0
"""Who is being answered for longer may have to go for those who come."""


class Phase(Enum):
    """What a connection is at."""

    HEADER = "header"
    """A request is expected at once, or has begun: its header is not complete."""
    BODY = "body"
    """The header is complete, the body is not."""
    ANSWERING = "answering"
    WAITING = "waiting"
    """It is being answered, and nothing is done for it until something happens."""
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
    is_trusted: bool = False
    """Whether its last request showed the token."""
    leave: Callable[[], None] = lambda: None
    """Called when nobody is there to be answered any more."""
    hush: Callable[[], None] = lambda: None
    """Called when it will say no more, but may still listen."""
    sending_since: float | None = None
    """Since when its answer is being sent; None while it is not."""
    stuck_since: float | None = None
    """Since when it takes nothing of what was written; None while it does."""

    def expect_header(self, now: float) -> None:
        """Take note that a request begins."""
        self.phase, self.since, self.header_bytes = Phase.HEADER, now, 0

    def answer(self, now: float) -> None:
        """Take note that a request's header is complete."""
        self.phase, self.since = Phase.ANSWERING, now

    def wait(self, begins: bool) -> None:
        """Take note that its answer begins to wait, or goes on."""
        self.phase = Phase.WAITING if begins else Phase.ANSWERING

    def rest(self, now: float) -> None:
        """Take note that a request was answered."""
        self.phase, self.since = Phase.IDLE, now
        self.sending_since = None


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
        longest, else the oldest without a complete body, else the request that waits
        longest, else the one that is being answered longest and for seconds already;
        those with the token after all others of their kind. False if there is none.
        """
        if len(self._all) >= self._most and not self.make_room(visitor.since):
            return False
        self._all[visitor] = None
        return True

    def make_room(self, now: float) -> bool:
        """End the connection that can be missed most; False if there is none."""
        # The oldest connection, not the oldest request: dripping wins no time.
        found = self._first(Phase.HEADER)
        found = found or self._longest(Phase.IDLE, now)
        found = found or self._first(Phase.BODY)
        found = found or self._longest(Phase.WAITING, now)
        found = found or self._longest(Phase.ANSWERING, now - _ANSWER_SEC)
        if found is None:
            return False
        self._end(found)
        return True

    def _first(self, phase: Phase) -> Visitor | None:
        return next((one for one in self._all if one.phase is phase), None)

    def _longest(self, phase: Phase, before: float) -> Visitor | None:
        return min(
            (one for one in self._all if one.phase is phase and one.since <= before),
            key=lambda one: (one.is_trusted, one.since),
            default=None,
        )

    def leave(self, visitor: Visitor) -> None:
        """Forget a connection that is closed."""
        self._all.pop(visitor, None)

    def end_overdue(self, now: float, limits: Limits) -> None:
        """End every connection that takes longer than it may."""
        for visitor in [one for one in self._all if _is_overdue(one, now, limits)]:
            self._end(visitor)

    def hush_all(self) -> None:
        """Have nobody wait for an answer any more."""
        for visitor in self._all:
            visitor.hush()

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
        case Phase.BODY | Phase.ANSWERING | Phase.WAITING:
            # Bounded where it is answered: by the body's time and by stuck_since.
            return False
