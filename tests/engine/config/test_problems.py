import json

import pytest

from bistro_tui.engine.config.problems import (
    LocatedProblem,
    Problem,
    render_path,
    render_problems,
    render_syntax_error,
)
from bistro_tui.engine.config.text import ConfigSyntaxError, Path, parse_json
from bistro_tui.engine.ids import JobName

PROBLEM = LocatedProblem(
    file="simple.json",
    line=2,
    column=3,
    path="bistro_job->etl.backoff[1]",
    message="must be above 60, got 30",
    job=JobName("etl"),
)


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ((), ""),
        (("bistro_settings",), "bistro_settings"),
        (("bistro_settings", "scheduler"), "bistro_settings.scheduler"),
        (("bistro_job->my job", "backoff", 2), "bistro_job->my job.backoff[2]"),
        (("bistro_settings", "a.b", "c d", ""), 'bistro_settings["a.b"]["c d"][""]'),
        (("bistro_settings", 'x"]', "[0]"), 'bistro_settings["x\\"]"]["[0]"]'),
    ],
)
def test_a_path_reads_like_the_place_in_the_file(path: Path, shown: str) -> None:
    assert render_path(path) == shown


def test_a_problem_reads_as_path_and_message() -> None:
    problem = Problem(path=("bistro_job->etl", "priority"), message="must be a number")
    assert str(problem) == "bistro_job->etl.priority: must be a number"
    assert str(Problem(path=(), message="must be an object")) == "must be an object"


def test_the_json_of_a_problem_has_exactly_the_promised_keys() -> None:
    assert json.loads(json.dumps(PROBLEM.as_json())) == {
        "file": "simple.json",
        "line": 2,
        "column": 3,
        "path": "bistro_job->etl.backoff[1]",
        "message": "must be above 60, got 30",
        "job": "etl",
    }


def test_problems_are_shown_with_their_line_and_a_caret() -> None:
    assert render_problems([PROBLEM], "{\n  30\n}") == (
        "simple.json:2:3: bistro_job->etl.backoff[1]: must be above 60, got 30\n"
        "    2 |   30\n"
        "      |   ^"
    )
    assert render_problems([PROBLEM], "") == PROBLEM.as_line()


def test_a_syntax_error_is_shown_with_its_line_and_a_caret() -> None:
    with pytest.raises(ConfigSyntaxError) as caught:
        parse_json('{\n\t"a" 1}')
    assert render_syntax_error("x.json", caught.value) == (
        'x.json:2:6: expected a : after the key\n    2 |     "a" 1}\n      |         ^'
    )


def test_foreign_text_in_a_message_cannot_reach_the_terminal() -> None:
    evil = LocatedProblem(
        file="\x1b[2J.json", line=1, column=1, path="", message="a\x9b1mb", job=None
    )
    assert evil.as_line() == "\u241b[2J.json:1:1: a\\u009b1mb"
