"""The tasks of a job by the nodes above them, and as a map of cells."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import groupby
from typing import Final, NamedTuple

from bistro_tui.engine.view import JobGrid, LevelName, NodeName, Reason
from bistro_tui.present.clean import clean_name
from bistro_tui.present.job_segments import tally_counts
from bistro_tui.present.node_index import NodeIndex
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
from bistro_tui.present.spans import Line, Scene, Span
from bistro_tui.present.table import Column
from bistro_tui.present.tally import Tally, tally_bar, tally_of

_REASONS: Final = tuple(Reason)

# By nodes above.


class Branch(NamedTuple):
    """A node above tasks of a job, and which of the job's tasks are below it."""

    place: int
    """In the tree."""
    name: NodeName
    level: LevelName
    depth: int
    start: int
    end: int
    """Places in the grid, the last one not included."""
    reasons: bytes
    """Of these tasks."""


def counts_in(reasons: bytes) -> Mapping[Reason, int]:
    """Return the tasks of a piece of a grid by reason."""
    return {_REASONS[place]: number for place, number in Counter(reasons).items()}


def reason_at(grid: JobGrid, place: int) -> Reason:
    """Return the reason of the task at that place of the grid."""
    return _REASONS[grid.reasons[place]]


def branches(index: NodeIndex, grid: JobGrid) -> list[Branch]:
    """Return the nodes above the tasks of a grid, in the order of the tree.

    Costs a look at every node of the job's level. Tasks whose node is not in the tree
    (any more) are left out.
    """
    spans: dict[int, list[int]] = {}
    above: list[int] = []
    parent, last = -2, 0
    parents = index.parents
    for at, place in _places(index, grid):
        if parents[place] != parent:
            _end(spans, above, last)
            parent = parents[place]
            above = list(index.above(place))
            for one in above:
                spans.setdefault(one, [at, at])
        last = at + 1
    _end(spans, above, last)
    return [
        Branch(
            place,
            index.nodes[place].name,
            index.nodes[place].level,
            index.depths[place],
            start,
            end,
            grid.reasons[start:end],
        )
        for place, (start, end) in sorted(spans.items())
    ]


def _end(spans: dict[int, list[int]], above: Iterable[int], end: int) -> None:
    for one in above:
        spans[one][1] = end


def _places(index: NodeIndex, grid: JobGrid) -> list[tuple[int, int]]:
    """Return place in the grid and place in the tree of each task."""
    nodes = index.nodes
    places = index.levels.get(grid.level, ())
    # Mostly the job has tasks on all nodes of its level.
    if tuple([nodes[place][0] for place in places]) == grid.nodes:
        return list(enumerate(places))
    at, size = 0, len(grid.nodes)
    found: list[tuple[int, int]] = []
    for place in places:
        if at < size and nodes[place][0] == grid.nodes[at]:
            found.append((at, place))
            at += 1
    if at == size:
        return found
    # The tree is of another moment than the grid.
    by_name = ((at, index.place(name)) for at, name in enumerate(grid.nodes))
    return [(at, place) for at, place in by_name if place is not None]


def renewed(old: Sequence[Branch], grid: JobGrid) -> list[Branch]:
    """Return the branches with the reasons of a newer grid of the same nodes."""
    return [row._replace(reasons=grid.reasons[row.start : row.end]) for row in old]


@lru_cache(maxsize=4096)
def _tally(reasons: bytes) -> Tally:
    return tally_of(counts_in(reasons))


def _branch_name(row: Branch, width: int, scene: Scene) -> Line:
    indent = " " * min(2 * row.depth, 12)
    return (Span(indent), Span(clean_name(row.name)))


def _branch_level(row: Branch, width: int, scene: Scene) -> Line:
    return (Span(clean_name(row.level), "dim"),)


def _branch_bar(row: Branch, width: int, scene: Scene) -> Line:
    return tally_bar(_tally(row.reasons), width, plain=scene.plain)


def _branch_done(row: Branch, width: int, scene: Scene) -> Line:
    tally = _tally(row.reasons)
    return (Span(f"{tally.done}/{len(row.reasons) - tally.off}", "done"),)


def _branch_counts(row: Branch, width: int, scene: Scene) -> Line:
    return tally_counts(_tally(row.reasons))


BRANCH_COLUMNS: Final[tuple[Column[Branch], ...]] = (
    Column(
        title="node",
        cell=_branch_name,
        width=12,
        flex=1,
        most=32,
        sort=lambda row: row.name,
    ),
    Column(title="level", cell=_branch_level, width=8, drop=3, needs=60),
    Column(title="tasks", cell=_branch_bar, width=8, flex=3, most=60, drop=1),
    Column(
        title="done",
        cell=_branch_done,
        width=9,
        right=True,
        tight=True,
        sort=lambda row: _tally(row.reasons).done / max(1, len(row.reasons)),
    ),
    Column(
        title="",
        cell=_branch_counts,
        width=49,
        drop=2,
        needs=88,
        tight=True,
    ),
)

# As cells.

_BY_RANK: Final[tuple[State, ...]] = (
    OFF_STATE,
    DONE_STATE,
    READY_STATE,
    BLOCKED_STATE,
    RUNNING_STATE,
    BACKOFF_STATE,
    FAILED_STATE,
)
"""From what matters least to what matters most."""

_RANKS: Final = bytes(
    _BY_RANK.index(state_of(_REASONS[place])) if place < len(_REASONS) else 0
    for place in range(256)
)
_CELLS: Final[Mapping[State, str]] = {
    OFF_STATE: "╌",
    DONE_STATE: "■",
    READY_STATE: "□",
    BLOCKED_STATE: "▪",
    RUNNING_STATE: RUNNING_STATE.glyph,
    BACKOFF_STATE: BACKOFF_STATE.glyph,
    FAILED_STATE: FAILED_STATE.glyph,
}
"""What is calm is a block, what is worth a look its glyph."""


class CellLayout(NamedTuple):
    """How the cells of a map stand."""

    per_cell: int
    """Tasks of one cell."""
    pitch: int
    """Columns from one cell to the next."""
    columns: int
    """Cells of one row."""

    def rows(self, size: int) -> int:
        """Return how many rows that many tasks take."""
        cells = -(-size // self.per_cell)
        return -(-cells // self.columns)


def cell_layout(size: int, width: int, height: int, *, near: bool) -> CellLayout:
    """Return how ``size`` tasks stand in that many columns and rows.

    Apart from each other where there is room; else close; else several in one cell,
    so that all are in sight. ``near``: one a cell all the same.
    """
    width, height = max(width, 2), max(height, 1)
    if size <= (width // 2) * height:
        return CellLayout(1, 2, width // 2)
    if near or size <= width * height:
        return CellLayout(1, 1, width)
    return CellLayout(-(-size // (width * height)), 1, width)


def ranks(reasons: bytes, per_cell: int) -> bytes:
    """Return for each cell the rank of what matters most in it."""
    each = reasons.translate(_RANKS)
    if per_cell <= 1:
        return each
    starts = range(0, len(each), per_cell)
    return bytes(max(each[start : start + per_cell]) for start in starts)


def worst_in(reasons: bytes) -> int:
    """Return the place of the task that matters most; not for no tasks at all."""
    each = reasons.translate(_RANKS)
    return each.index(max(each))


def cell_line(row: bytes, layout: CellLayout, *, plain: bool) -> Line:
    """Return one row of cells; ``row`` has their ranks."""
    spans: list[Span] = []
    for rank, cells in groupby(row):
        state = _BY_RANK[rank]
        number = len(list(cells))
        glyph = state.mark if plain else _CELLS[state]
        spans.append(Span(f"{glyph:<{layout.pitch}}" * number, state.style))
    return tuple(spans)


def cell_at(rank: int) -> str:
    """Return the character of one cell where there are colours."""
    return _CELLS[_BY_RANK[rank]]
