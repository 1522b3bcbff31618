"""From the JSON that is there to the type that is wanted, as far as it is harmless.

Source: Bistro reads its config with folly's DynamicParser: numbers may be texts and
booleans, integral doubles are integers; null is never a value.
"""

import json
import math
import re
from decimal import Decimal

from bistro_tui.engine.config.lexis import shorten
from bistro_tui.engine.config.model import Json

_BOOLS = {
    **dict.fromkeys(("1", "y", "yes", "t", "true", "on"), True),
    **dict.fromkeys(("0", "n", "no", "f", "false", "off"), False),
}
_INT = re.compile(r"\s*[+-]?[0-9]{1,19}\s*")
_FLOAT = re.compile(r"\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\s*")
_INT64 = range(-(2**63), 2**63)


class CoercionError(ValueError):
    """A value is not of the wanted type and cannot stand for it."""


def show(value: Json) -> str:
    """Return the value as short JSON, for a message."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "an array"
    if isinstance(value, int) and value not in _INT64:
        return "a number beyond 64 bits"
    return shorten(json.dumps(value, ensure_ascii=False))


def to_bool(value: Json) -> bool:
    """Return a boolean; also from numbers (0 is false) and words like ``yes``."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return value != 0
    if isinstance(value, str):
        found = _BOOLS.get(value.strip().lower())
        if found is not None:
            return found
    raise CoercionError(f"must be true or false, got {show(value)}")


def to_int(value: Json) -> int:
    """Return a 64-bit integer; also from 5.0, true, and texts of digits."""
    is_whole = (
        isinstance(value, int)
        or (isinstance(value, float) and value.is_integer())
        or (isinstance(value, str) and _INT.fullmatch(value) is not None)
    )
    if not is_whole or int(value) not in _INT64:
        raise CoercionError(f"must be a whole number, got {show(value)}")
    return int(value)


def to_float(value: Json) -> float:
    """Return a finite double; also from integers that it can hold, and from texts."""
    is_number = (
        isinstance(value, float)
        or (isinstance(value, int) and value in _INT64 and int(float(value)) == value)
        or (isinstance(value, str) and _FLOAT.fullmatch(value) is not None)
    )
    if not is_number or not math.isfinite(float(value)):
        raise CoercionError(f"must be a number, got {show(value)}")
    return float(value)


def to_str(value: Json) -> str:
    """Return a text; also from numbers and booleans (``1`` and ``0``)."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, int) and value in _INT64:
        return str(value)
    if isinstance(value, float) and math.isfinite(value):
        return _float_text(value)
    raise CoercionError(f"must be a text, got {show(value)}")


def to_orphan_delay(value: Json) -> float | None:
    """Return seconds for ``kill_orphan_tasks_after_sec``; None means never.

    Source: Bistro, Config.cpp: true is 0, false and negatives are never; milliseconds
    are the finest step; nothing is converted.
    """
    if isinstance(value, bool):
        return 0.0 if value else None
    if isinstance(value, int | float) and -(2.0**63) < value < 2.0**63:
        return math.floor(value * 1000) / 1000 if value >= 0 else None
    raise CoercionError(f"must be true, false or seconds, got {show(value)}")


def to_positive_seconds(value: Json) -> float:
    """Return seconds above 0."""
    seconds = to_float(value)
    if seconds <= 0:
        raise CoercionError(f"must be seconds above 0, got {show(value)}")
    return seconds


def _float_text(value: float) -> str:
    if not 1e-6 <= abs(value) < 1e21:
        return "0" if value == 0 else repr(value)
    text = format(Decimal(repr(value)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
