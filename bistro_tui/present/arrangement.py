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


def has_pulse(width: int, height: int) -> bool:
    """Return whether there is room for one block more beside the running tasks."""
    return width >= 180 and height >= 36


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


def job_heights(
    height: int,
    wanted: Sequence[int | None],
    active: int | None,
    *,
    is_stack: bool,
    most: int = 1_000,
) -> list[int]:
    """Return the heights of the panes of one column of a job's page.

    ``wanted`` is what each would fill; None is without end. A stack has the titles of
    all panes and the active one open, or only that where there is no room for titles;
    else those that want little get it, up to ``most``, and the others share the rest.
    """
    number = len(wanted)
    if is_stack:
        at = active if active is not None else number - 1
        few = 1 if height >= number + 4 else 0
        if height >= 10 * number:
            few = height // (2 * number)
        heights = [few] * number
        room = max(1, height - few * (number - 1))
        need = wanted[at]
        heights[at] = room if need is None or not few else min(room, max(3, need))
        others = [i for i, one in enumerate(wanted) if one is None and i != at]
        if few and others:
            heights[others[0]] += room - heights[at]
        else:
            heights[at] = room
        return heights
    sizes = [0 if one is None else max(3, min(one, most)) for one in wanted]
    while sum(sizes) > height:
        sizes[sizes.index(max(sizes))] -= 1
    endless = [at for at, one in enumerate(wanted) if one is None]
    left = max(0, height - sum(sizes))
    for rank, at in enumerate(endless):
        sizes[at] = left // len(endless) + (rank < left % len(endless))
    return sizes
