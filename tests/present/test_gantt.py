"""Runs drawn into cells."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from bistro_tui.present.gantt import (
    Lane,
    Row,
    drawn,
    in_window,
    kept,
    lanes,
    nearest,
    resolved,
    rows_of,
)
from bistro_tui.present.runs import Kind, Run
from bistro_tui.present.spans import Line, plain_text
from bistro_tui.present.time_axis import Axis
from bistro_tui.present.tracks import cells_of, tracks
from tests.ui.scripted import task

GOES_ON = float("inf")
AXIS = Axis(first=100, step=1, width=20)
NOW = 115.5


def run(
    start: float,
    end: float,
    kind: Kind = Kind.DONE,
    *,
    job: str = "etl",
    node: str = "n",
) -> Run:
    return Run(task(job, node), f"{start}-{end}-{kind}", start, end, kind)


def style_at(line: Line, cell: int) -> str:
    for span in line:
        cell -= len(span.text)
        if cell < 0:
            return span.style
    raise AssertionError(cell)


def test_a_run_is_a_stroke_that_ends_with_what_it_came_to() -> None:
    row = Row(Lane("etl", ()), 0, [run(102, 105), run(107, 107.5, Kind.FAILED)])
    line = drawn(row, AXIS, NOW)
    assert plain_text(line) == "  ━━━✓ ✗       │    "
    assert style_at(line, 3) == "done"
    assert style_at(line, 7) == "failed"


def test_a_run_that_goes_on_reaches_now_and_no_further() -> None:
    row = Row(Lane("etl", ()), 0, [run(110, GOES_ON, Kind.RUNNING)])
    line = drawn(row, AXIS, NOW)
    assert plain_text(line) == "          ━━━━━●    "
    assert style_at(line, 12) == "running"


def test_what_begins_before_or_ends_behind_the_window_reaches_its_edge() -> None:
    row = Row(Lane("etl", ()), 0, [run(10, 103, Kind.AGAIN), run(110, 500)])
    assert plain_text(drawn(row, AXIS, 900)) == "━━━↻      ━━━━━━━━━━"


def test_without_colour_the_kinds_are_told_apart_by_their_characters() -> None:
    runs = [run(100, 103), run(105, 108, Kind.FAILED), run(110, 113, Kind.AGAIN)]
    text = plain_text(drawn(Row(Lane("etl", ()), 0, runs), AXIS, NOW, plain=True))
    assert text == "###✓ xxx✗ ~~~↻ │    "


def test_the_run_under_the_cursor_stands_out() -> None:
    runs = [run(102, 105), run(107, 109)]
    line = drawn(Row(Lane("etl", ()), 0, runs), AXIS, NOW, chosen=runs[1])
    assert [style_at(line, cell) for cell in (4, 6, 7, 9, 10)] == [
        "done", "", "chip", "chip", "",
    ]  # fmt: skip


def test_where_runs_share_cells_heights_count_them_and_bad_ends_show() -> None:
    runs = [run(100, 109), run(100, 104), run(100, 101), run(100, 102, Kind.FAILED)]
    line = drawn(Row(Lane("etl", ()), 0, runs, is_dense=True), AXIS, NOW)
    assert plain_text(line) == "██✗▄▄▂▂▂▂▂     │    "
    text = plain_text(
        drawn(Row(Lane("etl", ()), 0, runs, is_dense=True), AXIS, NOW, plain=True)
    )
    assert text == "44✗2211111     │    "


def test_what_was_not_asked_for_yet_is_dotted() -> None:
    row = Row(Lane("etl", ()), 0, [run(102, 105)])
    text = plain_text(drawn(row, AXIS, NOW, known_since=107))
    assert text == "··━━━✓·        │    "


def test_lanes_of_jobs_come_as_in_the_config_and_nodes_as_people_number_them() -> None:
    runs = [
        run(1, 2, job=job, node=node)
        for job, node in (("b", "db10"), ("a", "db2"), ("gone", "db1"))
    ]
    by_job = lanes(runs, by_job=True, order={"b": 0, "a": 1})
    assert [lane.name for lane in by_job] == ["b", "a", "gone"]
    by_node = lanes(runs, by_job=False, order={})
    assert [lane.name for lane in by_node] == ["db1", "db2", "db10"]


def shape(rows: Iterable[Row]) -> list[tuple[str, int, bool]]:
    return [(row.lane.name, row.track, row.is_dense) for row in rows]


def test_lanes_get_as_many_tracks_as_there_is_room_for() -> None:
    a = Lane("a", [run(100, 109), run(101, 105), run(102, 103), run(111, 112)])
    b = Lane("b", [run(100, 101), run(103, 104)])
    wide = rows_of([a, b], AXIS, NOW, 10)
    assert shape(wide) == [
        ("a", 0, False),
        ("a", 1, False),
        ("a", 2, False),
        ("b", 0, False),
    ]
    assert [len(row.runs or ()) for row in wide] == [2, 1, 1, 2]
    low = rows_of([a, b], AXIS, NOW, 3)
    assert shape(low) == [("a", 0, True), ("b", 0, False)]
    assert shape(rows_of([a, b], AXIS, NOW, 2)) == [("a", 0, False), ("b", 0, False)]


def test_where_lanes_scroll_each_takes_one_row_that_is_made_when_it_is_seen() -> None:
    some = [Lane(f"n{n}", [run(100, 105), run(101, 106)]) for n in range(50)]
    rows = rows_of(some, AXIS, NOW, 10)
    assert len(rows) == 50
    assert rows[7].runs is None
    assert shape([resolved(rows[7], AXIS, NOW)]) == [("n7", 0, True)]


@pytest.mark.parametrize(
    ("at", "expected"), [(90, 0), (103, 0), (106.4, 0), (106.6, 1), (108, 1), (200, 1)]
)
def test_the_nearest_run_is_found(at: float, expected: int) -> None:
    runs = [run(102, 105), run(108, 109)]
    assert nearest(runs, at, NOW) is runs[expected]
    assert nearest([], at, NOW) is None


def test_a_filter_is_asked_once_for_each_kind_of_each_task() -> None:
    asked: list[Run] = []

    def fits(one: Run) -> bool:
        asked.append(one)
        return one.kind is Kind.FAILED

    runs = [run(n, n + 1, Kind.FAILED if n % 2 else Kind.DONE) for n in range(10)]
    assert [one.start for one in kept(runs, fits)] == [1, 3, 5, 7, 9]
    assert len(asked) == 2


RUNS = st.lists(
    st.builds(
        lambda start, length, kind: run(
            start, GOES_ON if kind is Kind.RUNNING else start + length, kind
        ),
        st.floats(60, 160),
        st.floats(0, 60),
        st.sampled_from(list(Kind)),
    ),
    max_size=30,
).map(lambda runs: sorted(runs, key=lambda one: one.start))


@given(RUNS, st.floats(60, 160), st.booleans())
def test_every_run_in_the_window_is_drawn_and_every_row_fits(
    runs: list[Run], now: float, plain: bool
) -> None:
    seen = in_window([one for one in runs if one.start <= now], AXIS, now)
    for rows in (tracks(seen, AXIS, now, 8), None):
        made = (
            [Row(Lane("x", ()), 0, seen, is_dense=True)]
            if rows is None
            else [Row(Lane("x", ()), at, some) for at, some in enumerate(rows)]
        )
        assert sum(len(row.runs or ()) for row in made) == len(seen)
        for row in made:
            text = plain_text(drawn(row, AXIS, now, plain=plain))
            assert cell_len(text) == AXIS.width
            covered = {
                cell
                for one in row.runs or ()
                for cell in range(
                    cells_of(one, AXIS, now)[0], cells_of(one, AXIS, now)[1] + 1
                )
                if 0 <= cell < AXIS.width
            }
            blank = {cell for cell, char in enumerate(text) if char in " │"}
            assert covered == set(range(AXIS.width)) - blank
