"""Runs from the history and from what was seen to run and to end."""

import pytest

from bistro_tui.engine.view import Attempt, Reason
from bistro_tui.present import runs as runs_module
from bistro_tui.present.runs import Kind, Runs
from tests.ui.scripted import NOW, ended, running, task


def attempt(
    job: str, node: str, start: float, seconds: float = 5, **facts: str
) -> Attempt:
    return Attempt(
        task=task(job, node),
        invocation=facts.get("invocation", f"{int(start)}-{node}"),
        started=start,
        ended=start + seconds,
        result=facts.get("result", "done"),
        exit="",
        detail="",
        worker="local",
        peak_memory=None,
        cpu_seconds=None,
    )


def test_runs_come_oldest_start_first_and_running_ones_have_no_end() -> None:
    runs = Runs()
    runs.add([attempt("a", "n1", NOW - 50), attempt("a", "n2", NOW - 90)])
    runs.look([running("a", "n3", 70)], [])
    assert [run.task.node for run in runs.all] == ["n2", "n3", "n1"]
    assert [run.end for run in runs.all] == [NOW - 85, float("inf"), NOW - 45]
    assert len(runs) == 3


@pytest.mark.parametrize(
    ("result", "kind"),
    [
        (Reason.DONE, Kind.DONE),
        (Reason.FAILED, Kind.FAILED),
        (Reason.BACKOFF, Kind.AGAIN),
        (Reason.RUNNABLE, Kind.AGAIN),
    ],
)
def test_a_run_that_was_seen_to_end_is_known_at_once(
    result: Reason, kind: Kind
) -> None:
    runs, row = Runs(), running("a", "n1", 3600)
    runs.look([row], [])
    runs.look([], [ended("a", "n1", 2, result=result)])
    (run,) = runs.all
    assert (run.start, run.end, run.kind) == (NOW - 3600, NOW - 2, kind)
    assert not runs.lost


def test_the_history_corrects_what_was_seen() -> None:
    runs, row = Runs(), running("a", "n1", 60)
    runs.look([row], [])
    runs.look([], [ended("a", "n1", 2)])
    told = attempt("a", "n1", row.since, 58.5, invocation=row.invocation)
    assert not runs.has(told)
    assert runs.add([told]) == 1
    assert runs.add([told]) == 0
    assert runs.has(told)
    assert [run.end for run in runs.all] == [row.since + 58.5]


def test_what_the_history_tells_of_does_not_run_any_more() -> None:
    runs, row = Runs(), running("a", "n1", 60)
    runs.add([attempt("a", "n1", row.since, 59, invocation=row.invocation)])
    runs.look([row], [])
    version = runs.version
    runs.look([row], [])
    assert [run.kind for run in runs.all] == [Kind.DONE]
    assert runs.version == version


def test_a_run_that_went_out_of_sight_without_a_result_is_to_be_asked_for() -> None:
    runs, row = Runs(), running("a", "n1", 60)
    runs.look([row], [])
    old = ended("a", "n1", 70)
    runs.look([], [old])
    assert list(runs.lost) == [(row.task, row.invocation)]
    assert runs.all == []
    runs.add([attempt("a", "n1", row.since, 58, invocation=row.invocation)])
    assert not runs.lost


def test_nothing_changes_as_long_as_the_same_tasks_run() -> None:
    runs, row = Runs(), running("a", "n1", 60)
    runs.look([row], [])
    version = runs.version
    runs.look([row._replace(rss=5)], [])
    assert runs.version == version
    known = runs.row((row.task, row.invocation))
    assert known is not None
    assert known.rss == 5


def test_the_oldest_runs_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs_module, "MOST", 10)
    runs = Runs()
    for number in range(13):
        runs.add([attempt("a", f"n{number}", NOW + number)])
    assert [run.task.node for run in runs.all] == [f"n{n}" for n in range(3, 13)]
    assert runs.is_cut
