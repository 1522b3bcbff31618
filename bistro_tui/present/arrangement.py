"""How the overview's panes share the screen."""

import enum

TOO_SMALL = (40, 10)
"""Columns and rows below which nothing useful fits."""


class Arrangement(enum.StrEnum):
    """The ways to lay out the four panes; the values name style classes."""

    GRID = "grid"
    """Jobs beside nodes, then running, then the log."""
    ROOMY_STACK = "roomy"
    """All below each other, the active one twice as high."""
    STACK = "stack"
    """All below each other: a few rows each, the active one gets the rest."""
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
    if width >= 100:
        return Arrangement.GRID
    return Arrangement.ROOMY_STACK if height >= 36 else Arrangement.STACK


def top_rows(jobs: int, nodes: int, height: int) -> int:
    """Return how high jobs and nodes are in the grid, titles included.

    As high as they need, so that little configs leave room for the log, within two
    fifths of the panes' ``height``.
    """
    return max(6, min(max(jobs, nodes) + 3, height * 2 // 5))
