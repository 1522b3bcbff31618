import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bistro_tui.engine.config.lexis import Position, line_of
from bistro_tui.engine.config.locate import JsonPlaces, locate
from bistro_tui.engine.config.model import Json
from bistro_tui.engine.config.text import (
    MAX_DEPTH,
    ConfigSyntaxError,
    Path,
    blank,
    parse_json,
    parse_text,
)
from tests.engine.config.builders import COMMENTED, SEED

SYNTAX_ERRORS = [
    ("", 1, 1, "there is nothing here"),
    ("\n // only a comment", 1, 1, "there is nothing here"),
    ('{"a": 1 "b": 2}', 1, 9, "expected a comma or } here"),
    ('{"a": 1\n  "b": 2}', 2, 3, "expected a comma or } here"),
    ("[1 2]", 1, 4, "expected a comma or ] here"),
    ('{"a": [1, 2}', 1, 12, "the [ of line 1 is still open"),
    ('{"a": 1; "b": 2}', 1, 8, "expected a comma or } here, not ;"),
    ("{'a': 1}", 1, 2, "text needs double quotes, not single ones"),
    ("{\"a\": 'x'}", 1, 7, "text needs double quotes, not single ones"),
    ("{a: 1}", 1, 2, 'a key needs double quotes: "a"'),
    ("{,}", 1, 2, "expected a key in double quotes here, before this ,"),
    ('{"a":1,,}', 1, 8, "expected a key in double quotes here, before this ,"),
    ('{"a" 1}', 1, 6, "expected a : after the key"),
    ('{"a" = 1}', 1, 6, "expected a : after the key, not ="),
    ('{"a": True}', 1, 7, "write true, not True"),
    ('{"a": None}', 1, 7, "write null, not None"),
    ('{"a": hello}', 1, 7, 'text needs double quotes: "hello"'),
    ('{"日本": é}', 1, 8, 'text needs double quotes: "é"'),
    ('{"a":}', 1, 6, "expected a value here, before this }"),
    ("[1,,2]", 1, 4, "expected a value here, before this ,"),
    ("[,]", 1, 2, "expected a value here, before this ,"),
    ('{"a": .5}', 1, 7, ".5 is not a number that JSON has"),
    ('{"a": 012}', 1, 7, "012 is neither a number nor a text"),
    ('{"a": 0x1F}', 1, 7, "0x1F is neither a number nor a text"),
    ('{"a": 1.}', 1, 7, "1. is neither a number nor a text"),
    ('{"a": NaN}', 1, 7, "NaN is not a number that JSON has"),
    ('{"NaN": "NaN",\n"b": -Infinity}', 2, 6, "-Infinity is not a number"),
    ('["1e999", 1e999]', 1, 11, "1e999 is too large for a number"),
    (f"[1,\n{'9' * 5000}]", 2, 1, "is too large for a number"),
    ('{"a": "x', 1, 7, "this string is never closed"),
    ('{"a": "x\n}', 1, 7, "this string is not closed on its line"),
    ('{"a": "b\tc"}', 1, 9, "has to be written \\t"),
    ('{"a": "b\x01c"}', 1, 9, "has to be written \\u0001"),
    ('{"a": "\\q"}', 1, 8, "\\q is not an escape"),
    ('{"a": "\\u12"}', 1, 8, "\\u needs four hex digits"),
    ('{"a": 1\n\n', 1, 8, "the file ends here, but the { of line 1 is never closed"),
    ('{"a": [\n{}', 2, 3, "the file ends here, but the [ of line 1 is never closed"),
    ("{} x", 1, 4, "expected the end here"),
    ("{}\n}", 2, 1, "this } closes nothing"),
    ("{} /* x", 1, 4, "this comment is never closed"),
    ("{} /*/", 1, 4, "this comment is never closed"),
    ("[" * (MAX_DEPTH + 1), 1, MAX_DEPTH + 1, "nested too deeply"),
    ('{"a": "\ud800"}', 1, 8, "half of a surrogate pair"),
    ('\ufeff{"a" 1}', 1, 6, "expected a : after the key"),
    ('/* é\n */ {"a" 1}', 2, 10, "expected a : after the key"),
]


@pytest.mark.parametrize(("text", "line", "column", "words"), SYNTAX_ERRORS)
def test_a_mistake_is_named_in_words_where_it_is(
    text: str, line: int, column: int, words: str
) -> None:
    with pytest.raises(ConfigSyntaxError) as caught:
        parse_json(text)
    error = caught.value
    assert (error.line, error.column) == (line, column)
    assert words in error.problem
    assert error.source_line == line_of(text, line)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("[1, 2,]", [1, 2]),
        ('{"a": 1,}', {"a": 1}),
        ("[1, /* two */ // three\n ]", [1]),
        ("[1, // one\n , ]", None),
        ('["// no", "/* no */", ",]", "\\"//"]', ["// no", "/* no */", ",]", '"//']),
        ("// first\n{} // last", {}),
        ("/**/{}/***/", {}),
        ("\ufeff{}", {}),
        ("\ufeff// x\r\n[1,\r\n]", [1]),
        ("/* é 日本 */[1,]", [1]),
        ("5", 5),
        ("[" * MAX_DEPTH + "]" * MAX_DEPTH, ...),
    ],
)
def test_comments_and_trailing_commas_are_as_good_as_spaces(
    text: str, value: Json
) -> None:
    if value is None:
        with pytest.raises(ConfigSyntaxError):
            parse_json(text)
    elif value is ...:
        assert isinstance(parse_json(text), list)
    else:
        assert parse_json(text) == value


def test_a_blanked_text_keeps_its_length_and_its_lines() -> None:
    blanked = blank(COMMENTED)
    assert len(blanked.text) == len(COMMENTED)
    assert [len(line) for line in blanked.text.split("\n")] == [
        len(line) for line in COMMENTED.split("\n")
    ]
    assert json.loads(blanked.text) == parse_json(COMMENTED)
    assert [COMMENTED[a:b] for a, b in blanked.comments] == [
        "// What runs here, and how.",
        "/* the master switch */",
    ]


@pytest.mark.parametrize("text", [SEED, COMMENTED])
def test_a_text_cut_at_any_byte_is_an_error_with_a_place_in_it(text: str) -> None:
    content = text.rstrip().encode()
    for length in range(len(content)):
        cut = content[:length].decode(errors="ignore")
        with pytest.raises(ConfigSyntaxError) as caught:
            parse_json(cut)
        lines = cut.split("\n")
        assert 1 <= caught.value.line <= len(lines)
        assert 1 <= caught.value.column <= len(lines[caught.value.line - 1]) + 1
        assert caught.value.problem


def spaces() -> st.SearchStrategy[str]:
    return st.sampled_from(
        ["", " ", "\n", "\t", "\r\n", '/* , ] } " */', '// " é, }\n', "/**/ "]
    )


plain_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner)
    ),
    max_leaves=15,
)


@st.composite
def noisy_texts(draw: st.DrawFn) -> tuple[str, Json]:
    """Return a value and a text of it, with comments and trailing commas."""

    def write(value: Json) -> str:
        if isinstance(value, list):
            body = ",".join(write(item) for item in value)
            open_close = "[]"
        elif isinstance(value, dict):
            body = ",".join(
                f"{draw(spaces())}{json.dumps(key, ensure_ascii=False)}{draw(spaces())}"
                f":{write(item)}"
                for key, item in value.items()
            )
            open_close = "{}"
        else:
            text = json.dumps(value, ensure_ascii=draw(st.booleans()))
            return draw(spaces()) + text + draw(spaces())
        comma = "," if value and draw(st.booleans()) else ""
        inner = body + draw(spaces()) + comma + draw(spaces())
        return draw(spaces()) + open_close[0] + inner + open_close[1] + draw(spaces())

    value = draw(plain_values)
    return write(value), value


@given(noisy_texts())
def test_noise_never_changes_the_value(case: tuple[str, Json]) -> None:
    text, value = case
    assert parse_json(text) == value


def paths_of(value: Json) -> list[Path]:
    found: list[Path] = [()]
    items = enumerate(value) if isinstance(value, list) else ()
    pairs = value.items() if isinstance(value, dict) else ()
    for key, inner in (*items, *pairs):
        found += [(key, *rest) for rest in paths_of(inner)]
    return found


@given(noisy_texts())
def test_every_value_is_located_where_it_can_be_read_again(
    case: tuple[str, Json],
) -> None:
    text, value = case
    places = JsonPlaces(text, blank(text).text)
    for path in paths_of(value):
        wanted = value
        for key in path:
            wanted = wanted[key]
        line, column = places.locate(path)
        rest = blank(text).text.split("\n", line - 1)[-1][column - 1 :]
        assert json.JSONDecoder().raw_decode(rest)[0] == wanted


@given(st.text(st.sampled_from('{}[]",:/*\\\n 1aé\ufeff')))
def test_any_text_is_a_value_or_a_syntax_error(text: str) -> None:
    place = Position(1, 1)
    try:
        parse_json(text)
    except ConfigSyntaxError as error:
        place = Position(error.line, error.column)
    assert min(place) >= 1


def test_a_missing_key_is_at_its_parent() -> None:
    assert locate(SEED, ("bistro_job->simple_job", "backoff", 2)) == Position(14, 29)
    assert locate(SEED, ("nowhere",)) == Position(1, 1)
    assert locate(SEED, ("bistro_settings", "nodes", "levels", 9)) == Position(4, 17)
    assert locate(SEED, ("bistro_settings", "nodes", "levels", 1)) == Position(4, 29)


def test_columns_count_characters_and_not_the_byte_order_mark() -> None:
    assert locate('\ufeff{"日本": [1, 22]}', ("日本", 1)) == Position(1, 12)
    assert locate('/* é */ {"é": 1}', ("é",)) == Position(1, 15)


def test_numbers_with_a_signed_exponent_do_not_hide_what_follows() -> None:
    text = '{"1e+5": "1e+5", "a": [1e+5, -2.5E+07, 1e-3, 0e+0], "b": null}'
    assert locate(text, ("b",)) == Position(1, text.index("null") + 1)


def test_of_a_repeated_key_the_last_value_counts_and_is_located() -> None:
    text = '{"a": 1,\n "b": {"c": 1, "c": 2, "\\u0063": 3},\n "a": [{"x": 1, "x": 2}]}'
    parsed = parse_text(text)
    assert parsed.repeats_keys
    assert parsed.value == {"a": [{"x": 2}], "b": {"c": 3}}
    places = JsonPlaces(text, parsed.blanked)
    assert places.locate(("a",)) == Position(3, 7)
    assert list(places.repeated_keys()) == [
        (("a",), Position(1, 2), Position(3, 2)),
        (("a", 0, "x"), Position(3, 9), Position(3, 17)),
        (("b", "c"), Position(2, 8), Position(2, 24)),
    ]


def test_a_text_without_repeated_keys_says_so() -> None:
    assert not parse_text(SEED).repeats_keys


@pytest.mark.parametrize("newline", ["\n", ""])
def test_a_long_text_is_read_as_a_short_one_is(newline: str) -> None:
    """It is looked at part by part, and no part may be forgotten or cut anywhere."""
    brackets = [f'"[{{é{number:08}",{newline}' for number in range(10_000)]
    text = f'{{"a": [{"".join(brackets)}1], "é": [2, {{"c": 3}}]}}'
    assert len(text) > 2 * 2**16
    value = parse_json(text)
    assert len(value["a"]) == 10_001
    where = text.index("3}")
    row = text.count("\n", 0, where)
    column = where - text.rfind("\n", 0, where)
    assert locate(text, ("é", 1, "c")) == Position(row + 1, column)
    deep = text.replace("3}", "[" * MAX_DEPTH + "]" * MAX_DEPTH + "}")
    with pytest.raises(ConfigSyntaxError, match="nested too deeply"):
        parse_json(deep)
    fits = MAX_DEPTH - 3
    assert parse_json(text.replace("3}", "[" * fits + "]" * fits + "}"))


def test_the_key_itself_can_be_located() -> None:
    places = JsonPlaces(SEED, SEED)
    assert places.locate(("bistro_settings", "enabled"), at_key=True) == Position(12, 5)
