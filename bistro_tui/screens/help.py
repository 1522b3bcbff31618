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
    "act": "Act on the marked rows, or on that under the cursor",
    "find": "Find, and go back",
    "app": "Everywhere",
    "go": "Pages and panes",
    "mark": "Mark rows",
    "sort": "Sort",
    "cursor": "Move",
    "node": "Fold the node tree",
    "log": "In the log",
}
_HERE = "Here"
"""What is over the keys of a page whose kind has no title of its own."""
_RIGHT = frozenset({"find", "app", "go"})
"""Begin the right one of two columns: what people look for stands at the top."""
_FIRST = (
    "act.toggle",
    "act.why",
    "act.log",
    "act.stop",
    "act.forgive",
    "act.details",
    "find.filter",
    "find.back",
    "find.command",
    "app.palette",
    "app.quit",
)
"""What a small screen shows before anything is scrolled."""
_OTHER_SIGNS = (
    ("◆", "running", "a running task wrote something in the last seconds"),
    ("◇", "blocked", "it has written nothing for long"),
    ("■ in grids", DONE_STATE.style, "a node of the job that is done"),
    ("▪ in grids", BLOCKED_STATE.style, "a node of the job that waits"),
    ("■ in lists", "mark", "a marked row: keys act on all of these"),
)
"""What stands in columns and grids that have no room for words."""
_KEYS_WIDTH = 12
_TWO_COLUMNS = 96


def help_lines(keys: Sequence[KeyHelp], width: int, wanted: str = "") -> list[Line]:
    """Return all keys by what they are for, in two columns where there is room.

    In one column, the keys that people use most come first. With ``wanted`` only those
    whose key, words or id hold it.
    """
    wanted = wanted.casefold()
    first: list[KeyHelp] = []
    if width < _TWO_COLUMNS and not wanted:
        first = sorted(
            (key for key in keys if key.id in _FIRST),
            key=lambda key: _FIRST.index(key.id),
        )
    by_kind: dict[str, list[KeyHelp]] = {kind: [] for kind in _SECTIONS}
    for key in keys:
        if (
            key not in first
            and wanted in f"{' '.join(key.keys)} {key.text} {key.id}".casefold()
        ):
            kind = key.id.partition(".")[0]
            by_kind.setdefault(kind if kind in _SECTIONS else "", []).append(key)
    blocks = [
        (kind in _RIGHT, _section(_SECTIONS.get(kind, _HERE), found))
        for kind, found in by_kind.items()
        if found
    ]
    if not wanted:
        blocks.append((False, _legend()))
    if not blocks:
        return [(Span("no key does that", "dim"),)]
    if width < _TWO_COLUMNS:
        most_used = [_section("Most used", first)] if first else []
        return _column([*most_used, *(block for _, block in blocks)], width)
    half = (width - 3) // 2
    left: list[list[Line]] = []
    right = [block for is_right, block in blocks if is_right]
    for is_right, block in blocks:
        if not is_right:
            shorter = min(left, right, key=_height) if left else left
            shorter.append(block)
    pairs = itertools.zip_longest(
        _column(left, half), _column(right, half), fillvalue=()
    )
    return [(*padded(a, half), Span("   "), *b) for a, b in pairs]


def _height(blocks: Sequence[list[Line]]) -> int:
    return sum(len(block) + 1 for block in blocks)


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
    for lead, style, text in _OTHER_SIGNS:
        lines.append((Span(f"{lead:<{_KEYS_WIDTH}} ", style), Span(text)))
    return lines
