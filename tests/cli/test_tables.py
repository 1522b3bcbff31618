"""Tables for people."""

import os
import sys
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from bistro_tui.cli import tables
from bistro_tui.cli.moments import moments
from bistro_tui.cli.tables import Column, Table

NAME = Column(title="NAME", is_name=True)
COUNT = Column(title="COUNT", right=True)
EXTRA = Column(title="EXTRA", goes=1)
REST = Column(title="REST", is_rest=True)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have stdout be a terminal of 80 columns that shows colours."""
    monkeypatch.setattr(tables, "terminal_width", lambda: 80)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)


def test_numbers_stand_to_the_right_and_no_line_ends_in_spaces() -> None:
    text = Table(NAME, COUNT, Column(title="LAST")).text(
        [("a", "5", ""), ("b", "10", "x")]
    )
    assert text.splitlines() == ["NAME  COUNT  LAST", "a         5", "b        10  x"]


def test_a_pipe_gets_as_much_as_the_text_needs_and_no_colour() -> None:
    rows = [("n" * 30, "1", "e" * 50, "r" * 500)]
    titles, line = Table(NAME, COUNT, EXTRA, REST).text(rows).splitlines()
    assert line == f"{'n' * 30}      1  {'e' * 50}  {'r' * 500}"
    assert "\x1b" not in titles


@pytest.mark.usefixtures("terminal")
def test_a_narrow_terminal_drops_what_may_go_then_narrows_names() -> None:
    rows = [("n" * 100, "1", "e" * 50, "r" * 500)]
    titles, line = Table(NAME, COUNT, EXTRA, REST).text(rows).splitlines()
    assert "EXTRA" not in titles
    assert "n" * 31 + "…" in line
    assert len(line) == 80
    assert line.endswith("r…")


def test_nothing_in_a_cell_can_drive_a_terminal_or_break_its_line() -> None:
    text = Table(NAME, COUNT, REST).text([("a\x1b[2J", 7, "b\nc\u202e")])
    assert text.splitlines()[1] == "a␛[2J      7  b␊c<U+202E>"


@pytest.mark.usefixtures("terminal")
def test_the_first_page_decides_how_wide_the_columns_are() -> None:
    table = Table(NAME, COUNT)
    assert len(list(table.lines([("abcdef", "1")]))) == 2
    (line,) = table.lines([("abcdefghi", "2")])
    assert line == "abcde…      2"


@pytest.mark.usefixtures("terminal")
def test_a_later_page_makes_room_for_times_and_numbers() -> None:
    table = Table(NAME, COUNT, REST)
    table.text([("abcdef", "1", "r" * 90)])
    line = table.text([("abcdef", "1234567", "r" * 90)])
    assert line == f"abcdef  1234567  {'r' * 62}…"


@pytest.mark.usefixtures("terminal")
def test_what_says_nothing_goes_before_what_is_least_worth(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    also = Column(title="ALSO", goes=2)
    rows = [("n" * 38, "e" * 6, "-" if number else "", "r" * 40) for number in (0, 1)]
    names = Column(title="NAME"), EXTRA, also, REST
    monkeypatch.setenv("NO_COLOR", "1")
    titles = Table(*names).text(rows).splitlines()[0]
    assert titles.split() == ["NAME", "EXTRA", "REST"]


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize(
    ("name", "also", "rest"), [(8, 8, 53), (20, 30, 30), (32, 32, 30), (60, 90, 30)]
)
def test_the_last_column_gets_thirty_cells_where_names_allow(
    name: int, also: int, rest: int
) -> None:
    columns = NAME, Column(title="ALSO", is_name=True), COUNT, REST
    _, line = Table(*columns).text([("n" * name, "m" * also, 5, "r" * 99)]).splitlines()
    assert len(line) == 80
    assert line.count("r") + 1 == rest
    assert min(line.count("n"), line.count("m")) >= min(name, also, 15)


def test_a_time_of_today_has_no_date(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    moment = moments(1_767_225_600 + 3_600.5)
    assert moment(1_767_225_600.7) == "00:00:00"
    assert moment(1_767_225_599.9) == "2025-12-31 23:59:59"
    assert moment(None) == "-"
    assert moment(1e300).isdigit()


@pytest.mark.usefixtures("terminal")
def test_a_terminal_gets_colours_that_change_no_width() -> None:
    column = Column(title="STATE", colour=lambda text: "31" if text == "bad" else "")
    titles, bad, good = (
        Table(column, COUNT).text([("bad", "1"), ("good", "2")]).splitlines()
    )
    assert titles == "\x1b[1mSTATE\x1b[0m  \x1b[1mCOUNT\x1b[0m"
    assert bad == "\x1b[31mbad\x1b[0m        1"
    assert good == "good       2"


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize(
    ("variable", "value"), [("NO_COLOR", "1"), ("TERM", "dumb"), ("TERM", "")]
)
def test_who_wants_no_colours_gets_none(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    assert "\x1b" not in Table(NAME).text([("a",)])


@pytest.mark.usefixtures("terminal")
def test_an_empty_no_color_is_none() -> None:
    os.environ["NO_COLOR"] = ""
    try:
        assert "\x1b" in Table(NAME).text([("a",)])
    finally:
        del os.environ["NO_COLOR"]


CELL = st.text(st.characters(codec="utf-8", categories=["L", "N", "P"]), max_size=60)


@settings(max_examples=40)
@given(
    rows=st.lists(st.tuples(CELL, CELL, CELL, CELL), min_size=1, max_size=6),
    width=st.integers(60, 200),
)
def test_no_line_is_wider_than_a_terminal_unless_what_must_be_shown_is(
    rows: list[tuple[str, str, str, str]], width: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tables, "terminal_width", lambda: width)
        table = Table(NAME, Column(title="ALSO", is_name=True), EXTRA, REST)
        lines = list(table.lines(rows))
    assert len(lines) == len(rows) + 1
    assert max(map(cell_len, lines)) <= width
