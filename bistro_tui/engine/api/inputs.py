"""Reading the values of a subquery, with an error that names the key.

As lenient as Bistro where that is harmless: null is as good as missing, and a number
may be a text.
"""

import re
from collections.abc import Callable
from typing import TypeVar

from bistro_tui.engine.api.handler import HandlerError, Query
from bistro_tui.engine.config.coerce import CoercionError, to_float, to_int
from bistro_tui.engine.config.model import Json
from bistro_tui.engine.ids import TaskId
from bistro_tui.engine.logs.places import MOST_DIGITS

N = TypeVar("N", int, float)

_PLACE = re.compile(rf"[1-9][0-9]{{19,{MOST_DIGITS - 1}}}", re.ASCII)
"""Of a place among lines of several workers: longer than any line id."""


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


def flag_of(query: Query, key: str) -> bool:
    """Return true or false, false where it is missing. Raises HandlerError."""
    value = query.get(key)
    if value is not None and not isinstance(value, bool):
        raise HandlerError(f"{key} must be true or false")
    return bool(value)


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


def place_or_none(query: Query, key: str) -> int | None:
    """Return a line id or a place among lines, also from its digits.

    None where it is missing. Raises HandlerError.
    """
    value = query.get(key)
    if isinstance(value, str) and _PLACE.fullmatch(value) and int(value) >> 64:
        return int(value)
    return whole_or_none(query, key)


def tasks_of(query: Query) -> tuple[TaskId, ...]:
    """Return what ``tasks`` names, each with ``job`` and ``node``.

    Raises HandlerError.
    """
    if "tasks" not in query:
        raise HandlerError("Missing key: tasks")
    value = query["tasks"]
    if not isinstance(value, list) or not all(map(_is_task, value)):
        raise HandlerError("tasks must be an array of objects with job and node")
    return tuple(TaskId(one["job"], one["node"]) for one in value)


def _is_task(value: Json) -> bool:
    return isinstance(value, dict) and all(
        isinstance(value.get(key), str) for key in ("job", "node")
    )


def number_or_none(query: Query, key: str) -> float | None:
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
