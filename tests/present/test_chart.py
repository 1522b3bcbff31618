"""The chart of the timeline: its time, its rows, its cursor."""

import pytest

from bistro_tui.engine.view import Attempt
from bistro_tui.present.chart import Chart
from bistro_tui.present.runs import Runs
from tests.ui.scripted import NOW, running, task


def attempt(job: str, node: str, ago: float, seconds: float = 5) -> Attempt:
    return Attempt(
        task=task(job, node),
        invocation=f"{ago}",
        started=NOW - ago,
        ended=NOW - ago + seconds,
        result="done",
        exit="",
        detail="",
        worker="local",
        peak_memory=None,
        cpu_seconds=None,
    )


def chart(*attempts: Attempt, width: int = 100, height: int = 20) -> Chart:
    runs = Runs()
    runs.add(attempts)
    made = Chart(runs)
    made.now = NOW
    made.resize(width, height)
    return made


@pytest.mark.parametrize(
    ("seconds", "step"), [(3, 0.5), (60, 1), (300, 5), (100_000, 5)]
)
def test_a_young_scheduler_fills_the_chart(seconds: float, step: float) -> None:
    made = chart()
    made.fit(seconds)
    assert made.axis.step == step


def test_the_time_is_followed_until_a_person_looks_back() -> None:
    made = chart()
    right = made.axis.right
    made.now += 50
    assert made.axis.right == right + 50
    made.shift(-1)
    left = made.axis.left
    made.now += 50
    assert made.axis.left == left
    made.shift(1)
    assert not made.following
    made.shift(1)
    assert made.following


def test_what_did_not_change_is_not_made_again() -> None:
    made = chart(attempt("a", "n1", 50))
    rows, lanes = made.rows, made.lanes
    made.now += 0.001
    assert made.rows is rows
    made.runs.look([running("a", "n2", 5)], [])
    assert made.lanes is not lanes
    assert made.rows is not rows


def test_the_cursor_goes_from_lane_to_lane_and_keeps_its_moment() -> None:
    made = chart(
        attempt("a", "n", 300), attempt("a", "n", 50), attempt("b", "n", 290, 100),
        attempt("c", "n", 310), attempt("c", "n", 40),
    )  # fmt: skip
    first = made.newest(task("a", "n"), "300")
    assert first is not None
    assert not made.choose(first)
    assert made.place == 0
    assert made.choose_near(1)
    assert made.choose_near(2)
    assert made.run is not None
    assert made.run.invocation == "310"
    assert made.choose_near(0, -1)
    assert made.run.invocation == "300"


def test_rows_without_a_run_in_sight_are_passed_over() -> None:
    made = chart(attempt("a", "n", 50), attempt("b", "n", 90_000), attempt("c", "n", 9))
    assert made.choose_near(1, 1)
    assert made.run is not None
    assert made.run.task.job == "c"
    assert not made.choose_near(3, 1)


def test_choosing_a_run_out_of_sight_brings_its_time_into_sight() -> None:
    made = chart(attempt("a", "n", 9), attempt("a", "n", 90_000))
    old = made.newest(task("a", "n"), "90000")
    assert old is not None
    assert made.choose(old)
    assert not made.following
    assert made.axis.left <= NOW - 90_000 < made.axis.right
    assert made.newest(task("x", "n"), None) is None


def test_a_run_that_a_filter_leaves_out_is_not_under_the_cursor() -> None:
    made = chart(attempt("a", "n", 50), attempt("b", "n", 9))
    assert made.choose_near(0)
    made.wanted = made.wanted.parse("job:b")
    assert made.run is None
    assert made.place is None
    assert [lane.name for lane in made.lanes] == ["b"]
