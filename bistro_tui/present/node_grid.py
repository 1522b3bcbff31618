"""The heat map: one cell a node, groups of nodes below the same one side by side."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import groupby, islice
from typing import NamedTuple

from bistro_tui.engine.view import NodeRow
from bistro_tui.present.node_index import NodeIndex
from bistro_tui.present.nodes import Trouble, is_full, share_in_use
from bistro_tui.present.palette import FAILED_STATE, OFF_STATE
from bistro_tui.present.spans import Line, Span

LABEL = 14
"""Cells of the name of the node above a group, the gap included."""
_STEPS = "▁▂▃▄▅▆▇"
_FULL, _RUNS, _IDLE = "█", "●", "·"
_PLAIN_STEPS = "1234567"


class GridLine(NamedTuple):
    """One line of cells."""

    above: int
    """The place of the node whose name stands before it; -1: none."""
    start: int
    """The number of its first cell among all cells."""
    end: int


class Layout:
    """Where each cell stands, for one width."""

    def __init__(self, lines: Sequence[GridLine], indent: int, pitch: int = 1) -> None:
        self.lines = lines
        self.indent = indent
        """Columns before the first cell of each line."""
        self.pitch = pitch
        """Columns from one cell to the next."""
        self._starts = [line.start for line in lines]

    def line_of(self, number: int) -> int:
        """Return the line of that cell."""
        return max(0, bisect_right(self._starts, number) - 1)

    def step(self, number: int, lines: int) -> int:
        """Return the cell that many lines below, in the same column if it has one."""
        line = self.line_of(number)
        column = number - self.lines[line].start
        target = max(0, min(line + lines, len(self.lines) - 1))
        _, start, end = self.lines[target]
        return min(start + column, end - 1)

    def cell_at(self, line: int, x: int) -> int | None:
        """Return the cell that stands there."""
        if not 0 <= line < len(self.lines) or x < self.indent:
            return None
        number = self.lines[line].start + (x - self.indent) // self.pitch
        return number if number < self.lines[line].end else None


def layout(index: NodeIndex, places: Sequence[int], width: int, height: int) -> Layout:
    """Return the lines for these nodes in that many columns and rows.

    They are grouped by the node above them, and stand apart from each other, as long as
    that does not drive them off a screen that would hold them.
    """
    close = -(-len(places) // max(width, 1))
    if width >= 3 * LABEL:
        room = width - LABEL
        for pitch, most in ((2, height), (1, max(height, 2 * close))):
            lines = [*islice(_grouped(index, places, room // pitch), most + 1)]
            if len(lines) <= most:
                return Layout(lines, LABEL, pitch)
    pitch = 2 if 2 * close <= height else 1
    return Layout([*_close(len(places), max(1, width // pitch))], 0, pitch)


def _close(count: int, room: int) -> Iterator[GridLine]:
    for start in range(0, count, room):
        yield GridLine(-1, start, min(start + room, count))


def _grouped(index: NodeIndex, places: Sequence[int], room: int) -> Iterator[GridLine]:
    start = 0
    for above, group in groupby(places, key=index.parents.__getitem__):
        end = start + sum(1 for _ in group)
        for first in range(start, end, room):
            label = above if first == start else -1
            yield GridLine(label, first, min(first + room, end))
        start = end


def cell(node: NodeRow, trouble: Trouble | None, *, plain: bool) -> Span:
    """Return the node's cell: what is wrong first, then how full it is."""
    if trouble is not None and trouble.failed:
        return Span(FAILED_STATE.glyph, "error")
    if not node.enabled:
        return Span(OFF_STATE.mark if plain else OFF_STATE.glyph, OFF_STATE.style)
    if is_full(node):
        return Span("#" if plain else _FULL, "blocked")
    share = share_in_use(node)
    if share > 0:
        steps = _PLAIN_STEPS if plain else _STEPS
        return Span(steps[min(int(share * len(steps)), len(steps) - 1)], "running")
    if node.running:
        return Span(_RUNS, "running")
    return Span(_IDLE, "faint")


def legend(*, plain: bool) -> Line:
    """Return what the cells mean."""
    steps = _PLAIN_STEPS if plain else _STEPS
    full = "#" if plain else _FULL
    off = OFF_STATE.mark if plain else OFF_STATE.glyph
    return (
        Span(_IDLE, "faint"), Span(" idle  ", "dim"),
        Span(steps[::2], "running"), Span(" in use  ", "dim"),
        Span(full, "blocked"), Span(" full  ", "dim"),
        Span(FAILED_STATE.glyph, "error"), Span(" failed  ", "dim"),
        Span(off, OFF_STATE.style), Span(" off", "dim"),
    )  # fmt: skip
