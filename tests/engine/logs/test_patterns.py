"""What matches a line, and what may match lines that stand together."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bistro_tui.engine.logs.patterns import BETWEEN, Pattern


def regex(pattern: str, *, ignore_case: bool = False) -> Pattern:
    found = Pattern.regex(pattern, ignore_case=ignore_case)
    assert found is not None
    return found


def text(wanted: str, *, ignore_case: bool = False) -> Pattern:
    found = Pattern.text(wanted, ignore_case=ignore_case)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("pattern", "line", "matches"),
    [
        ("b", b"abc\n", True),
        ("^b", b"abc\n", False),
        ("^abc$", b"abc\n", True),
        ("a.c", b"a\nc", True),
        ("^c$", b"a\nc\nd", True),
        ("\\Ac", b"a\nc", False),
        ("x.y", "x…y".encode(), True),
        ("x", b"\xff\xfe x\0", True),
        ("é", "É".encode(), False),
        ("[0-9]+ms", b"took 17ms\n", True),
    ],
)
def test_a_regex_is_searched_for_in_the_whole_line(
    pattern: str, line: bytes, matches: bool
) -> None:
    assert regex(pattern).matches(line) is matches


def test_an_empty_pattern_is_none_because_it_matches_all() -> None:
    assert Pattern.regex("") is None
    assert Pattern.text("") is None


def test_case_counts_unless_it_is_ignored() -> None:
    for kind in (regex, text):
        assert not kind("error").matches(b"ERROR: x\n")
        assert kind("error", ignore_case=True).matches(b"ERROR: x\n")
        assert kind("é", ignore_case=True).matches("É".encode())


def test_a_text_is_no_regex_and_may_be_any_bytes() -> None:
    assert text("a.b(").matches(b"xa.b(\n")
    assert not text("a.b").matches(b"axb")
    assert text("A.B(", ignore_case=True).matches(b"xa.b(\n")
    assert text("\udcff").matches(b"a\xffb")


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("(", "not a valid regex: missing"),
        ("(?=x)", "lookaround"),
        ("(a)\\1", "lookaround and backreferences"),
        ("(?:x{1000}){1000}", "not a valid regex"),
        ("x.{999}", "too large"),
        ("\ud800", "valid Unicode"),
    ],
)
def test_a_regex_that_cannot_be_used_says_why(pattern: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Pattern.regex(pattern)


def test_ignoring_the_case_of_bytes_is_refused() -> None:
    with pytest.raises(ValueError, match="valid Unicode"):
        Pattern.text("\udcff", ignore_case=True)


def test_the_worst_regex_on_the_longest_line_takes_part_of_a_second() -> None:
    line = bytes(97 + (i * i % 7 > 2) for i in range(65_000))
    took = []
    for _ in range(3):
        began = time.process_time()
        assert not regex("a.{350}b.{50}c").matches(line)
        took.append(time.process_time() - began)
    assert min(took) < 2


PIECES = st.sampled_from(
    [
        "a",
        "b",
        ".",
        "\n",
        "^",
        "$",
        "\\b",
        "\\B",
        "\\A",
        "\\z",
        "a*",
        "[^a]",
        "(?-m:^b)",
    ]
)
BYTES = st.sampled_from([b"a", b"b", b"\n", b" ", b"\xc3", b"\xc3\xa9"])
LINES = st.lists(st.lists(BYTES, max_size=5).map(b"".join), max_size=8)


@given(st.lists(PIECES, min_size=1, max_size=5).map("".join), LINES)
def test_what_matches_a_line_matches_among_others(
    pattern: str, lines: list[bytes]
) -> None:
    searched = regex(pattern)
    one_by_one = [index for index, line in enumerate(lines) if searched.matches(line)]
    if searched.can_join:
        assert not one_by_one or searched.may_match(BETWEEN.join(lines))
        assert list(searched.matching(lines)) == one_by_one


@given(st.text("ab\n", min_size=1, max_size=3), LINES)
def test_a_text_is_found_in_the_lines_that_have_it(
    wanted: str, lines: list[bytes]
) -> None:
    raw = wanted.encode()
    expected = [index for index, line in enumerate(lines) if raw in line]
    assert list(text(wanted).matching(lines)) == expected
    assert list(text(wanted, ignore_case=True).matching(lines)) == expected
