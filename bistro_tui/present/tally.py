"""Tasks counted by the six states that people think in, and drawn as stacked bars."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from bistro_tui.engine.view import Reason
from bistro_tui.present.palette import (
    BACKOFF_STATE,
    BLOCKED_STATE,
    DONE_STATE,
    FAILED_STATE,
    OFF_STATE,
    READY_STATE,
    RUNNING_STATE,
    State,
    state_of,
)
from bistro_tui.present.spans import Line, Span


class Tally(NamedTuple):
    """Tasks by state; the sum is all of them."""

    done: int = 0
    running: int = 0
    failed: int = 0
    backoff: int = 0
    blocked: int = 0
    ready: int = 0
    off: int = 0
    """Will not run until a person changes something: disabled, avoided, invalid."""


STATES: tuple[State, ...] = (
    DONE_STATE,
    RUNNING_STATE,
    FAILED_STATE,
    BACKOFF_STATE,
    BLOCKED_STATE,
    READY_STATE,
    OFF_STATE,
)
_FIELD = {reason: STATES.index(state_of(reason)) for reason in Reason}


def tally_of(counts: Mapping[Reason, int]) -> Tally:
    """Return counts by reason as counts by state."""
    sums = [0] * len(STATES)
    for reason, number in counts.items():
        sums[_FIELD[reason]] += number
    return Tally(*sums)


def shares(numbers: Sequence[int], width: int) -> list[int]:
    """Return how many of ``width`` cells each number gets; all of them, in proportion.

    No number above zero gets nothing as long as there is a cell for each. All zeros:
    no cells at all.
    """
    total = sum(numbers)
    if total <= 0 or width <= 0:
        return [0] * len(numbers)
    exact = [number * width / total for number in numbers]
    cells = [max(int(part), 1 if part > 0 else 0) for part in exact]
    while sum(cells) < width:
        behind = max(range(len(cells)), key=lambda i: exact[i] - cells[i])
        cells[behind] += 1
    while sum(cells) > width:
        widest = max(range(len(cells)), key=lambda i: (cells[i], cells[i] - exact[i]))
        cells[widest] -= 1
    return cells


def tally_bar(tally: Tally, width: int, *, plain: bool) -> Line:
    """Return a stacked bar of all tasks, in the order in which work moves."""
    spans = [
        Span((state.mark if plain else _stroke(state)) * cells, _bar_style(state))
        for state, cells in zip(STATES, shares(tally, width), strict=True)
        if cells
    ]
    return tuple(spans) or (Span(("." if plain else "╌") * max(width, 0), "faint"),)


def _stroke(state: State) -> str:
    return "╌" if state is OFF_STATE else "━"


def _bar_style(state: State) -> str:
    return "faint" if state is READY_STATE else state.style


def gauge(used: int, limit: int, width: int, *, plain: bool) -> Line:
    """Return a bar of ``used`` out of ``limit``; full ones in the colour of waiting."""
    if width <= 0:
        return ()
    style = use_style(used, limit)
    filled = width if used >= limit else min(width - 1, -(-used * width // limit))
    filled = 0 if used <= 0 else max(filled, 1)
    on, off = ("#", ".") if plain else ("━", "━")
    parts = (Span(on * filled, style), Span(off * (width - filled), "faint"))
    return tuple(part for part in parts if part.text)


def use_style(used: int, limit: int) -> str:
    """Return the style for the use of a resource: idle, in use, full, overdrawn."""
    if used > limit:
        return "failed"
    if used <= 0:
        return "dim"
    return "blocked" if used == limit else "running"
