"""Reading the values of a subquery, with an error that names the key.

As lenient as Bistro where that is harmless: null is as good as missing, and a number
may be a text.
"""

from collections.abc import Callable
from typing import TypeVar

from bistro_tui.engine.api.handler import HandlerError, Query
from bistro_tui.engine.config.coerce import CoercionError, to_float, to_int
from bistro_tui.engine.config.model import Json

N = TypeVar("N", int, float)


def text_of(query: Query, key: str) -> str:
    """Return a string that has to be there. Raises HandlerError."""
    if key not in query:
        raise HandlerError(f"Missing key: {key}")
    value = query[key]
    if not isinstance(value, str):
        raise HandlerError(f"{key} must be a string")
    return value


def text_or_none(query: Query, key: str) -> str | None:
    """Return a string, None where it is missing or null. Raises HandlerError."""
    return None if query.get(key) is None else text_of(query, key)


def names_of(query: Query, key: str) -> tuple[str, ...]:
    """Return a list of strings, empty where it is missing. Raises HandlerError."""
    value = query.get(key)
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise HandlerError(f"{key} must be an array of strings")
    return tuple(value)


def count_of(query: Query, key: str, default: int) -> int:
    """Return a number that is not negative. Raises HandlerError."""
    value = query.get(key)
    if value is None:
        return default
    number = whole_or_none(query, key)
    if isinstance(value, bool) or number is None or number < 0:
        raise HandlerError(f"{key} must be a whole number, not below 0")
    return number


def whole_or_none(query: Query, key: str) -> int | None:
    """Return a 64-bit number, also from its digits; None where it is missing.

    Raises HandlerError.
    """
    return _number_or_none(query, key, to_int, "must be a whole number")


def seconds_or_none(query: Query, key: str) -> float | None:
    """Return a number, also from its digits; None where it is missing.

    Raises HandlerError.
    """
    return _number_or_none(query, key, to_float, "must be a number")


def _number_or_none(
    query: Query, key: str, convert: Callable[[Json], N], wanted: str
) -> N | None:
    value = query.get(key)
    if value is None:
        return None
    try:
        if isinstance(value, bool):
            raise CoercionError(wanted)
        return convert(value)
    except CoercionError as error:
        raise HandlerError(f"{key} {error}") from None
