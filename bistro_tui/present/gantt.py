"""Lanes of runs, drawn into cells: side by side where there is room, else density."""

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from bistro_tui.present.runs import Kind, Run
from bistro_tui.present.spans import Line, Span
from bistro_tui.present.time_axis import Axis
from bistro_tui.present.tracks import Packing, cells_of, tracks

MOST_TRACKS: Final = 8
"""Rows that one lane may take."""
_HEIGHTS = "▁▂▃▄▅▆▇█"
_SHOWN_FIRST = (Kind.RUNNING, Kind.DONE, Kind.FAILED, Kind.AGAIN)
"""Of runs that share a cell in which none ended badly."""
_DIGITS = re.compile(r"(\d+)")


class Lane(NamedTuple):
    """The runs of one job, or on one node."""

    name: str
    """Raw."""
    runs: Sequence[Run]
    """Oldest start first."""


class Row(NamedTuple):
    """One row of the chart: a whole lane, or one track of it."""

    lane: Lane
    track: int = 0
    """0 for the first row of a lane."""
    runs: Sequence[Run] | None = None
    """Those in the window; None: they are looked for when the row is seen."""
    is_dense: bool = False
    """Whether runs share cells, and are counted there."""


def lanes(runs: Iterable[Run], *, by_job: bool, order: Mapping[str, int]) -> list[Lane]:
    """Return the runs in lanes: jobs in that order, nodes as people number them."""
    found: dict[str, list[Run]] = {}
    for run in runs:
        name = run.task.job if by_job else run.task.node
        found.setdefault(name, []).append(run)
    made = [Lane(name, some) for name, some in found.items()]
    if by_job:
        return sorted(made, key=lambda one: (order.get(one.name, len(order)), one.name))
    return sorted(made, key=lambda one: natural(one.name))


def natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """Return what to sort names by so that ``db2`` comes before ``db10``."""
    return tuple(
        (0, int(part), "") if part.isdecimal() and len(part) < 19 else (1, 0, part)
        for part in _DIGITS.split(name)
    )


def in_window(runs: Sequence[Run], axis: Axis, now: float) -> list[Run]:
    """Return the runs that are seen in that window."""
    left, right = axis.left, axis.right
    seen = [run for run in runs if run.start < right and run.end >= left]
    # What goes on is seen up to now.
    return seen if now >= left else [run for run in seen if run.end < math.inf]


def rows_of(
    found: Sequence[Lane],
    axis: Axis,
    now: float,
    height: int,
    packing: Packing | None = None,
) -> list[Row]:
    """Return the rows for all lanes, with as many tracks as fit into ``height``.

    Lanes without a run in the window keep one empty row. By ``packing`` what was in
    sight before stays in its row, as far as there is room; it is renewed.
    """
    packing = Packing() if packing is None else packing
    if len(found) >= height:
        packing.forget()
        return [Row(lane) for lane in found]
    parts = [_parts(lane, axis, now, MOST_TRACKS, packing) for lane in found]
    if packing.heights and sum(map(len, parts)) > height:
        packing.forget()
        parts = [_parts(lane, axis, now, MOST_TRACKS, packing) for lane in found]
    for most in range(MOST_TRACKS, 0, -1):
        if sum(len(rows) if len(rows) <= most else 1 for rows in parts) <= height:
            break
    made = [
        row
        for rows in parts
        for row in (rows if len(rows) <= most else (_dense(rows),))
    ]
    packing.keep(
        (row.lane.name, row.track, () if row.is_dense else row.runs or ())
        for row in made
    )
    return made


def resolved(row: Row, axis: Axis, now: float) -> Row:
    """Return the row with its runs."""
    if row.runs is not None:
        return row
    return _parts(row.lane, axis, now, 1, Packing())[0]


def _parts(
    lane: Lane, axis: Axis, now: float, most: int, packing: Packing
) -> list[Row]:
    seen = in_window(lane.runs, axis, now)
    parts = tracks(seen, axis, now, most, packing.places)
    if parts is None:
        return [Row(lane, 0, seen, is_dense=True)]
    if seen:
        # Else what stands below would move up with each end, and down with each start.
        height = packing.heights.get(lane.name, 1)
        parts += [[] for _ in range(len(parts), height)]
    return [Row(lane, at, part) for at, part in enumerate(parts)]


def _dense(rows: Sequence[Row]) -> Row:
    runs = sorted((run for row in rows for run in row.runs or ()), key=_start)
    return Row(rows[0].lane, 0, runs, is_dense=True)


def _start(run: Run) -> float:
    return run.start


class _Cells:
    """One row of cells under construction."""

    def __init__(self, width: int) -> None:
        self.texts = [" "] * width
        self.styles = [""] * width

    def put(self, at: int, text: str, style: str) -> None:
        if 0 <= at < len(self.texts):
            self.texts[at], self.styles[at] = text, style

    def line(self) -> Line:
        spans: list[Span] = []
        start = 0
        for at in range(1, len(self.texts) + 1):
            if at == len(self.texts) or self.styles[at] != self.styles[start]:
                spans.append(Span("".join(self.texts[start:at]), self.styles[start]))
                start = at
        return tuple(spans)


def drawn(
    row: Row,
    axis: Axis,
    now: float,
    *,
    known_since: float = -math.inf,
    chosen: Run | None = None,
    plain: bool = False,
) -> Line:
    """Return the row in ``axis.width`` cells.

    What is left of ``known_since`` was not asked for yet and is dotted. ``plain``:
    without colour, runs are told apart by their characters.
    """
    cells = _Cells(axis.width)
    for at in range(min(axis.width, axis.cell(known_since))):
        cells.put(at, "·", "faint")
    cells.put(axis.cell(now), "│", "faint")
    draw = _draw_dense if row.is_dense else _draw_apart
    draw(cells, row.runs or (), axis, now, plain=plain)
    if chosen is not None:
        first, last = cells_of(chosen, axis, now)
        for at in range(max(0, first), min(axis.width, last + 1)):
            cells.styles[at] = "chip"
    return cells.line()


def _draw_apart(
    cells: _Cells, runs: Sequence[Run], axis: Axis, now: float, *, plain: bool
) -> None:
    for run in runs:
        first, last = cells_of(run, axis, now)
        state = run.kind.state
        for at in range(max(0, first), min(axis.width, last)):
            cells.put(at, state.mark if plain else "━", state.style)
        cells.put(last, state.glyph, state.style)


def _draw_dense(
    cells: _Cells, runs: Sequence[Run], axis: Axis, now: float, *, plain: bool
) -> None:
    width = axis.width
    changes, ended = _changes(runs, axis, now)
    sums = [_sums(one) for one in changes]
    levels = [sum(some) for some in zip(*sums, strict=True)]
    most = max(levels[:width], default=0)
    for at in range(width):
        if not levels[at]:
            continue
        worst = ended[at]
        if worst:
            state = Kind(worst).state
            cells.put(at, state.glyph, state.style)
            continue
        kind = next(kind for kind in _SHOWN_FIRST if sums[kind][at])
        height = _HEIGHTS[(levels[at] * len(_HEIGHTS) - 1) // most]
        text = str(levels[at]) if levels[at] < 10 else "+"
        cells.put(at, text if plain else height, kind.state.style)


def _changes(
    runs: Sequence[Run], axis: Axis, now: float
) -> tuple[list[list[int]], list[int]]:
    """Return, for each kind, how many runs begin less end at each cell.

    And the worst that ended in each cell, 0 for nothing bad. Written for thousands of
    runs: the cells are ``axis.cell`` in line.
    """
    width, first, step = axis.width, axis.first, axis.step
    changes = [[0] * (width + 1) for _ in Kind]
    ended = [0] * (width + 1)
    floor, bad, goes_on = math.floor, int(Kind.RUNNING), math.inf
    for _, _, start, end, kind in runs:
        if end == goes_on:
            end = now if now > start else start
        low, high = floor(start / step) - first, floor(end / step) - first
        of_kind = changes[kind]
        of_kind[low if low > 0 else 0] += 1
        of_kind[high + 1 if high < width else width] -= 1
        if kind > bad and high < width and kind > ended[high]:
            ended[high] = int(kind)
    return changes, ended


def _sums(changes: Sequence[int]) -> list[int]:
    total, found = 0, []
    for change in changes:
        total += change
        found.append(total)
    return found


def nearest(runs: Sequence[Run], at: float, now: float) -> Run | None:
    """Return the run that is nearest to that moment."""

    def distance(run: Run) -> float:
        end = min(run.end, now)
        return max(run.start - at, at - end, 0.0)

    return min(runs, key=lambda run: (distance(run), -run.start), default=None)


def kept(runs: Sequence[Run], fits: Callable[[Run], bool]) -> list[Run]:
    """Return the runs that fit; each kind of each task is looked at once."""
    known: dict[tuple[object, Kind], bool] = {}
    found: list[Run] = []
    for run in runs:
        look = (run.task, run.kind)
        answer = known.get(look)
        if answer is None:
            answer = known[look] = fits(run)
        if answer:
            found.append(run)
    return found
