"""The summary for people and for programs."""

import json
from dataclasses import replace

from bistro_tui.cli.summary import summary_json, summary_text
from bistro_tui.engine.ids import JobName
from bistro_tui.engine.outcome import Outcome
from bistro_tui.engine.scheduling.progress import JobProgress


def outcome(**jobs: tuple[int, int, int]) -> Outcome:
    return Outcome(
        jobs={
            JobName(name): JobProgress(done=done, failed=failed, blocked=blocked)
            for name, (done, failed, blocked) in jobs.items()
        },
        started=6,
        seconds=2.0,
        ended_by_itself=True,
    )


def test_the_json_has_exactly_the_documented_keys() -> None:
    assert json.loads(summary_json(outcome(a=(1, 2, 3), b=(4, 0, 0)))) == {
        "done": 5,
        "failed": 2,
        "blocked": 3,
        "started": 6,
        "seconds": 2.0,
        "tasks_per_second": 3.0,
        "jobs": {
            "a": {"done": 1, "failed": 2, "blocked": 3},
            "b": {"done": 4, "failed": 0, "blocked": 0},
        },
    }


def test_the_text_begins_with_the_totals_and_has_a_line_a_job() -> None:
    assert summary_text(outcome(a=(1, 2, 3), long=(4, 0, 0))).splitlines() == [
        "5 done, 2 failed, 3 blocked (6 started in 2.0 s)",
        "  a     1 done, 2 failed, 3 blocked",
        "  long  4 done, 0 failed, 0 blocked",
    ]


def test_a_hostile_job_name_is_shown_harmlessly() -> None:
    named = outcome(**{"\x1b]0;x\x07": (1, 0, 0)})
    assert "\x1b" not in summary_text(named)
    assert json.loads(summary_json(named))["jobs"] == {
        "\x1b]0;x\x07": {"done": 1, "failed": 0, "blocked": 0}
    }


def test_complete_means_that_nothing_failed_is_blocked_or_in_error() -> None:
    assert outcome(a=(3, 0, 0)).is_complete
    assert outcome().is_complete
    assert not outcome(a=(3, 1, 0)).is_complete
    assert not outcome(a=(3, 0, 1)).is_complete


def test_what_kept_blocked_tasks_from_running_stands_beside_their_job() -> None:
    left = replace(
        outcome(etl=(0, 0, 3)),
        blockers={JobName("etl"): "3 worker: needs 3 gpu, a worker has 2"},
    )
    assert summary_text(left).splitlines()[1] == (
        "  etl  0 done, 0 failed, 3 blocked  (3 worker: needs 3 gpu, a worker has 2)"
    )
