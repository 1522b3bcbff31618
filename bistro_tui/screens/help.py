"""The help: every key that works, read from the bindings themselves."""

import itertools
from collections.abc import Sequence

from bistro_tui.present.palette import (
    BACKOFF_STATE,
    BLOCKED_STATE,
    DONE_STATE,
    FAILED_STATE,
    OFF_STATE,
    READY_STATE,
    RUNNING_STATE,
)
from bistro_tui.present.spans import Line, Span
from bistro_tui.widgets.cells import padded, wrap
from bistro_tui.widgets.keys import KeyHelp

_SECTIONS = {
    "act": "Act on the row under the cursor",
    "find": "Find",
    "go": "Screens and panes",
    "app": "Everywhere",
    "cursor": "Move in jobs, nodes and running tasks",
    "node": "Fold the node tree",
    "log": "In the log",
}
_KEYS_WIDTH = 12
_TWO_COLUMNS = 96


def help_lines(keys: Sequence[KeyHelp], width: int) -> list[Line]:
    """Return all keys by what they are for, in two columns where there is room."""
    blocks = [
        _section(title, [key for key in keys if key.id.partition(".")[0] == prefix])
        for prefix, title in _SECTIONS.items()
    ]
    blocks.append(_legend())
    if width < _TWO_COLUMNS:
        return _column(blocks, width)
    half = (width - 3) // 2
    left, right = _column(blocks[:4], half), _column(blocks[4:], half)
    pairs = itertools.zip_longest(left, right, fillvalue=())
    return [(*padded(a, half), Span("   "), *b) for a, b in pairs]


def _column(blocks: Sequence[list[Line]], width: int) -> list[Line]:
    lines: list[Line] = []
    for block in blocks:
        if lines:
            lines.append(())
        for line in block:
            lines.extend(wrap(line, width, indent=_KEYS_WIDTH + 1))
    return lines


def _section(title: str, keys: Sequence[KeyHelp]) -> list[Line]:
    lines: list[Line] = [(Span(title, "head"),)]
    for key in keys:
        words = " ".join(key.keys)
        lines.append((Span(f"{words:<{_KEYS_WIDTH}} ", "key"), Span(key.text)))
    return lines


def _legend() -> list[Line]:
    states = (
        (RUNNING_STATE, "runs now"),
        (READY_STATE, "may start as soon as there is room"),
        (BLOCKED_STATE, "waits: for a resource, a job before it …"),
        (BACKOFF_STATE, "failed or unfinished; tries again later"),
        (FAILED_STATE, "failed for good; F forgives"),
        (DONE_STATE, "done"),
        (OFF_STATE, "disabled, avoided or invalid"),
    )
    lines: list[Line] = [(Span("What the signs mean", "head"),)]
    for state, text in states:
        lead = f"{state.glyph} {state.word}"
        lines.append((Span(f"{lead:<{_KEYS_WIDTH}} ", state.style), Span(text)))
    return lines
