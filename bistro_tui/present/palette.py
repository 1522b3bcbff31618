"""Colours and glyphs, and what they mean; the same everywhere.

Colour is only for meaning, and never alone: a glyph and a word or a number stand beside
each. Style names are what ``Span.style`` holds.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from bistro_tui.engine.view import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Palette:
    """Every colour that is used: ``#rrggbb``, or the name of one of the terminal's."""

    ink: str
    """Text."""
    dim: str
    """Text that matters less; still to be read."""
    faint: str
    """Rules and the empty part of bars; nothing that has to be read."""
    ground: str
    raised: str
    """The ground of head, foot and overlays."""
    cursor: str
    cursor_off: str
    """The ground of the row under the cursor, in a pane without the keyboard."""
    accent: str
    mark: str
    marked: str
    """The ground of marked rows."""
    running: str
    ready: str
    blocked: str
    backoff: str
    done: str
    failed: str
    stderr: str
    violet: str
    """Used for nothing but the colours that a task's output asks for."""
    is_dark: bool = True
    has_own_grounds: bool = True
    """False: rows stand out by reverse and bold, as no ground can be relied on."""


NIGHT: Final = Palette(
    ink="#d3d9e4",
    dim="#929db1",
    faint="#4d586b",
    ground="#12151b",
    raised="#1a1f28",
    cursor="#1f324c",
    cursor_off="#222a36",
    accent="#7fb2ff",
    mark="#d7a6ff",
    marked="#2a2338",
    running="#3fd0c9",
    ready="#a9bbd6",
    blocked="#e0c15c",
    backoff="#f09a4f",
    done="#6fb57f",
    failed="#f4707b",
    stderr="#f0b48a",
    violet="#c79bf2",
)

DAY: Final = Palette(
    ink="#22262e",
    dim="#565f6d",
    faint="#b4b8c0",
    ground="#fbfaf7",
    raised="#efede7",
    cursor="#cfe0f7",
    cursor_off="#e4e6ea",
    accent="#1c56b0",
    mark="#7433ad",
    marked="#efe4f8",
    running="#0a666d",
    ready="#465a78",
    blocked="#705400",
    backoff="#964300",
    done="#286433",
    failed="#ad1d32",
    stderr="#85441a",
    violet="#7433ad",
    is_dark=False,
)

ANSI: Final = Palette(
    ink="default",
    dim="default",
    faint="bright_black",
    ground="default",
    raised="default",
    cursor="default",
    cursor_off="default",
    accent="blue",
    mark="bright_magenta",
    marked="default",
    running="cyan",
    ready="default",
    blocked="yellow",
    backoff="magenta",
    done="green",
    failed="red",
    stderr="yellow",
    violet="magenta",
    has_own_grounds=False,
)
"""Only the terminal's own 16 colours, and no ground but its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How text of one style is drawn."""

    color: str | None = None
    background: str | None = None
    bold: bool = False
    underline: bool = False
    dim: bool = False
    reverse: bool = False


def looks_of(palette: Palette) -> Mapping[str, Look]:
    """Return how each style looks in these colours; the names are the same in all."""
    p = palette
    quiet = Look(color=p.dim, dim=not p.has_own_grounds)

    def chip(color: str, *, bold: bool = False) -> Look:
        if p.has_own_grounds:
            return Look(color=p.ground, background=color, bold=bold)
        return Look(color=color, bold=bold, reverse=True)

    return {
        "": Look(color=p.ink),
        "strong": Look(color=p.ink, bold=True),
        "dim": quiet,
        "faint": Look(color=p.faint),
        "accent": Look(color=p.accent),
        "brand": Look(color=p.accent, bold=True),
        "title": Look(color=p.ink, bold=True),
        "title.on": Look(color=p.accent, bold=True),
        "head": quiet,
        "head.on": Look(color=p.accent, bold=True),
        "mark": Look(color=p.mark, bold=True),
        "rule": Look(color=p.faint),
        "rule.on": Look(color=p.accent),
        "key": Look(color=p.accent, bold=True),
        "chip": chip(p.accent),
        "chip.mark": chip(p.mark, bold=True),
        "chip.bad": chip(p.failed),
        "badge": chip(p.blocked, bold=True),
        "running": Look(color=p.running),
        "ready": Look(color=p.ready),
        "blocked": Look(color=p.blocked),
        "backoff": Look(color=p.backoff),
        "done": Look(color=p.done),
        "failed": Look(color=p.failed),
        "off": quiet,
        "stderr": Look(color=p.stderr),
        "hit": chip(p.blocked),
        "hit.on": Look(color=p.blocked, bold=True, underline=True),
        "out.red": Look(color=p.failed),
        "out.green": Look(color=p.done),
        "out.yellow": Look(color=p.blocked),
        "out.blue": Look(color=p.accent),
        "out.magenta": Look(color=p.violet),
        "out.cyan": Look(color=p.running),
        "error": Look(color=p.failed, bold=True),
        "warning": Look(color=p.blocked, bold=True),
    }


def row_looks_of(palette: Palette) -> Mapping[str, Look]:
    """Return the looks of whole rows: marked, and under the cursor in either pane."""
    if not palette.has_own_grounds:
        return {
            "cursor": Look(reverse=True),
            "cursor.off": Look(underline=True),
            "marked": Look(bold=True),
        }
    return {
        "cursor": Look(background=palette.cursor),
        "cursor.off": Look(background=palette.cursor_off),
        "marked": Look(background=palette.marked),
    }


LOOKS: Final[Mapping[str, Look]] = looks_of(NIGHT)
"""The styles by name, as they look unless a person chose other colours."""

CURSOR_LOOKS: Final[Mapping[str, Look]] = row_looks_of(NIGHT)
"""Looks of whole rows."""


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
