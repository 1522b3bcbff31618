"""JSON with comments and trailing commas: its value, and where each part stands.

Comments and trailing commas are replaced by as many spaces, so that the standard
library's parser gives the value at C speed and every offset stays true. The slower
syntax tree is built only when somebody asks where something is.
"""

import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from bistro_tui.engine.config.lexis import (
    BOM,
    BRACKET,
    STRING,
    STRING_PATTERN,
    line_of,
    position_at,
    shorten,
)
from bistro_tui.engine.config.model import Json

Path: TypeAlias = tuple[str | int, ...]
"""Keys and indexes from the top of the file down to a value."""

MAX_DEPTH = 400
"""Far above any real config, and below what makes a parser give up."""

_COMMENT = re.compile(rf"{STRING_PATTERN}|//[^\n]*+|/\*(?:.*?\*/|.*)", re.DOTALL)
_COMMA = re.compile(rf"{STRING_PATTERN}|,[ \t\r\n]*+[\]}}]")
_STEPS = {"[": 1, "{": 1, "]": -1, "}": -1}
_NOT_BRACKET = re.compile(r"[^\[\]{}]++")
_WORD = re.compile(rf'{STRING_PATTERN}|[^\s,:\[\]{{}}"]++')
_PART = 2**16
"""Characters."""
_NOT_NEWLINE = re.compile(r"[^\r\n]")


class ConfigSyntaxError(ValueError):
    """A text is not JSON, even with comments and trailing commas."""

    def __init__(self, text: str, offset: int, problem: str) -> None:
        line, column = position_at(text, offset)
        super().__init__(f"{line}:{column}: {problem}")
        self.line, self.column, self.problem = line, column, problem
        self.source_line = line_of(text, line)


@dataclass(frozen=True, slots=True)
class Blanked:
    """Strict JSON of the same length, and where the comments were."""

    text: str
    comments: tuple[tuple[int, int], ...]
    """Start and end offsets."""


@dataclass(frozen=True, slots=True)
class ParsedText:
    """The value of a text, and the strict JSON that it was read from."""

    value: Json
    blanked: str
    """As long as the text: offsets in one are offsets in the other."""
    repeats_keys: bool
    """Some object has a key twice; its last value counts."""


class _WordError(Exception):
    """A word that the parser knows and JSON does not."""

    def __init__(self, word: str, problem: str) -> None:
        self.word, self.problem = word, problem


def parse_json(text: str) -> Json:
    """Return the value of a text; of a repeated key the last value counts.

    Raises ConfigSyntaxError for everything else than JSON with ``//`` and ``/* */``
    comments and trailing commas; also for NaN, infinities, numbers out of range and
    more than MAX_DEPTH nested brackets.
    """
    return parse_text(text).value


def parse_text(text: str) -> ParsedText:
    """Return the value and what else the parser saw; see ``parse_json``."""
    check_encodable(text)
    unmarked = " " + text[1:] if text.startswith(BOM) else text
    try:
        value, repeats_keys = _loads(unmarked)
        blanked = unmarked
    except (json.JSONDecodeError, _WordError, RecursionError):
        # Most files have neither comments nor trailing commas; only now look.
        blanked = blank(text).text
        _check_depth(text, blanked)
        value, repeats_keys = _loads_or_explain(text, blanked)
    else:
        _check_depth(text, blanked)
    return ParsedText(value, blanked, repeats_keys)


def blank(text: str) -> Blanked:
    """Replace comments and trailing commas by spaces, line ends kept.

    A comment that is never closed raises ConfigSyntaxError.
    """
    text = " " + text[1:] if text.startswith(BOM) else text
    comments: list[tuple[int, int]] = []
    pieces: list[str] = []
    done = 0
    for found in _COMMENT.finditer(text) if "/" in text else ():
        token = found.group()
        if token[0] == '"':
            continue
        if token.startswith("/*") and (len(token) < 4 or not token.endswith("*/")):
            raise ConfigSyntaxError(
                text, found.start(), "this comment is never closed: */ is missing"
            )
        comments.append(found.span())
        pieces += (text[done : found.start()], _NOT_NEWLINE.sub(" ", token))
        done = found.end()
    pieces.append(text[done:])
    return Blanked(_blank_commas("".join(pieces)), tuple(comments))


def _blank_commas(text: str) -> str:
    pieces: list[str] = []
    done = 0
    for found in _COMMA.finditer(text):
        at = found.start()
        if text[at] == "," and _last_visible(text, at) not in "[{,:":
            pieces += (text[done:at], " ")
            done = at + 1
    pieces.append(text[done:])
    return "".join(pieces)


def _last_visible(text: str, before: int) -> str:
    at = before - 1
    while at >= 0 and text[at] in " \t\r\n":
        at -= 1
    return text[at] if at >= 0 else "["


def _loads(blanked: str) -> tuple[Json, bool]:
    repeats_keys = False

    def build(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
        nonlocal repeats_keys
        built = dict(pairs)
        repeats_keys = repeats_keys or len(built) != len(pairs)
        return built

    value = json.loads(
        blanked,
        object_pairs_hook=build,
        parse_constant=_refuse_constant,
        parse_float=_finite,
        parse_int=_bounded,
    )
    return value, repeats_keys


def _refuse_constant(word: str) -> Json:
    raise _WordError(word, f"{word} is not a number that JSON has")


def _finite(word: str) -> float:
    number = float(word)
    if number in (float("inf"), float("-inf")):
        raise _WordError(word, f"{shorten(word)} is too large for a number")
    return number


def _bounded(word: str) -> int:
    try:
        return int(word)
    except ValueError:  # more digits than Python converts
        problem = f"{shorten(word)} is too large for a number"
        raise _WordError(word, problem) from None


def _loads_or_explain(text: str, blanked: str) -> tuple[Json, bool]:
    try:
        return _loads(blanked)
    except json.JSONDecodeError as error:
        # Only needed for a broken file, and longer than all the rest.
        from bistro_tui.engine.config.syntax import explain

        offset, problem = explain(blanked, error.pos, error.msg)
        raise ConfigSyntaxError(text, offset, problem) from None
    except _WordError as error:
        offset = _offset_of_word(blanked, error.word)
        raise ConfigSyntaxError(text, offset, error.problem) from None


def _offset_of_word(blanked: str, word: str) -> int:
    starts = (f.start() for f in _WORD.finditer(blanked) if f.group() == word)
    return next(starts, 0)


def _check_depth(text: str, blanked: str) -> None:
    if blanked.count("[") + blanked.count("{") <= MAX_DEPTH:
        return
    brackets = map(_brackets, _parts(blanked))
    steps = map(_STEPS.__getitem__, itertools.chain.from_iterable(brackets))
    if max(itertools.accumulate(steps), default=0) <= MAX_DEPTH:
        return
    depth = 0
    for found in BRACKET.finditer(blanked):
        depth += _STEPS.get(found.group(), 0)
        if depth > MAX_DEPTH:
            problem = f"nested too deeply: more than {MAX_DEPTH} open brackets"
            raise ConfigSyntaxError(text, found.start(), problem)


def _parts(text: str) -> Iterator[str]:
    """Return the text in parts of whole lines; no text of JSON is in two of them.

    Other threads wait while a pattern is looked for.
    """
    start = 0
    while start < len(text):
        end = text.find("\n", start + _PART) + 1 or len(text)
        yield text[start:end]
        start = end


def _brackets(part: str) -> str:
    return _NOT_BRACKET.sub("", STRING.sub("", part))


def check_encodable(text: str) -> None:
    """Raise ConfigSyntaxError for half of a surrogate pair."""
    if text.isascii():
        return
    try:
        text.encode()
    except UnicodeEncodeError as error:
        problem = "this character is half of a surrogate pair"
        raise ConfigSyntaxError(text, error.start, problem) from None
