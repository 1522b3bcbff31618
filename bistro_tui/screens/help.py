"""The help: every key that works, read from the bindings themselves."""

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
from bistro_tui.widgets.cells import line_cells, padded
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
_KEYS_WIDTH = 16


def help_lines(keys: Sequence[KeyHelp], width: int) -> list[Line]:
    """Return all keys by what they are for, in two columns where there is room."""
    blocks = [
        _section(title, [key for key in keys if key.id.partition(".")[0] == prefix])
        for prefix, title in _SECTIONS.items()
    ]
    blocks.append(_legend())
    if width < 96:
        return [line for block in blocks for line in (*block, ())][:-1]
    half = (width - 3) // 2
    left = [line for block in blocks[:4] for line in (*block, ())]
    right = [line for block in blocks[4:] for line in (*block, ())]
    rows = max(len(left), len(right))
    left += [()] * (rows - len(left))
    right += [()] * (rows - len(right))
    lines = [
        (*padded(a, half), Span("   "), *b) for a, b in zip(left, right, strict=True)
    ]
    while (
        lines
        and not line_cells(lines[-1][:1])
        and not "".join(span.text for span in lines[-1]).strip()
    ):
        lines.pop()
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
