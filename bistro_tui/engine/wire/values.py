"""Single values as JSON, and back with a look at their type."""

import math
from collections.abc import Mapping

from bistro_tui.engine.config.model import Json
from bistro_tui.engine.errors import BistroError
from bistro_tui.engine.scheduling.reasons import Reason

MALFORMED = (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError)
"""What reading JSON of another shape than ours may raise."""

NOT_OURS = "the answer is not what a scheduler of this version sends"


class NotUnderstood(BistroError):
    """The other side sent something else than this version can read."""


def number_out(value: float | None) -> Json:
    """Return a number as JSON: the infinite ones are texts there, and NaN is null."""
    if value is None or math.isfinite(value):
        return value
    return None if math.isnan(value) else str(value)


def number_in(value: Json) -> float:
    """Return the number. Raises TypeError or ValueError."""
    if isinstance(value, str) and value in ("inf", "-inf"):
        return float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{value!r} is no number")
    return value


def number_or_none(value: Json) -> float | None:
    """Return the number, None for null. Raises TypeError or ValueError."""
    return None if value is None else number_in(value)


def whole_in(value: Json) -> int:
    """Return the whole number. Raises TypeError."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{value!r} is no whole number")
    return value


def whole_or_none(value: Json) -> int | None:
    """Return the whole number, None for null. Raises TypeError."""
    return None if value is None else whole_in(value)


def text_in(value: Json) -> str:
    """Return the text. Raises TypeError."""
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def truth_in(value: Json) -> bool:
    """Return the truth value. Raises TypeError."""
    if not isinstance(value, bool):
        raise TypeError(f"{value!r} is neither true nor false")
    return value


def counts_out(counts: Mapping[Reason, int]) -> Json:
    """Return how many there are of each reason as JSON."""
    return {reason.value: number for reason, number in counts.items()}


def counts_in(value: Json) -> dict[Reason, int]:
    """Return how many there are of each reason. Raises what ``MALFORMED`` names."""
    return {Reason(word): whole_in(number) for word, number in value.items()}
