"""How a run came to its end."""

from dataclasses import dataclass

from bistro_tui.engine.outcome import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """What the run came to, and the signal that ended it, if one did."""

    outcome: Outcome | None
    """None: stopped before anything could start."""
    signal: int | None = None
