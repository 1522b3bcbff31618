import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bistro_tui.engine.config.lexis import Position, position_at
from bistro_tui.engine.config.model import Json
from bistro_tui.engine.config.text import ConfigSyntaxError, Path
from bistro_tui.engine.config.toml_places import toml_places
from bistro_tui.engine.config.toml_text import parse_toml
from tests.engine.config.writers import toml_texts

SYNTAX_ERRORS = [
    ("a=", 1, 3, "expected a value here"),
    ("a = True", 1, 5, "write true, not True"),
    ("a = null", 1, 5, "TOML has no null: leave the key out"),
    ("a = None", 1, 5, "TOML has no null"),
    ("a = hello", 1, 5, 'text needs quotes: "hello"'),
    ("a = .5", 1, 5, ".5 is not a number that TOML has"),
    ("a = 1 2", 1, 7, "expected the end of the line here"),
    ("a 1", 1, 3, "expected a = after the key"),
    ("= 1", 1, 1, "expected a key, or a [table], here"),
    ("é = 1", 1, 1, 'a key with é in it needs quotes: "é"'),
    ("[é]", 1, 2, 'a key with é in it needs quotes: "é"'),
    ("a.é = 1", 1, 3, 'a key with é in it needs quotes: "é"'),
    ("bistro_job->a = 1", 1, 12, "a key with > in it needs quotes"),
    ("[bistro_job->a]", 1, 13, "a key with > in it needs quotes"),
    ("a : 1", 1, 3, "expected a = after the key, not :"),
    ("[a", 1, 3, "expected a ] after the table's name"),
    ("[[a]", 1, 4, "expected ]] after the table's name"),
    ("a=[1,2", 1, 7, "the file ends here, but the [ of line 1 is not closed"),
    ("a=[1,\n2 b", 2, 3, "expected a comma or ] here: the [ of line 1 is open"),
    ("a={b=1", 1, 7, "the { of line 1 is not closed"),
    ('a = "x', 1, 5, "this string is never closed"),
    ('a = "x\nb = 1', 1, 7, "this string is not closed on its line"),
    ('# "\na = """x', 2, 5, "this string is never closed"),
    ("a = '''x", 1, 5, "this string is never closed"),
    ('a = "\\q"', 1, 8, "this is not an escape"),
    ('a = "\\u12"', 1, 8, "\\u needs four hex digits"),
    ('a = "\x01"', 1, 6, "the character U+0001 cannot stand here"),
    ('a = "\ud800"', 1, 6, "half of a surrogate pair"),
    ("a = nan", 1, 5, "nan is not a number that a config may have"),
    ("nan = 1\na = [1,\n -inf]", 3, 2, "-inf is too large for a number"),
    ("a = 1e999", 1, 5, "1e999 is too large for a number"),
    (f"a = {'9' * 5000}", 1, 5, "is too large for a number"),
    (f"a = 0x{'f' * 5000}", 1, 5, "is too large for a number"),
    ("a = 1\na = 2", 2, 1, '"a" is there already, in line 1'),
    ("[a]\n[b]\n[a]", 3, 2, '"a" is there already, in line 1'),
    ("a = 5\na.b = 1", 2, 1, '"a" is there already, in line 1'),
    ("a = [1]\n[[a]]", 2, 3, '"a" is there already, in line 1'),
    ("a = [{b = 1}]\n[a.c]", 2, 2, '"a" is there already, in line 1'),
    ("a = {}\n[a.b]", 2, 2, '"a" is there already, in line 1'),
    ("[a]\n[[a]]", 2, 3, '"a" is there already, in line 1'),
    ("[[a]]\n[a]", 2, 2, '"a" is there already, in line 1'),
    ("a = {b = 1, b = 2}", 1, 13, '"b" is there already, in line 1'),
    ("a.b = 1\na.'b' = 2", 2, 3, '"b" is there already, in line 1'),
    ("a = 1\r\nb = x", 2, 5, 'text needs quotes: "x"'),
    ("\ufeffa = x", 1, 5, 'text needs quotes: "x"'),
    ("x = 1\n" + "a." * 30 + "a = 1", 2, 1, "a key of more than 20 parts"),
    ("a = " + "[" * 5000, 1, 5004, "nested too deeply"),
]


@pytest.mark.parametrize(("text", "line", "column", "words"), SYNTAX_ERRORS)
def test_a_mistake_is_named_in_words_where_it_is(
    text: str, line: int, column: int, words: str
) -> None:
    with pytest.raises(ConfigSyntaxError) as caught:
        parse_toml(text)
    error = caught.value
    assert words in error.problem
    assert (error.line, error.column) == (line, column)


def test_dates_are_texts_as_they_are_written() -> None:
    text = (
        "a = 1979-05-27\nb = [07:32:00, {c = 1979-05-27 07:32:00.5Z}]\n"
        "['é']\nx.y = 1979-05-27T07:32:00-08:00\n[[t]]\nd = 1979-05-27\n"
    )
    assert parse_toml(text) == {
        "a": "1979-05-27",
        "b": ["07:32:00", {"c": "1979-05-27 07:32:00.5Z"}],
        "é": {"x": {"y": "1979-05-27T07:32:00-08:00"}},
        "t": [{"d": "1979-05-27"}],
    }


@given(toml_texts())
def test_every_way_to_write_a_value_means_that_value(
    case: tuple[str, Json, dict[Path, int]],
) -> None:
    text, value, _ = case
    assert parse_toml(text) == value


@given(toml_texts())
def test_every_value_is_located_where_it_was_written(
    case: tuple[str, Json, dict[Path, int]],
) -> None:
    text, _, written = case
    places = toml_places(text)
    for path, offset in written.items():
        assert places.locate(path) == position_at(text, offset)


@given(st.text(st.sampled_from("{}[]\",:'#=.+-_0x1aTZ:e\\\n \t\r\ufeffé")))
def test_any_text_is_a_value_or_a_syntax_error(text: str) -> None:
    place = Position(1, 1)
    try:
        parse_toml(text)
    except ConfigSyntaxError as error:
        place = Position(error.line, error.column)
    lines = text.split("\n")
    assert 1 <= place.line <= len(lines)
    assert 1 <= place.column <= len(lines[place.line - 1]) + 1


def test_tables_are_found_at_their_headers_and_keys_by_their_last_part() -> None:
    text = (
        '["bistro_job->é"]\nowner = "x"\n  [ "bistro_job->é" . filters.shard ]\n'
        "  whitelist = []\n\n[[a.b]]\nc.d = 1\n[[a.b]]\nc.d = 2\n[a.b.e]\n"
    )
    places = toml_places(text)
    job = "bistro_job->é"
    assert places.locate((job,)) == Position(1, 1)
    assert places.locate((job,), at_key=True) == Position(1, 2)
    assert places.locate((job, "missing")) == Position(1, 1)
    assert places.locate((job, "filters", "shard")) == Position(3, 3)
    assert places.locate((job, "filters", "shard", "whitelist")) == Position(4, 15)
    assert places.locate(("a", "b", 0, "c", "d")) == Position(7, 7)
    assert places.locate(("a", "b", 1, "c", "d")) == Position(9, 7)
    assert places.locate(("a", "b", 1, "c", "d"), at_key=True) == Position(9, 3)
    assert places.locate(("a", "b", 1, "e")) == Position(10, 1)
    assert list(places.repeated_keys()) == []


@pytest.mark.parametrize(
    "text",
    [
        "a." * 200_000 + "a = 1",
        "[" + "a." * 200_000 + "a]",
        "\n".join("a." * 19 + f"k{i} = 1" for i in range(5000)),
        "a = " + "[" * 500_000,
        "a = " + "{a = " * 100_000,
        'a = "' + "x" * 1_000_000,
        'a = """' + '"x' * 300_000,
        "a" * 1_000_000,
        "a = 0." + "1" * 1_000_000,
        "a = " + "1_" * 300_000,
        "\n" * 1_000_000,
        "#" * 1_000_000,
        "a = 1\na = 1\nb = " + "[" * 500_000,
        "a = '" + "'" * 500_000,
    ],
    ids=lambda text: repr(text[:12]),
)
def test_no_text_takes_long(text: str) -> None:
    began = time.process_time()
    try:
        found: object = parse_toml(text)
    except ConfigSyntaxError as error:
        found = error
    assert found is not None
    assert time.process_time() - began < 5
