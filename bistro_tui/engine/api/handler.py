"""What a handler is: a name in a request, and what answers to it.

Source: Bistro, server/HTTPMonitor.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from bistro_tui.engine.config.model import Json
from bistro_tui.engine.desk import Desk

Query = Mapping[str, Json]
"""One subquery, as it came: nothing in it has been looked at but its ``handler``."""


class HandlerError(Exception):
    """The subquery is answered with this text as its ``error``; others go on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Handler:
    """One handler, and what is said of it in the interface's own description."""

    name: str
    answer: Callable[[Desk, Query], Awaitable[Json]]
    """Return ``data``; raise HandlerError or ControlRefused for an ``error``."""
    about: str
    """One sentence."""
    changes: bool = False
    """Whether it changes anything: then it needs the token, and is logged."""
    takes: Mapping[str, Json] = field(default_factory=dict)
    """JSON Schema of each input key."""
    requires: tuple[str, ...] = ()
    """Input keys that must be there."""
    gives: Json = field(default_factory=dict)
    """JSON Schema of ``data``."""
