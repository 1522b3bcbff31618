from collections.abc import Callable
from typing import Any

import pytest

from bistro_tui.engine.config.coerce import (
    CoercionError,
    to_bool,
    to_float,
    to_int,
    to_orphan_delay,
    to_positive_seconds,
    to_str,
)
from bistro_tui.engine.config.model import Json

BAD = object()

TABLE: list[tuple[Json, object, object, object, object]] = [
    # given, as bool, as int, as float, as str
    (True, True, 1, 1.0, "1"),
    (False, False, 0, 0.0, "0"),
    (0, False, 0, 0.0, "0"),
    (-7, True, -7, -7.0, "-7"),
    (5.0, True, 5, 5.0, "5"),
    (5.5, True, BAD, 5.5, "5.5"),
    (0.0, False, 0, 0.0, "0"),
    (1e21, True, BAD, 1e21, "1e+21"),
    (1e-5, True, BAD, 1e-5, "0.00001"),
    (2**53 + 1, True, 2**53 + 1, BAD, "9007199254740993"),
    (2**63 - 1, True, 2**63 - 1, BAD, "9223372036854775807"),
    (2**63, True, BAD, BAD, BAD),
    ("5", BAD, 5, 5.0, "5"),
    (" +5 ", BAD, 5, 5.0, " +5 "),
    ("5.0", BAD, BAD, 5.0, "5.0"),
    ("1e3", BAD, BAD, 1000.0, "1e3"),
    ("1_0", BAD, BAD, BAD, "1_0"),
    ("٣", BAD, BAD, BAD, "٣"),
    ("x", BAD, BAD, BAD, "x"),
    ("", BAD, BAD, BAD, ""),
    ("nan", BAD, BAD, BAD, "nan"),
    ("Infinity", BAD, BAD, BAD, "Infinity"),
    ("1e999", BAD, BAD, BAD, "1e999"),
    ("1", True, 1, 1.0, "1"),
    ("0", False, 0, 0.0, "0"),
    ("YES", True, BAD, BAD, "YES"),
    ("off", False, BAD, BAD, "off"),
    (" t ", True, BAD, BAD, " t "),
    (float("nan"), True, BAD, BAD, BAD),
    (float("inf"), True, BAD, BAD, BAD),
    (None, BAD, BAD, BAD, BAD),
    ([], BAD, BAD, BAD, BAD),
    ({}, BAD, BAD, BAD, BAD),
]


def outcome(convert: Callable[[Json], Any], value: Json) -> object:
    try:
        return convert(value)
    except CoercionError as error:
        return BAD if "must be " in str(error) else error


@pytest.mark.parametrize(("given", "as_bool", "as_int", "as_float", "as_str"), TABLE)
def test_a_value_stands_for_another_type_only_where_that_is_harmless(
    given: Json, as_bool: object, as_int: object, as_float: object, as_str: object
) -> None:
    found = [outcome(each, given) for each in (to_bool, to_int, to_float, to_str)]
    assert found == [as_bool, as_int, as_float, as_str]
    types = [type(each) for each in found if each is not BAD]
    wanted = [type(each) for each in (as_bool, as_int, as_float, as_str)]
    assert types == [each for each in wanted if each is not object]


@pytest.mark.parametrize("word", ["1", "y", "yes", "t", "true", "on", "True", "oN"])
def test_these_words_are_true(word: str) -> None:
    assert to_bool(word) is True


@pytest.mark.parametrize("word", ["0", "n", "no", "f", "false", "off", "NO"])
def test_these_words_are_false(word: str) -> None:
    assert to_bool(word) is False


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        (True, 0.0),
        (False, None),
        (-1, None),
        (-0.5, None),
        (0, 0.0),
        (7, 7.0),
        (1.23456, 1.234),
        ("5", BAD),
        (None, BAD),
        ([], BAD),
        (2**70, BAD),
        (float("inf"), BAD),
        (float("nan"), BAD),
    ],
)
def test_the_orphan_delay_is_a_boolean_or_a_number_and_nothing_else(
    given: Json, seconds: object
) -> None:
    assert outcome(to_orphan_delay, given) == seconds


@pytest.mark.parametrize(("given", "seconds"), [(1, 1.0), ("0.5", 0.5), (0, BAD)])
def test_a_timeout_is_above_zero(given: Json, seconds: object) -> None:
    assert outcome(to_positive_seconds, given) == seconds


def test_a_message_shows_the_value_shortened() -> None:
    with pytest.raises(CoercionError, match=r'must be a whole number, got "x{58}…$'):
        to_int("x" * 1000)
    with pytest.raises(CoercionError, match=r"must be a whole number, got an array$"):
        to_int([1, 2])
    with pytest.raises(CoercionError, match=r"got a number beyond 64 bits$"):
        to_int(10**4000)
