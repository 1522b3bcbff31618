"""Secrets are hidden by their values, and an answer stays JSON."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bistro_tui.engine.config.model import Json
from bistro_tui.engine.config.parse import parse_config
from bistro_tui.engine.config.redactor import Redactor, redactor_of

ODD = 'pä"ss\\wörd\n\U0001f600'


def shown(redactor: Redactor, value: Json) -> Json:
    """Return what is left of an answer."""
    return json.loads(redactor.hide(json.dumps(value, separators=(",", ":"))))


@pytest.mark.parametrize("value", ["hunter22", ODD, "tail\\", "/a/b"])
def test_a_value_is_hidden_in_strings_and_in_json_in_strings(value: str) -> None:
    redactor = Redactor([value])
    words: dict[str, Any] = {"ensure_ascii": False}
    for inner in (
        f"<{value}>",
        json.dumps(["<", value]),
        json.dumps(["<", value], **words),
        json.dumps([json.dumps({"a": value})]),
        json.dumps([json.dumps({"a": value}, **words)], **words),
    ):
        found = shown(redactor, {"line": ["x", inner]})
        begin, _, end = found["line"][1].partition("***")
        assert inner.startswith(begin)
        assert inner.endswith(end)
        # All of it, and nothing around it.
        assert begin[-1] in '<"'
        assert end[0] in '>"\\'


def test_keys_words_and_numbers_of_json_stay() -> None:
    redactor = Redactor(["data", "true", "null", "123456", "u00e9", "nest"])
    value = {"data": [True, None, 123456, "é", "a\nest"], "é": {"true": 1.5}}
    assert shown(redactor, value) == value
    assert shown(redactor, ["my data", "true"]) == ["my ***", "***"]


def test_digits_are_hidden_but_not_within_other_digits() -> None:
    redactor = Redactor(["123456"])
    assert shown(redactor, ["91234567", "1234567", "pin=123456.", "é123456"]) == [
        "91234567",
        "1234567",
        "pin=***.",
        "é***",
    ]


def test_the_longest_of_several_is_hidden_and_short_ones_are_not() -> None:
    redactor = Redactor(["abcd", "abcdef", "xyz", ""])
    assert shown(redactor, ["-abcdefg", "abcdabcd", "xyz"]) == [
        "-***g",
        "******",
        "xyz",
    ]


def test_without_values_a_text_is_returned_as_it_is() -> None:
    redactor = Redactor(["abc"])
    assert not redactor
    text = '{"a":"abc"}'
    assert redactor.hide(text) is text


def test_secrets_of_all_jobs_are_known_at_any_depth_of_broken_ones_too() -> None:
    config = parse_config(
        {
            "bistro_settings": {
                "enabled": True,
                "nodes": {
                    "levels": ["host"],
                    "node_source": "manual",
                    "node_source_prefs": {"h": []},
                },
                "resources": {},
            },
            "bistro_job->one": {
                "owner": "o",
                "config": {
                    "deep": [{"api_token": {"a": ["in-a-list", 12345678, True, 7]}}],
                    "plain": "in-the-open",
                },
                "env": {"DB_PASSWORD": "from-env"},
            },
            "bistro_job->two": {"owner": [], "config": {"secret": "of-a-broken-one"}},
        }
    ).config
    redactor = redactor_of(config)
    said = "in-a-list 12345678 True 7 in-the-open from-env of-a-broken-one"
    assert shown(redactor, said) == "*** *** True 7 in-the-open *** ***"
    assert not redactor_of(None)


@given(
    st.lists(st.text(st.sampled_from('ab1"\\\n/uné€'), max_size=8), max_size=6),
    st.recursive(
        st.text(st.sampled_from('ab1"\\\n/uné€')) | st.integers() | st.none(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text("ab1u"), inner),
    ),
)
def test_what_is_left_is_json_of_the_same_shape(values: list[str], value: Json) -> None:
    def shape(one: Json) -> Json:
        if isinstance(one, dict):
            return {key: shape(inner) for key, inner in one.items()}
        if isinstance(one, list):
            return [shape(inner) for inner in one]
        return "text" if isinstance(one, str) else one

    found = shown(Redactor(values), value)
    assert shape(found) == shape(value)
    if isinstance(value, str) and any(
        len(one) >= 4 and not one.isdigit() and one in value for one in values
    ):
        assert "***" in found
