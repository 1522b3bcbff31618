"""What reaches the screen of what others wrote."""

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bistro_tui.present.clean import clean, clean_lines, clean_log, clean_name

DANGEROUS = ("Cc", "Cf", "Cs", "Zl", "Zp")


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("plain", "plain"),
        ("[/bold]", "[/bold]"),
        ("\x1b]0;x\x07", "␛]0;x␇"),
        ("\x1b[2J", "␛[2J"),
        ("a\x00b", "a␀b"),
        ("del\x7f", "del␡"),
        ("\x9b31m", "<U+009B>31m"),
        ("\u202etxt.exe", "<U+202E>txt.exe"),
        ("a\u200bb", "a<U+200B>b"),
        ("two\u2028lines", "two<U+2028>lines"),
        ("lone \ud800", "lone \ufffd"),
        ("a\tb\nc\r", "a␉b␊c␍"),
        ("漢字 é ñ 😀", "漢字 é ñ 😀"),
        ("heart ❤\ufe0f", "heart ❤"),
        ("\U0001f468\u200d\U0001f469", "\U0001f468\U0001f469"),
        ("\u0301accent", "◌\u0301accent"),
        ("e\u0301", "e\u0301"),
        (b"\xc3\xa9t\xc3\xa9 \xff", "été \ufffd"),
        ("", ""),
    ],
)
def test_foreign_text_is_shown_as_the_characters_it_has(
    raw: str | bytes, shown: str
) -> None:
    assert clean(raw) == shown


def test_no_control_format_or_surrogate_character_passes() -> None:
    every = (chr(code) for code in range(sys.maxunicode + 1))
    bad = [c for c in every if unicodedata.category(c) in DANGEROUS]
    passed = [hex(ord(c)) for c in bad if c in clean("x" + c)]
    assert passed == []


@given(st.text(st.characters(), max_size=60))
def test_clean_text_can_be_encoded_and_is_clean_already(raw: str) -> None:
    shown = clean(raw)
    shown.encode()
    assert clean(shown) == shown


@given(st.binary(max_size=80))
def test_any_bytes_make_one_visible_log_line(raw: bytes) -> None:
    shown = clean_log(raw)
    shown.encode()
    assert not any(unicodedata.category(c) in DANGEROUS for c in shown)


def test_clean_text_is_not_copied() -> None:
    text = "nothing to do " * 100
    assert clean(text) is text


def test_a_name_of_any_length_is_cut_before_it_is_looked_at() -> None:
    shown = clean_name("x" * 10_000)
    assert len(shown) == 256
    assert shown.endswith("…")


def test_a_message_keeps_its_lines_and_its_tabs_become_blanks() -> None:
    assert clean_lines("one\r\n\ttwo\x1b") == ["one", "        two␛"]


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b"done\n", "done"),
        (b"done\r\n", "done"),
        (b"10%\r50%\r100%\n", "100%"),
        (b"100%\r\r\n", "100%"),
        (b"a\tb\n", "a       b"),
        (b"\r\n", ""),
        (b"two\nlines\n", "two␊lines"),
        (b"\x1b[31mred\x1b[0m\n", "␛[31mred␛[0m"),
    ],
)
def test_a_log_line_is_what_a_terminal_would_leave(raw: bytes, shown: str) -> None:
    assert clean_log(raw) == shown
