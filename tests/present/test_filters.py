"""The filter's grammar."""

import time
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bistro_tui.present.filters import Filter, filter_chip, number_of

TASK: Mapping[str, object] = {
    "job": "etl",
    "node": "db7",
    "status": "failed",
    "age": 5400.0,
    "try": 2,
    "owner": None,
}


def fits(typed: str, text: str = "etl db7") -> bool:
    return Filter.parse(typed).matches(text, lambda: TASK)


def test_all_words_must_be_there_in_any_case() -> None:
    wanted = Filter.parse("  ETL db ")
    assert wanted.matches("nightly-etl on DB7")
    assert not wanted.matches("nightly-etl")


def test_a_word_with_an_exclamation_mark_must_not_be_there() -> None:
    wanted = Filter.parse("etl !test")
    assert wanted.matches("etl")
    assert not wanted.matches("etl-test")


def test_an_empty_filter_says_nothing_and_keeps_everything() -> None:
    assert not Filter.parse("  ! ")
    assert Filter.parse("").matches("anything")


def test_brackets_and_regex_characters_are_only_characters() -> None:
    assert Filter.parse("[/bold] (.*").matches("x [/bold] (.* y")


@pytest.mark.parametrize(
    ("typed", "stays"),
    [
        ("/^etl/", True),
        ("/DB[0-9]$/", True),
        ("/^db/", True),
        ("/^db[0-9]+$/", True),
        ("/^etl db7$/", True),
        ("/^b7$/", False),
        ("/^failed$/", False),
        ("!/^db7$/", False),
        ("!/^db8/", True),
        ("/etl db/ 7", True),
        ("/usr", False),
        ("~ed7", True),
        ("~7de", False),
        ("!~7de", True),
        ('"etl db7"', True),
        ('"etl  db7"', False),
        ("job:et", True),
        ("job:db7", False),
        ("job=et", False),
        ("JOB=ETL", True),
        ("!job:etl", False),
        ("node:/^db[0-9]$/", True),
        ('job:"etl"', True),
        ("status:failed", True),
        ("status:", True),
        ("owner:eve", False),
        ("!owner:eve", True),
        ("age>1h", True),
        ("age>1.5h", False),
        ("age>=1.5h", True),
        ("age<90m", False),
        ("age<=1d", True),
        ("try>1", True),
        ("try:2", True),
        ("age>soon", False),
        ("job>1", False),
        ("http:80", False),
    ],
)
def test_a_term_means_what_the_screen_page_says(typed: str, stays: bool) -> None:
    assert fits(typed) is stays


def test_a_field_that_a_row_does_not_have_is_plain_text() -> None:
    assert fits("http:80", "curl http:80")
    assert fits("size>1", "size>1")


def test_a_broken_regex_is_left_out_and_said() -> None:
    wanted = Filter.parse("etl /(/")
    assert wanted.error == "no valid regex"
    assert wanted.matches("etl")
    assert Filter.parse(r"/(a)\1/").error


def test_a_regex_that_is_still_being_typed_is_no_error() -> None:
    assert not Filter.parse("/(ab").error


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("etl", "/etl"),
        ("/^db7$/", "/^db7$/"),
        ("/^db7$/ etl", "/^db7$/ etl"),
        ("/([", "text `/([`"),
        ("/usr", "text `/usr`"),
        ("!/x/", "/!/x/"),
    ],
)
def test_a_filter_is_shown_after_one_slash_and_text_as_text(
    typed: str, shown: str
) -> None:
    assert filter_chip(typed, 30) == shown


def test_a_text_that_is_not_made_of_fields_is_looked_at_as_a_whole() -> None:
    wanted = Filter.parse("/^db7$/")
    assert not wanted.matches("copied db7", lambda: TASK, is_one=True)
    assert Filter.parse("job:etl").matches("x", lambda: TASK, is_one=True)


def test_regexes_that_explode_elsewhere_take_no_time_here() -> None:
    wanted = Filter.parse("/(a+)+$/ /(.*)*x(.*)*y$/")
    begun = time.process_time()
    assert not wanted.matches("a" * 5_000 + "!")
    assert time.process_time() - begun < 2


@given(st.text(max_size=60), st.text(max_size=60))
def test_whatever_is_typed_gives_a_filter(typed: str, text: str) -> None:
    wanted = Filter.parse(typed)
    kept = wanted.sifted([text], str, lambda _: TASK)
    assert kept == ([text] if wanted.matches(text, lambda: TASK) else [])


@given(st.binary(max_size=40))
def test_names_that_are_no_text_can_be_searched(name: bytes) -> None:
    text = name.decode("utf-8", "surrogateescape")
    assert Filter.parse("/.*/").matches(text)


@pytest.mark.parametrize(
    ("text", "number"),
    [("90", 90), ("1.5h", 5400), ("200ms", 0.2), ("64MB", 1 << 26), ("2x", None)],
)
def test_numbers_have_units(text: str, number: float | None) -> None:
    assert number_of(text) == number
