import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bistro_tui.engine.config.lexis import Position, position_at
from bistro_tui.engine.config.model import Json
from bistro_tui.engine.config.text import MAX_DEPTH, ConfigSyntaxError, Path
from bistro_tui.engine.config.yaml_text import parse_yaml, yaml_places
from tests.engine.config.writers import yaml_texts

BOMB = "a0: &a0 [x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 8)}]\n" for i in range(1, 30)
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        # As in YAML 1.2: these are texts.
        ("[no, on, yes, y, n, off]", ["no", "on", "yes", "y", "n", "off"]),
        ("[2001-12-14, 12:30:45, 1_000]", ["2001-12-14", "12:30:45", "1_000"]),
        ("[1.2.3, 0b1, <, =, 0o8, a#b]", ["1.2.3", "0b1", "<", "=", "0o8", "a#b"]),
        # These are not.
        ("[true, False, TRUE]", [True, False, True]),
        ("[~, null, Null, ]", [None, None, None]),
        ("[1, -2, +3, 017, 0o17, 0x1F]", [1, -2, 3, 17, 15, 31]),
        ("[1.5, .5, 1., 1e3, -1E-2]", [1.5, 0.5, 1.0, 1000.0, -0.01]),
        # Quotes and tags
        ("['1', \"true\", !!str 5, ! 7]", ["1", "true", "5", "7"]),
        ("[!!int 5, !!float 5, !!null ~, !!bool true]", [5, 5.0, None, True]),
        ("a: !!map {b: !!seq []}", {"a": {"b": []}}),
        ("a: |\n  x\n  y\nb: >-\n  x\n  y\n", {"a": "x\ny\n", "b": "x y"}),
        # Keys are texts, as written.
        (
            "{1: a, true: b, no: c, 1.0: d, ~: e}",
            {"1": "a", "true": "b", "no": "c", "1.0": "d", "~": "e"},
        ),
        ('{"a":1, "b" : 2}', {"a": 1, "b": 2}),
        ("a:\nb:\n- 1", {"a": None, "b": [1]}),
        ("bistro_job->etl:\n  owner: x", {"bistro_job->etl": {"owner": "x"}}),
        ("\ufeffa: 1", {"a": 1}),
        ("%YAML 1.2\n---\na: 1\n...\n", {"a": 1}),
        # Aliases and merge keys
        ("a: &x [1]\nb: *x", {"a": [1], "b": [1]}),
        ("a: &k b\n*k : 1", {"a": "b", "b": 1}),
        (
            "a: &x {p: 1, q: 2}\nb: {<<: *x, q: 3}",
            {"a": {"p": 1, "q": 2}, "b": {"q": 3, "p": 1}},
        ),
        ("a: {<<: [{p: 1}, {p: 2, q: 3}]}", {"a": {"p": 1, "q": 3}}),
        ('a: {"<<": 1}', {"a": {"<<": 1}}),
    ],
)
def test_a_text_means_what_yaml_1_2_says(text: str, value: Json) -> None:
    found = parse_yaml(text).value
    assert found == value
    assert repr(found) == repr(value)


SYNTAX_ERRORS = [
    ("", 1, 1, "there is nothing here"),
    ("# only a comment", 1, 1, "there is nothing here"),
    ("a: b: c", 1, 5, "a second : on this line"),
    ("a:\n\tb: 1", 2, 1, "a tab cannot indent in YAML: use spaces"),
    ("a: [1,", 1, 7, "the file ends here"),
    ("a: {x", 1, 6, "the { of line 1 is not closed"),
    ("a: {b: 1\nc: 2}", 2, 2, "expected a comma or } here: the { of line 1 is open"),
    ('é: "x', 1, 4, "this string is never closed"),
    ("a: 'x", 1, 4, "this string is never closed"),
    ('a: "\\q"', 1, 5, "\\q is not an escape"),
    ("a: *u", 1, 4, "there is no anchor &u before this"),
    ("&a [*a]", 1, 5, "*a stands for what it is in itself"),
    ("a: @x", 1, 4, "text that begins with @ needs quotes: '@x'"),
    ("a: %x", 1, 4, "text that begins with % needs quotes"),
    ("- a\nb: 1", 2, 1, "expected a - here"),
    ("a: 1\n b: 2", 2, 3, "no key can stand here"),
    ("a: 1\n- b", 2, 1, "expected a key here"),
    ("a:\n   b: 1\n  c: 2", 3, 3, "expected a key here"),
    ("{a: 1}}", 1, 7, "this } closes nothing"),
    ("key: [a]]", 1, 9, "this ] closes nothing"),
    ("---\na\n---\nb", 3, 1, "a second document begins here"),
    ("a: \x01", 1, 4, "the character U+0001 cannot stand here"),
    ("a: \ud800", 1, 4, "half of a surrogate pair"),
    ("? [a]\n: 1", 1, 3, "a key must be a text"),
    ("a: &x [1]\n*x : 1", 2, 1, "a key must be a text"),
    ("\ufeffa: b: c", 1, 5, "a second : on this line"),
    ("\ufeffa: .nan", 1, 4, ".nan is not a number that a config may have"),
    ("a: -.Inf", 1, 4, "-.Inf is not a number"),
    ("a: 1e999", 1, 4, "1e999 is too large for a number"),
    (f"a: {'9' * 5000}", 1, 4, "is too large for a number"),
    (f"a: 0x{'f' * 5000}", 1, 4, "is too large for a number"),
    ("a: !!int x", 1, 4, "x is not what the tag !!int says"),
    ("a: !mine x", 1, 4, "the tag !mine means nothing in a config"),
    ("a: !!set {x}", 1, 4, "means nothing in a config"),
    ("a: !!python/object/apply:os.getcwd []", 1, 4, "means nothing in a config"),
    ("a: !!python/name:os.getcwd ''", 1, 4, "means nothing in a config"),
    ("<<: 5", 1, 1, "<< takes an object"),
    ("[" * (MAX_DEPTH + 1), 1, MAX_DEPTH + 1, "nested too deeply"),
    (BOMB, 8, None, "the aliases stand for more than"),
]


@pytest.mark.parametrize(("text", "line", "column", "words"), SYNTAX_ERRORS)
def test_a_mistake_is_named_in_words_where_it_is(
    text: str, line: int, column: int | None, words: str
) -> None:
    with pytest.raises(ConfigSyntaxError) as caught:
        parse_yaml(text)
    error = caught.value
    assert words in error.problem
    assert error.line == line
    assert column is None or error.column == column


@given(yaml_texts())
def test_every_way_to_write_a_value_means_that_value(
    case: tuple[str, Json, dict[Path, int]],
) -> None:
    text, value, _ = case
    assert parse_yaml(text).value == value


@given(yaml_texts())
def test_every_value_is_located_where_it_was_written(
    case: tuple[str, Json, dict[Path, int]],
) -> None:
    text, _, written = case
    places = yaml_places(text)
    for path, offset in written.items():
        assert places.locate(path) == position_at(text, offset)


@given(st.text(st.sampled_from("{}[]\",:'#&*!|>-?%@<~ab1\\\n \t\r\ufeffé\x85\u2028")))
def test_any_text_is_a_value_or_a_syntax_error(text: str) -> None:
    place = Position(1, 1)
    try:
        parse_yaml(text)
    except ConfigSyntaxError as error:
        place = Position(error.line, error.column)
    lines = text.split("\n")
    assert 1 <= place.line <= len(lines)
    assert 1 <= place.column <= len(lines[place.line - 1]) + 1


def test_of_a_repeated_key_the_last_value_counts_and_both_are_located() -> None:
    text = "a: 1\nb:\n  - {c: 1, c: 2, 'c': 3}\na: [2]\n"
    parsed = parse_yaml(text)
    assert parsed.repeats_keys
    assert parsed.value == {"a": [2], "b": [{"c": 3}]}
    places = yaml_places(text)
    assert places.locate(("a",)) == Position(4, 4)
    assert set(places.repeated_keys()) == {
        (("a",), Position(1, 1), Position(4, 1)),
        (("b", 0, "c"), Position(3, 6), Position(3, 18)),
    }


def test_a_merged_key_is_no_repeated_key_and_stands_where_it_was_written() -> None:
    text = "x: &x {p: 1, q: 2}\ny:\n  <<: *x\n  q: 3\nz: *x\n"
    assert not parse_yaml(text).repeats_keys
    places = yaml_places(text)
    assert places.locate(("y", "p")) == Position(1, 11)
    assert places.locate(("y", "q")) == Position(4, 6)
    assert places.locate(("z",)) == Position(5, 4)
    assert places.locate(("z", "p"), at_key=True) == Position(1, 8)


def test_what_is_missing_is_at_its_parent() -> None:
    places = yaml_places("a:\n  b: [1]\n")
    assert places.locate(("a", "c")) == Position(2, 3)
    assert places.locate(("a", "b", 7)) == Position(2, 6)
    assert places.locate(("a", "b", "c")) == Position(2, 6)
    assert places.locate((), at_key=True) == Position(1, 1)


@pytest.mark.parametrize(
    "text",
    [
        BOMB,
        BOMB.replace("\n", "\r\n"),
        "[" * 1_000_000,
        "{a: " * 300_000,
        "- " * 500_000,
        "".join(" " * i + "a:\n" for i in range(2000)),
        '"' + "x" * 1_000_000,
        "a" * 1_000_000 + ": 1",
        "? " * 500_000,
        "&a " * 300_000,
        "!" * 500_000,
        "\n" * 1_000_000,
        "x: &x {" + "a, " * 1000 + "}\n" + "- " * 300 + "*x",
        "%TAG !a! b\n" * 20_000,
        "a: &a x\n" + "b: *a\n" * 50_000,
    ],
    ids=lambda text: repr(text[:12]),
)
def test_no_text_takes_long(text: str) -> None:
    began = time.process_time()
    try:
        found: object = parse_yaml(text)
    except ConfigSyntaxError as error:
        found = error
    assert found is not None
    assert time.process_time() - began < 5
