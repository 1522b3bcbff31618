"""What a filter looks for in a log."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bistro_tui.engine.view import Stream
from bistro_tui.present.filters import Filter
from bistro_tui.present.log_lines import text_of
from bistro_tui.present.sought import ERRORS, NOTHING_SOUGHT, Sought
from bistro_tui.present.spans import Span, plain_text
from tests.present.test_log_buffer import line
from tests.ui.scripted import task


@pytest.mark.parametrize(
    ("text", "needle", "regex"),
    [
        ("", "", ""),
        ("Lock wait", "lock", ""),
        ("!lock", "", ""),
        ("~lck", "", ""),
        ('"lock wait" 3', "lock wait", ""),
        ("/lo+ck/", "", "(?is)lo+ck"),
        ("/lo+ck/ wait", "wait", ""),
        ("!/lo+ck/", "", ""),
        ("stream:stderr", "", ""),
        ("http:80", "http:80", ""),
        ("/(/", "", ""),
    ],
)
def test_the_store_is_asked_for_what_every_line_that_fits_has(
    text: str, needle: str, regex: str
) -> None:
    sought = Sought.parse(text)
    assert (sought.needle, sought.regex) == (needle, regex)


def test_a_broken_regex_is_told_and_left_out() -> None:
    sought = Sought.parse("/(/ wait")
    assert sought.error
    assert sought.fits(line(1, "lock wait"))


@given(st.text(alphabet="aAbk \t\x1b[31m\rſK", max_size=12), st.sampled_from("abk"))
def test_the_quick_look_at_bytes_misses_nothing(text: str, word: str) -> None:
    row = line(1, text)
    assert Sought.parse(word).fits(row) is Filter.parse(word).matches(text_of(row.line))


def test_job_node_and_stream_of_a_line_can_be_named() -> None:
    row = line(1, "x", Stream.STDERR, task("etl", "db7"))
    assert Sought.parse("job:etl node:db stream:stderr").fits(row)
    assert not Sought.parse("job:dump").fits(row)


def test_what_was_looked_for_stands_out_across_colours() -> None:
    shown = Sought.parse("lock /w.it/").marked(
        (Span("a LO"), Span("CK wait", "x")), "h"
    )
    assert shown == (
        Span("a "), Span("LO", "h"), Span("CK", "h"), Span(" ", "x"), Span("wait", "h"),
    )  # fmt: skip


@given(st.text(max_size=20), st.text(max_size=5))
def test_standing_out_changes_no_character(text: str, wanted: str) -> None:
    shown = (Span(text[:5]), Span(text[5:], "x"))
    assert plain_text(Sought.parse(wanted).marked(shown, "h")) == text


def test_lines_that_tell_of_errors_are_known_by_whole_words() -> None:
    assert ERRORS.fits(line(1, "ERROR: disk full"))
    assert ERRORS.fits(line(1, "java.lang.Exception: x"))
    assert not ERRORS.fits(line(1, "terrors unfailing"))


def test_nothing_sought_fits_every_line() -> None:
    assert not NOTHING_SOUGHT
    assert NOTHING_SOUGHT.fits(line(1))
