"""Text in cells: cut, filled and wrapped by its width on the screen."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from bistro_tui.present.clean import clean
from bistro_tui.present.palette import ANSI, CURSOR_LOOKS, LOOKS, NIGHT
from bistro_tui.present.spans import Line, Span, plain_text
from bistro_tui.widgets.cells import (
    cut,
    line_cells,
    padded,
    split_hard,
    to_strip,
    wrap,
)
from bistro_tui.widgets.theme import OURS, Inks

LINES = st.lists(st.text(max_size=30).map(clean).map(Span), max_size=5).map(tuple)


@pytest.mark.parametrize(
    ("text", "width", "shown"),
    [
        ("abc", 3, "abc"),
        ("abcd", 3, "ab…"),
        ("漢字", 4, "漢字"),
        ("漢字", 3, "漢…"),
        ("漢字", 2, "…"),
        ("abc", 0, ""),
        ("abc", -3, ""),
        ("e\u0301e\u0301e\u0301", 2, "e\u0301…"),
    ],
)
def test_what_is_too_long_ends_in_an_ellipsis(
    text: str, width: int, shown: str
) -> None:
    assert plain_text(cut((Span(text),), width)) == shown


@given(LINES, st.integers(0, 60))
def test_a_padded_line_has_exactly_its_width(line: Line, width: int) -> None:
    assert line_cells(padded(line, width)) == width
    assert line_cells(padded(line, width, right=True)) == width
    strip = to_strip(line, width)
    assert sum(cell_len(segment.text) for segment in strip) == width


@given(st.text(max_size=200).map(clean), st.integers(2, 40))
def test_hard_pieces_fit_and_lose_nothing(text: str, width: int) -> None:
    pieces = list(split_hard(text, width))
    assert "".join(pieces) == text
    assert all(cell_len(piece) <= width for piece in pieces)


@given(LINES, st.integers(14, 60))
def test_wrapped_rows_fit_and_keep_every_character_but_blanks(
    line: Line, width: int
) -> None:
    rows = wrap(line, width, indent=6)
    assert all(line_cells(row) <= width for row in rows)
    kept = "".join(plain_text(row) for row in rows)
    assert kept.replace(" ", "") == plain_text(line).replace(" ", "")


def test_words_are_kept_whole_where_they_fit() -> None:
    rows = wrap((Span("one two three four"),), 12, indent=2)
    assert [plain_text(row) for row in rows] == ["one two", "  three four"]


def test_every_style_name_has_a_style_with_and_without_colour() -> None:
    for palette in (*OURS.values(), NIGHT):
        for inks in (Inks(palette), Inks(palette, plain=True)):
            for name in LOOKS:
                assert all(inks.style(name, row) for row in CURSOR_LOOKS)
    assert Inks(NIGHT, plain=True).style("", "cursor").reverse
    assert Inks(ANSI).style("failed", "cursor").reverse
