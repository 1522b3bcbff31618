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


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ('{"A_SECRET":"it\\"s", "x" 1}', '{"A_SECRET":***, "x" 1}'),
        ('{"my token": 12345, "x" 1}', '{"my token": ***, "x" 1}'),
        ('{"password": ["a", "b"], "x" 1}', '{"password": ***, "x" 1}'),
        ('{"tokens": {"a": "b"}, "x" 1}', '{"tokens": ***, "x" 1}'),
        ("db_password = 'it', x 1", "db_password = ***, x 1"),
        ("{Token: two words, x 1", "{Token: ***, x 1"),
        ('{"x" 1, "secret": "open to the end', '{"x" 1, "secret": ***'),
        ('"of a token", "x" 1', '"of a token", "x" 1'),
    ],
)
def test_values_of_secrets_are_hidden_and_the_caret_stays_right(
    line: str, shown: str
) -> None:
    source, caret = excerpt(1, line.index("x") + 1, line).split("\n")
    assert source == f"    1 | {shown}"
    assert source[caret.index("^")] == "x"


def test_the_caret_stands_under_a_value_that_is_hidden() -> None:
    line = '{"token": "abc", "x": 1}'
    for column in (11, 14):
        source, caret = excerpt(1, column, line).split("\n")
        assert source[caret.index("^") :].startswith('***, "x"')
