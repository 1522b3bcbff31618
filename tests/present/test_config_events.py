"""What is wrong in the config, its text, and events, as rows."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from bistro_tui.engine.view import (
    Banner,
    ConfigFacts,
    ConfigProblem,
    JobName,
    Notice,
)
from bistro_tui.present.config_events import (
    NOTICE_COLUMNS,
    config_title,
    file_lines,
    notice_facts,
    place_of,
    problem_facts,
    problems_of,
    shown_line,
)
from bistro_tui.present.spans import Scene, plain_text
from tests.ui.scripted import NOW, job

SCENE = Scene(now=NOW)


def problem(message: str = "bad", *, line: int = 3, column: int = 7, of: str = "",
            is_error: bool = True) -> ConfigProblem:  # fmt: skip
    return ConfigProblem(
        file="/etc/x.json", line=line, column=column, path="p", message=message,
        job=JobName(of) if of else None, is_error=is_error,
    )  # fmt: skip


def facts(*problems: ConfigProblem, is_in_force: bool = True) -> ConfigFacts:
    return ConfigFacts(
        path="/etc/x.json", version=3, loaded=NOW - 60, problems=problems,
        is_in_force=is_in_force,
    )  # fmt: skip


def test_errors_stand_before_warnings() -> None:
    mild, grave = problem("mild", is_error=False), problem("grave")
    assert problems_of(facts(mild, grave), (), ()) == [grave, mild]


def test_a_job_is_wrong_only_once() -> None:
    known = problem("must be above 60", of="etl")
    jobs = (
        job("etl", errors=("must be above 60",)),
        job("dump", errors=("no such level",)),
    )
    found = problems_of(facts(known), jobs, ())
    assert [(row.job, row.message) for row in found] == [
        ("etl", "must be above 60"),
        ("dump", "no such level"),
    ]


def test_what_a_banner_says_of_the_file_is_not_said_twice() -> None:
    config = Banner(topic="config", text="bad")
    disk = Banner(topic="store", text="disk full")
    assert [row.path for row in problems_of(facts(), (), (config,))] == ["config"]
    assert [
        row.message for row in problems_of(facts(problem()), (), (config, disk))
    ] == [
        "bad",
        "disk full",
    ]


def test_a_place_is_as_exact_as_it_is_known() -> None:
    assert place_of(problem()) == "x.json:3:7"
    assert place_of(problem(column=0)) == "x.json:3"
    assert place_of(problem(line=0, column=0)) == "x.json"


def test_the_title_says_which_config_runs() -> None:
    assert plain_text(config_title(facts(), "", SCENE)) == (
        " ✓ version 3 in force · loaded 1m ago"
    )
    broken = facts(problem(), is_in_force=False)
    assert plain_text(config_title(broken, "", SCENE)) == (
        " ✗ not in force: version 3 runs · loaded 1m ago · 1 error"
    )
    assert plain_text(config_title(None, "too old", SCENE)) == " too old"


def test_lines_of_a_file_are_numbered_from_one() -> None:
    assert [tuple(row) for row in file_lines(b"a\r\nb")] == [(1, "a\r"), (2, "b")]
    assert [tuple(row) for row in file_lines(b"a\n\n")] == [(1, "a"), (2, "")]
    assert file_lines(b"") == []


@given(st.binary(max_size=40), st.text(max_size=40))
def test_foreign_text_is_shown_and_never_obeyed(content: bytes, said: str) -> None:
    texts = [shown_line(line).text for line in file_lines(content)]
    notice = Notice(serial=1, at=NOW, level=said, text=said)
    lines = [*notice_facts(notice), *problem_facts(problem(said, of=said or "x"))]
    lines += [column.cell(notice, 20, SCENE) for column in NOTICE_COLUMNS]
    texts += [plain_text(line) for line in lines]
    hostile = ("Cc", "Cf", "Cs", "Zl", "Zp")
    assert not any(unicodedata.category(c) in hostile for t in texts for c in t)
