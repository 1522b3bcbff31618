import pytest
from hypothesis import given
from hypothesis import strategies as st

from bistro_tui.engine.config.excerpt import excerpt, safe


def test_the_caret_stands_under_the_column() -> None:
    assert excerpt(3, 6, '{"a" 1}') == '    3 | {"a" 1}\n      |      ^'


@pytest.mark.parametrize(
    ("before", "cells"), [("\t", 4), ("日本", 4), ("e\u0301", 1), ("\x1b", 1), ("é", 1)]
)
def test_the_caret_counts_terminal_cells(before: str, cells: int) -> None:
    shown = excerpt(1, len(before) + 1, before + "x")
    assert shown.split("\n")[1].index("^") == len("    1 | ") + cells


def test_control_characters_are_shown_and_not_sent() -> None:
    assert safe("a\x1b]0;x\x07\u202eb\x7f\u00a0") == (
        "a\u241b]0;x\u2407\\u202eb\\u007f\\u00a0"
    )


@given(st.text(st.characters()), st.integers(1, 400))
def test_an_excerpt_is_two_printable_lines_of_bounded_length(
    text: str, column: int
) -> None:
    line = text * 20
    shown = excerpt(1, min(column, len(line) + 1), line)
    rows = shown.split("\n")
    assert len(rows) == 2
    assert all(row.isprintable() for row in rows)
    assert len(rows[0]) < 1_300


def test_a_long_line_is_cut_around_the_caret() -> None:
    line = "a" * 1000 + "X" + "b" * 1000
    source, caret = excerpt(1, 1001, line).split("\n")
    assert source[caret.index("^")] == "X"
    assert source.endswith("b…")
    assert "…a" in source
    assert len(source) < 120


def test_a_long_line_is_cut_only_where_something_is_left_out() -> None:
    source, caret = excerpt(1, 3, "ab" + "X" * 500).split("\n")
    assert source.startswith("    1 | abX")
    assert caret.index("^") == 10
    source, caret = excerpt(1, 501, "a" * 500 + "X").split("\n")
    assert source.endswith("aX")
    assert source[caret.index("^")] == "X"
