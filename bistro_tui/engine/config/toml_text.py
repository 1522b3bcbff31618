"""TOML: its value, or the first mistake in it, with its place.

The standard library's parser gives the value; dates become the texts that they are
written as, because a task gets JSON.
"""

import datetime
import re
import tomllib
from typing import Any

from bistro_tui.engine.config.lexis import BOM, TOML_STRING_OR_COMMENT, shorten
from bistro_tui.engine.config.model import Json
from bistro_tui.engine.config.text import (
    ConfigSyntaxError,
    Path,
    check_encodable,
)

MAX_TOML_DEPTH = 100
"""The parser and what follows it recurse."""

MAX_KEY_PARTS = 20
"""Of one dotted key; each part costs the parser a walk over all before it."""

_LONG_KEY = re.compile(
    rf"(?<![\w-])(?:[\w-]++[ \t]*+\.[ \t]*+){{{MAX_KEY_PARTS},}}[\w-]"
)
_MAX_DIGITS = 4000
"""Below what Python converts; far above what any value here may be."""
_DIGITS = re.compile(rf"0[xob][0-9a-fA-F_]{{{_MAX_DIGITS},}}|[0-9_]{{{_MAX_DIGITS},}}")
_OPENING = re.compile(r"[\[\]{}]")


class _WordError(Exception):
    """A number that TOML has and a config may not."""

    def __init__(self, word: str, problem: str) -> None:
        self.word, self.problem = word, problem


def parse_toml(text: str) -> Json:
    """Return the value of a text; dates and times are texts.

    Raises ConfigSyntaxError for everything else than TOML, and for infinities, NaN,
    numbers out of range and nesting beyond what a config needs.
    """
    check_encodable(text)
    unmarked = " " + text[1:] if text.startswith(BOM) else text
    outline = _outline(unmarked)
    _check_keys(text, outline)
    value = _loads(text, unmarked, outline)
    dates = _dates_in(text, value)
    if dates:
        # Only now, because it means another pass over the text.
        from bistro_tui.engine.config.toml_places import toml_places

        places = toml_places(text)
        for holder, key, path in dates:
            spot, _ = places.find(path)
            holder[key] = text[spot.start : spot.end]
    return value


def _outline(text: str) -> str:
    """Return the text with strings as ``s…`` and comments as blanks, equally long."""
    return TOML_STRING_OR_COMMENT.sub(_outlined, text)


def _outlined(found: re.Match[str]) -> str:
    return (" " if found.group()[0] == "#" else "s") * len(found.group())


def _check_keys(text: str, outline: str) -> None:
    found = _LONG_KEY.search(outline)
    if found is not None:
        problem = f"a key of more than {MAX_KEY_PARTS} parts"
        raise ConfigSyntaxError(text, found.start(), problem)
    digits = _DIGITS.search(outline)
    if digits is not None:
        problem = f"{shorten(digits.group())} is too large for a number"
        raise ConfigSyntaxError(text, digits.start(), problem)


def _loads(text: str, unmarked: str, outline: str) -> dict[str, Json]:
    try:
        return tomllib.loads(unmarked, parse_float=_finite)
    except tomllib.TOMLDecodeError as error:
        # Only needed for a broken file.
        from bistro_tui.engine.config.toml_syntax import explain_toml

        offset, problem = explain_toml(unmarked, str(error))
        raise ConfigSyntaxError(text, offset, problem) from None
    except _WordError as error:
        pattern = rf"(?<![\w.+-]){re.escape(error.word)}(?![\w.])"
        words = re.finditer(pattern, outline)
        at = next((each.start() for each in words if _is_value(outline, each)), 0)
        raise ConfigSyntaxError(text, at, error.problem) from None
    except RecursionError:
        raise _too_deep(text, _deepest(outline)) from None
    except ValueError as error:  # a date that the calendar does not have, and such
        raise ConfigSyntaxError(text, 0, str(error)) from None


def _is_value(outline: str, word: re.Match[str]) -> bool:
    return outline[: word.start()].rstrip()[-1:] in ("=", ",", "[")


def _finite(word: str) -> float:
    number = float(word)
    if number != number:
        raise _WordError(word, f"{word} is not a number that a config may have")
    if number in (float("inf"), float("-inf")):
        raise _WordError(word, f"{shorten(word)} is too large for a number")
    return number


def _too_deep(text: str, offset: int) -> ConfigSyntaxError:
    return ConfigSyntaxError(text, offset, "nested too deeply for a config")


def _deepest(outline: str) -> int:
    """Return where the brackets are deepest."""
    depth, most, at = 0, 0, 0
    for found in _OPENING.finditer(outline):
        depth += 1 if found.group() in "[{" else -1
        if depth > most:
            most, at = depth, found.start()
    return at


def _dates_in(text: str, top: Json) -> list[tuple[Any, str | int, Path]]:
    """Return every date or time: what holds it, under which key, and its path."""
    dates: list[tuple[Any, str | int, Path]] = []
    todo: list[tuple[Any, Path]] = [(top, ())]
    while todo:
        holder, path = todo.pop()
        if len(path) > MAX_TOML_DEPTH:
            raise _too_deep(text, 0)
        pairs = holder.items() if isinstance(holder, dict) else enumerate(holder)
        for key, value in pairs:
            if isinstance(value, dict | list):
                todo.append((value, (*path, key)))
            elif isinstance(value, datetime.date | datetime.time):
                dates.append((holder, key, (*path, key)))
    return dates
