"""Where the statuses of attempts are kept, and which attempt was the last.

Clocks are set back, so the order of attempts at a task is told by commits: whoever
starts one notes how many there were, and every status is stored with its number.
"""

from dataclasses import dataclass
from typing import NamedTuple, Protocol

from bistro_tui.engine.ids import InvocationId


class StatusPlace(NamedTuple):
    """Where a run keeps statuses; equal only for the very same place."""

    store: str
    """The name of the status store; empty: they are kept nowhere."""
    table: str
    """Its table."""


class LastAttempt(NamedTuple):
    """The attempt from which a stored status is."""

    invocation: InvocationId
    commit: int
    """The number of the commit that stored it; 0: not known."""


class Commits(Protocol):
    """Whoever counts the commits of a place."""

    @property
    def commits(self) -> int:
        """How many were begun, over all runs; 0 where nobody counts them."""
        ...


@dataclass(frozen=True, slots=True)
class NoCommits:
    """Counts nothing."""

    commits: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusHome:
    """Where this run keeps statuses, and how far it has come there."""

    place: StatusPlace
    keeper: Commits


NOWHERE = StatusPlace("", "")
NO_HOME = StatusHome(place=NOWHERE, keeper=NoCommits())
