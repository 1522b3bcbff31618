"""What is asked of the core by those who feed it."""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias

from bistro_tui.engine.moment import Now
from bistro_tui.engine.scheduling.actions import Action
from bistro_tui.engine.scheduling.events import Event, Oddity

Feed: TypeAlias = Callable[[Sequence[Event]], None]
"""Lets the core take in events, and carries out what it decides."""


class Decider(Protocol):
    """What is asked of the core."""

    def handle(self, events: Sequence[Event], now: Now, steps: int) -> list[Action]:
        """Take in what happened; return what is to be done, in order.

        After about so many ``steps`` the rest is left for the next call.
        """
        ...

    def take_oddities(self) -> Sequence[Oddity]:
        """Return what was heard of attempts and ignored since this was asked."""
        ...

    def next_due(self) -> float | None:
        """Return the monotonic second at which time alone changes something.

        It is in the past while a call has left a rest.
        """
        ...
