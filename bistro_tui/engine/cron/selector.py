"""Selectors: which values of one field are meant.

Source: Bistro, cron/CrontabSelector.
"""

import bisect
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from bistro_tui.engine.cron.error import CronError, Path, did_you_mean, show

Values: TypeAlias = range | tuple[int, ...]
"""The chosen values, ascending and at least one; a tuple has no repeats."""

_DIGITS = re.compile(r"\s*[+-]?[0-9]{1,19}\s*", re.ASCII)
_KEYS = ("start", "end", "period")


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """What the values of one field may be."""

    min: int
    max: int
    names: Mapping[str, int] = field(default_factory=dict)
    """Lower-case names to values."""
    kind: str = "whole number"
    """What a value is, for a message."""


def first_at_or_after(values: Values, at: int) -> int | None:
    """Return the smallest of the values that is not below ``at``; None if all are."""
    if isinstance(values, range):
        if at <= values.start:
            return values.start
        steps = -((values.start - at) // values.step)
        found = values.start + steps * values.step
        return found if found < values.stop else None
    index = bisect.bisect_left(values, at)
    return values[index] if index < len(values) else None


def parse_selector(raw: object, of: Field, path: Path) -> Values:
    """Return the values that a selector chooses from a field.

    A value alone, an array of values (empty: every value), or an object with any of
    ``start``, ``end`` and ``period``. Raises CronError. Unlike Bistro, which takes it
    and then gives odd results, this refuses a start beyond the end.
    """
    if isinstance(raw, list):
        chosen = {
            _value(each, of, (*path, index), "") for index, each in enumerate(raw)
        }
        return tuple(sorted(chosen)) or range(of.min, of.max + 1)
    if isinstance(raw, dict):
        return _range(raw, of, path)
    return (_value(raw, of, path, ", an array of them, or an object"),)


def _range(raw: dict[str, object], of: Field, path: Path) -> range:
    for key in raw:
        if key not in _KEYS:
            known = ", ".join(_KEYS)
            message = f"unknown key ({known} are known){did_you_mean(key, _KEYS)}"
            raise CronError((*path, key), message)
    start, end = (
        _value(raw[key], of, (*path, key), "") if key in raw else default
        for key, default in (("start", of.min), ("end", of.max))
    )
    period = _period(raw["period"], of, (*path, "period")) if "period" in raw else 1
    if start > end:
        message = "start is beyond end; a range does not wrap around, list the values"
        raise CronError(path, f"{message} instead")
    return range(start, end + 1, period)


def _value(raw: object, of: Field, path: Path, or_else: str) -> int:
    if isinstance(raw, str) and of.names:
        found = of.names.get(raw.lower())
        if found is None:
            near = did_you_mean(raw, of.names)
            raise CronError(path, f"{show(raw)} is not the name of a {of.kind}{near}")
        return found
    if isinstance(raw, bool) or not isinstance(raw, int):
        name = f" or the name of a {of.kind}" if of.names else ""
        wanted = f"a whole number{name}{or_else}"
        raise CronError(path, f"must be {wanted}, got {show(raw)}")
    if not of.min <= raw <= of.max:
        raise CronError(path, f"must be from {of.min} to {of.max}, got {show(raw)}")
    return raw


def _period(raw: object, of: Field, path: Path) -> int:
    """Return the stride; alone of all values it may be a text of digits, or 2.0.

    Its bound is Bistro's: below max - min, though the field has one value more.
    """
    is_whole = (
        (isinstance(raw, int) and not isinstance(raw, bool))
        or (isinstance(raw, float) and raw.is_integer())
        or (isinstance(raw, str) and _DIGITS.fullmatch(raw) is not None)
    )
    if not is_whole:
        raise CronError(path, f"must be a whole number, got {show(raw)}")
    assert isinstance(raw, int | float | str)
    period = int(raw)
    longest = of.max - of.min - 1
    if not 1 <= period <= longest:
        raise CronError(path, f"must be from 1 to {longest}, got {show(raw)}")
    return int(period)
