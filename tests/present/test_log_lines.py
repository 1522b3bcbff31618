"""Lines of output as they are shown: safe, in their colours, of bounded length."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bistro_tui.engine.view import Stream
from bistro_tui.present.log_lines import (
    SHOWN_BYTES,
    Times,
    ascii_length,
    body,
    next_times,
    not_yet,
    text_of,
    when,
    whole_text,
)
from bistro_tui.present.palette import LOOKS
from bistro_tui.present.sgr import runs, without_sgr
from bistro_tui.present.spans import Span, plain_text
from tests.present.test_log_buffer import line
from tests.ui.scripted import NOW

OUTPUT = st.lists(
    st.one_of(
        st.binary(max_size=20),
        st.text(max_size=10).map(lambda text: text.encode("utf-8", "replace")),
        st.sampled_from(
            [b"\x1b[31m", b"\x1b[1;38;5;46m", b"\x1b[m", b"\x1b[2J", b"\t", b"\r",
             b"\x1b[38;2;1;2;3m", b"\x1b]0;x\x07", b"e\xcc\x81"]
        ),
    ),
    max_size=8,
).map(b"".join)  # fmt: skip


@given(OUTPUT)
def test_any_output_is_safe_and_its_text_is_what_is_drawn(raw: bytes) -> None:
    shown = body(raw, Stream.STDERR)
    text = plain_text(shown)
    assert not [c for c in text if unicodedata.category(c) in ("Cc", "Cf", "Cs")]
    assert text == text_of(raw)
    assert all(span.style in LOOKS for span in shown)
    length = ascii_length(raw)
    assert length is None or length == len(text)


def test_colours_are_kept_and_what_else_escapes_ask_for_is_shown() -> None:
    raw = b"\x1b[31mred\x1b[0m \x1b[1mbold\x1b[22m \x1b[38;5;46mgreen\x1b[39m \x1b[2J\n"
    assert body(raw, Stream.STDOUT) == (
        Span("red", "out.red"),
        Span(" "),
        Span("bold", "strong"),
        Span(" "),
        Span("green", "out.green"),
        Span(" ␛[2J"),
    )


@pytest.mark.parametrize(
    ("codes", "style"),
    [
        ("30", "dim"),
        ("91", "out.red"),
        ("38;2;250;10;10", "out.red"),
        ("38:2:20:20:200", "out.blue"),
        ("38;5;245", "plain"),
        ("38;5;999", "plain"),
        ("48;5;1", "plain"),
        ("48;2;9;9;9;36", "out.cyan"),
        ("8", "plain"),
        ("7", "plain"),
        ("31;0", "plain"),
        ("", "plain"),
        ("38", "plain"),
    ],
)
def test_a_colour_becomes_a_legible_one_and_nothing_hides_text(
    codes: str, style: str
) -> None:
    assert list(runs(f"\x1b[{codes}mx", "plain")) == [("x", style)]


def test_an_endless_list_of_codes_is_no_colour() -> None:
    text = "\x1b[" + "1;" * 1_000 + "mx"
    assert without_sgr(text) == text


def test_stderr_without_colours_has_its_own() -> None:
    assert body(b"oh\n", Stream.STDERR) == (Span("oh", "stderr"),)


def test_a_long_line_is_cut_on_the_screen_and_whole_in_a_copy() -> None:
    raw = b"x" * 65_000 + b"\n"
    text = text_of(raw)
    assert text == "x" * SHOWN_BYTES + " … 54K more"
    assert whole_text(raw) == "x" * 65_000


def test_a_cut_never_goes_through_a_character() -> None:
    for shift in range(4):
        raw = b"x" * shift + "€".encode() * 20_000
        assert "\ufffd" not in text_of(raw)


def test_of_a_progress_bar_the_last_state_is_shown() -> None:
    assert text_of(b"10%\r20%\r\n") == "20%"
    assert text_of(b"x" * 20_000 + b"\r99%\n") == "99%"


def test_times_are_absolute_then_ages_then_off() -> None:
    assert next_times(Times.OFF) is Times.ABSOLUTE
    assert next_times(Times.ABSOLUTE) is Times.RELATIVE
    assert next_times(Times.RELATIVE) is Times.OFF


@pytest.mark.parametrize("times", list(Times))
def test_times_take_the_same_cells_on_each_line(times: Times) -> None:
    ages = (-5, 0, 59, 3_600, 99 * 86_400)
    rows = [line((int(NOW) - age) << 32) for age in ages]
    widths = {len(when(row, times, NOW).text) for row in rows}
    assert widths == {len(not_yet(times).text)}
