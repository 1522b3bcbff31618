"""Rows of runs in which each stays where it is."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from bistro_tui.present.gantt import Lane, Row, rows_of
from bistro_tui.present.runs import Kind, Run
from bistro_tui.present.time_axis import Axis
from bistro_tui.present.tracks import Packing, cells_of
from tests.ui.scripted import task

STEP, WIDTH = 1.0, 20


def run(start: float, end: float, node: str = "n") -> Run:
    return Run(task("etl", node), f"{node}-{start}-{end}", start, end, Kind.DONE)


def rows_at(
    now: float, lanes: list[Lane], packing: Packing | None, height: int = 30
) -> list[Row]:
    begun = [Lane(one.name, [r for r in one.runs if r.start <= now]) for one in lanes]
    return rows_of(begun, Axis.ending(now, STEP, WIDTH), now, height, packing)


def places(rows: list[Row]) -> dict[str, int]:
    return {one.invocation: at for at, row in enumerate(rows) for one in row.runs or ()}


def test_an_attempt_keeps_its_row_when_that_beside_it_leaves_the_window() -> None:
    old, long, later = run(100, 104), run(102, 130), run(110, 112)
    lanes = [Lane("a", [old, long, later]), Lane("b", [run(100, 130)])]
    packing = Packing()
    before = places(rows_at(115, lanes, packing))
    after = places(rows_at(126, lanes, packing))
    assert old.invocation not in after
    assert after == {name: before[name] for name in after}
    assert places(rows_at(126, lanes, None)) != after


def test_a_lane_without_an_attempt_in_sight_needs_one_row() -> None:
    lanes = [Lane("a", [run(100, 104), run(101, 104)])]
    packing = Packing()
    assert len(rows_at(110, lanes, packing)) == 2
    assert len(rows_at(150, lanes, packing)) == 1


def test_where_rows_are_scarce_all_is_packed_anew() -> None:
    a = Lane("a", [run(100, 104), run(101, 105), run(119, 122)])
    b = Lane("b", [run(118, 119), run(118.5, 122)])
    packing = Packing()
    assert len(rows_at(116, [a, b], packing, height=3)) == 3
    rows = rows_at(125.5, [a, b], packing, height=3)
    assert [(row.lane.name, row.is_dense) for row in rows] == [
        ("a", False), ("b", False), ("b", False),
    ]  # fmt: skip


RUNS = st.lists(
    st.builds(lambda at, took: (at, at + took), st.floats(100, 160), st.floats(0, 20)),
    max_size=12,
    unique=True,
)


@given(RUNS, RUNS)
def test_rows_only_change_for_lack_of_room_and_no_two_share_a_cell(
    one: list[tuple[float, float]], two: list[tuple[float, float]]
) -> None:
    lanes = [
        Lane(name, sorted((run(*span, name) for span in some), key=lambda r: r.start))
        for name, some in (("a", one), ("b", two))
    ]
    packing = Packing()
    track: dict[str, int] = {}
    for now in range(100, 170):
        rows = rows_at(now, lanes, packing)
        axis = Axis.ending(now, STEP, WIDTH)
        seen: dict[str, int] = {}
        for row in rows:
            spans = sorted(cells_of(each, axis, now) for each in row.runs or ())
            if not row.is_dense:
                assert all(a[1] < b[0] for a, b in pairwise(spans))
                seen |= {each.invocation: row.track for each in row.runs or ()}
        if not any(row.is_dense for row in rows) and len(rows) < 16:
            moved = {name for name in seen if track.get(name, seen[name]) != seen[name]}
            assert not moved
        track = seen
