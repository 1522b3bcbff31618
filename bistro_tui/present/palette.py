"""Colours and glyphs, and what they mean; the same everywhere.

Colour is only for meaning, and never alone: a glyph and a word or a number stand beside
each. Style names are what ``Span.style`` holds.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from bistro_tui.engine.view import Reason

INK: Final = "#d3d9e4"
DIM: Final = "#8792a6"
FAINT: Final = "#4d586b"
GROUND: Final = "#12151b"
RAISED: Final = "#1a1f28"
CURSOR: Final = "#29405e"
CURSOR_OFF: Final = "#222a36"
ACCENT: Final = "#7fb2ff"
RUNNING: Final = "#3fd0c9"
READY: Final = "#a9bbd6"
BLOCKED: Final = "#e0c15c"
BACKOFF: Final = "#f09a4f"
DONE: Final = "#6fb57f"
FAILED: Final = "#f4707b"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How text of one style is drawn."""

    color: str | None = None
    background: str | None = None
    bold: bool = False
    underline: bool = False


LOOKS: Final[Mapping[str, Look]] = {
    "": Look(color=INK),
    "strong": Look(color=INK, bold=True),
    "dim": Look(color=DIM),
    "faint": Look(color=FAINT),
    "accent": Look(color=ACCENT),
    "brand": Look(color=ACCENT, bold=True),
    "title": Look(color=INK, bold=True),
    "title.on": Look(color=ACCENT, bold=True),
    "head": Look(color=DIM),
    "rule": Look(color=FAINT),
    "rule.on": Look(color=ACCENT),
    "key": Look(color=ACCENT, bold=True),
    "chip": Look(color=GROUND, background=ACCENT),
    "badge": Look(color=GROUND, background=BLOCKED, bold=True),
    "running": Look(color=RUNNING),
    "ready": Look(color=READY),
    "blocked": Look(color=BLOCKED),
    "backoff": Look(color=BACKOFF),
    "done": Look(color=DONE),
    "failed": Look(color=FAILED),
    "off": Look(color=DIM),
    "stderr": Look(color="#f0b48a"),
    "error": Look(color=FAILED, bold=True),
    "warning": Look(color=BLOCKED, bold=True),
}

CURSOR_LOOKS: Final[Mapping[str, Look]] = {
    "cursor": Look(background=CURSOR),
    "cursor.off": Look(background=CURSOR_OFF),
}
"""Looks of whole rows: under the cursor, in the pane with the keyboard and not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A state as a person meets it: glyph, word and colour together."""

    glyph: str
    word: str
    style: str
    mark: str
    """One ASCII character: its segment of a bar where there is no colour."""


RUNNING_STATE: Final = State(glyph="●", word="running", style="running", mark=">")
READY_STATE: Final = State(glyph="◌", word="ready", style="ready", mark=".")
BLOCKED_STATE: Final = State(glyph="⏸", word="blocked", style="blocked", mark=":")
BACKOFF_STATE: Final = State(glyph="↻", word="backoff", style="backoff", mark="~")
FAILED_STATE: Final = State(glyph="✗", word="failed", style="failed", mark="x")
DONE_STATE: Final = State(glyph="✓", word="done", style="done", mark="#")
OFF_STATE: Final = State(glyph="⊘", word="off", style="off", mark="-")

_BY_REASON: Final[Mapping[Reason, State]] = {
    Reason.RUNNING: RUNNING_STATE,
    Reason.DONE: DONE_STATE,
    Reason.FAILED: FAILED_STATE,
    Reason.BACKOFF: BACKOFF_STATE,
    Reason.RUNNABLE: READY_STATE,
    Reason.JOB_INVALID: OFF_STATE,
    Reason.JOB_DISABLED: OFF_STATE,
    Reason.NODE_DISABLED: OFF_STATE,
    Reason.AVOIDED: OFF_STATE,
}


def state_of(reason: Reason) -> State:
    """Return how a task with this reason is shown; what only waits is blocked."""
    return _BY_REASON.get(reason, BLOCKED_STATE)
