"""A job's tasks by the nodes above them, and as cells."""

from hypothesis import given
from hypothesis import strategies as st

from bistro_tui.engine.view import (
    JobGrid,
    JobName,
    LevelName,
    NodeName,
    NodeRow,
    Reason,
)
from bistro_tui.present.job_grid import (
    branches,
    cell_layout,
    cell_line,
    counts_in,
    ranks,
    reason_at,
    renewed,
    worst_in,
)
from bistro_tui.present.node_index import NodeIndex
from bistro_tui.present.spans import plain_text
from tests.ui.scripted import node

R = Reason
PLACES = {reason: place for place, reason in enumerate(Reason)}
REASONS = st.lists(st.sampled_from(Reason), max_size=300)


def packed(*reasons: Reason) -> bytes:
    return bytes(PLACES[reason] for reason in reasons)


def grid(names: str, *reasons: Reason, level: str = "host") -> JobGrid:
    return JobGrid(
        job=JobName("etl"),
        level=LevelName(level),
        nodes=tuple(NodeName(name) for name in names.split()),
        reasons=packed(*reasons),
    )


TREE: tuple[NodeRow, ...] = (
    node("farm", 0),
    node("a", 1),
    node("a1", 2),
    node("a2", 2),
    node("a2x", 3),
    node("b", 1),
    node("b1", 2),
    node("c", 1),
)


def test_every_level_above_adds_up_what_stands_below() -> None:
    some = grid("a1 a2 b1", R.DONE, R.FAILED, R.RUNNING)
    rows = branches(NodeIndex(TREE), some)
    assert [(row.name, counts_in(row.reasons)) for row in rows] == [
        ("farm", {R.DONE: 1, R.FAILED: 1, R.RUNNING: 1}),
        ("a", {R.DONE: 1, R.FAILED: 1}),
        ("b", {R.RUNNING: 1}),
    ]
    assert [(row.start, row.end) for row in rows] == [(0, 3), (0, 2), (2, 3)]


def test_a_job_of_the_instance_has_nothing_above_it() -> None:
    assert branches(NodeIndex(TREE), grid("farm", R.DONE, level="instance")) == []


def test_a_newer_grid_of_the_same_nodes_needs_no_look_at_the_tree() -> None:
    rows = branches(NodeIndex(TREE), grid("a1 a2 b1", R.DONE, R.DONE, R.DONE))
    newer = grid("a1 a2 b1", R.DONE, R.FAILED, R.RUNNING)
    assert renewed(rows, newer) == branches(NodeIndex(TREE), newer)


def test_a_grid_of_another_moment_than_the_tree_leaves_out_what_is_gone() -> None:
    rows = branches(NodeIndex(TREE), grid("a1 gone b1", R.DONE, R.DONE, R.RUNNING))
    assert [(row.name, row.start, row.end) for row in rows] == [
        ("farm", 0, 3),
        ("a", 0, 1),
        ("b", 2, 3),
    ]


def test_the_reason_of_a_place() -> None:
    assert reason_at(grid("a1 a2", R.DONE, R.RUNNABLE), 1) is R.RUNNABLE


@given(st.integers(0, 200_000), st.integers(0, 300), st.integers(0, 80))
def test_from_afar_all_tasks_are_in_sight(size: int, width: int, height: int) -> None:
    layout = cell_layout(size, width, height, near=False)
    assert layout.rows(size) <= max(height, 1)
    assert layout.columns * layout.pitch <= max(width, 2)


@given(st.integers(0, 200_000), st.integers(2, 300), st.integers(1, 80))
def test_near_each_task_has_its_own_cell(size: int, width: int, height: int) -> None:
    assert cell_layout(size, width, height, near=True).per_cell == 1


@given(REASONS, st.integers(1, 50))
def test_a_cell_of_many_shows_what_matters_most(
    reasons: list[Reason], per_cell: int
) -> None:
    data = packed(*reasons)
    each = ranks(data, 1)
    cells = ranks(data, per_cell)
    assert len(cells) == -(-len(reasons) // per_cell)
    for at, rank in enumerate(cells):
        part = each[at * per_cell : (at + 1) * per_cell]
        assert rank == max(part)
        worst = worst_in(data[at * per_cell : (at + 1) * per_cell])
        assert part[worst] == rank


def test_one_failure_is_seen_among_thousands() -> None:
    data = packed(*[R.DONE] * 4_000, R.FAILED, *[R.RUNNING] * 4_000)
    layout = cell_layout(len(data), 80, 10, near=False)
    line = cell_line(ranks(data, layout.per_cell), layout, plain=False)
    assert plain_text(line).count("✗") == 1


def test_without_colours_states_differ_by_their_characters() -> None:
    data = packed(R.DONE, R.RUNNING, R.FAILED, R.BACKOFF, R.RESOURCE, R.RUNNABLE)
    layout = cell_layout(len(data), 80, 10, near=False)
    text = plain_text(cell_line(ranks(data, 1), layout, plain=True))
    assert text == "# > x ~ : . "
