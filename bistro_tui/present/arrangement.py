"""How the overview's panes share the screen."""

import enum
from collections.abc import Sequence

TOO_SMALL = (40, 10)
"""Columns and rows below which nothing useful fits."""


class Arrangement(enum.StrEnum):
    """The ways to lay out the four panes; the values name style classes."""

    GRID = "grid"
    """Jobs beside nodes, then running, then the log."""
    STACK = "stack"
    """All below each other: a few rows each, the active one more."""
    SINGLE = "single"
    """Only the active pane."""
    TOO_SMALL = "too-small"
    """Nothing but a sentence that says so."""


def arrangement(width: int, height: int) -> Arrangement:
    """Return how to lay out the panes in that many columns and rows."""
    if width < TOO_SMALL[0] or height < TOO_SMALL[1]:
        return Arrangement.TOO_SMALL
    if height < 20:
        return Arrangement.SINGLE
    return Arrangement.GRID if width >= 110 else Arrangement.STACK


def top_rows(jobs: int, nodes: int, height: int) -> int:
    """Return how high jobs and nodes are in the grid, titles included.

    As high as they need, so that little configs leave room for the log, within two
    fifths of the panes' ``height``.
    """
    return max(6, min(max(jobs, nodes) + 3, height * 2 // 5))


def stacked(height: int, active: int, wanted: Sequence[int | None]) -> list[int]:
    """Return the heights of panes below each other; the last one takes what is left.

    ``wanted`` is what each would fill, titles included; None is without end.
    """
    few = max(4, height // 5)
    heights = [few] * len(wanted)
    room = height - few * (len(wanted) - 1)
    need = wanted[active]
    heights[active] = room if need is None else max(few, min(need, room))
    heights[-1] = max(1, height - sum(heights[:-1]))
    return heights
