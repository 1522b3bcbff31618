"""What is wrong with a text that is not TOML, in a person's words. Pure."""

import re
from collections.abc import Callable, Mapping

from bistro_tui.engine.config.coerce import show
from bistro_tui.engine.config.lexis import TOML_STRING_OR_COMMENT, position_at, shorten
from bistro_tui.engine.config.syntax import RIGHT_WORDS

_PLACE = re.compile(
    r"(?P<problem>.*) \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of "
    r"document)\)",
    re.DOTALL,
)
_WORD = re.compile(r"[^\s,=\[\]{}#\"']+")
_BRACKET = re.compile(r"[\[\]{}]")
_NUMBER = re.compile(r"[+-]?[0-9.]")
_PLAIN = {
    "Expected newline or end of document": "expected the end of the line here",
    "Expected ']' at the end of a table": "expected a ] after the table's name",
    "Expected ']]' at the end of an array": "expected ]] after the table's name",
    "Invalid date or datetime": "this is not a date of the calendar",
    "Invalid hex value": "\\u needs four hex digits, \\U eight",
    "Unescaped '\\' in a string": (
        "this is not an escape; a backslash itself is written \\\\"
    ),
}


def explain_toml(text: str, complaint: str) -> tuple[int, str]:
    """Return where to point, and what to say instead of the parser's complaint."""
    found = _PLACE.fullmatch(complaint)
    if found is None:
        return 0, complaint
    problem = found["problem"]
    offset = len(text.rstrip())
    if found["line"]:
        offset = _offset(text, int(found["line"]), int(found["column"]))
    if problem.startswith("Expected") and text.startswith(">", offset):
        return offset, 'a key with > in it needs quotes, such as "bistro_job->NAME"'
    for beginning, explain in _EXPLANATIONS.items():
        if problem.startswith(beginning):
            return explain(text, offset)
    for beginning, plain in _PLAIN.items():
        if problem.startswith(beginning):
            return offset, plain + _at_the_end(text, offset)
    return offset, problem[:1].lower() + shorten(problem[1:], 200)


def _offset(text: str, line: int, column: int) -> int:
    start = 0
    for _ in range(line - 1):
        start = text.find("\n", start) + 1
    return min(start + column - 1, len(text))


def _at_the_end(text: str, offset: int) -> str:
    return ": the file ends" if offset >= len(text.rstrip()) else ""


def _explain_key(text: str, offset: int) -> tuple[int, str]:
    char, word = text[offset : offset + 1], _WORD.match(text, offset)
    if char.isalpha() and word is not None:
        shown = shorten(word.group())
        return offset, f'a key with {char} in it needs quotes: "{shown}"'
    return offset, "expected a key, or a [table], here" + _at_the_end(text, offset)


def _explain_equals(text: str, offset: int) -> tuple[int, str]:
    char = text[offset : offset + 1]
    shown = f", not {char}" if char in (*"->:",) else _at_the_end(text, offset)
    return offset, f"expected a = after the key{shown}"


def _explain_value(text: str, offset: int) -> tuple[int, str]:
    found = _WORD.match(text, offset)
    if found is None:
        return offset, "expected a value here" + _at_the_end(text, offset)
    word = found.group()
    right = "null" if word == "null" else RIGHT_WORDS.get(word)
    if right == "null":
        return offset, "TOML has no null: leave the key out"
    if right is not None:
        return offset, f"write {right}, not {word}"
    if _NUMBER.match(word):
        return offset, f"{shorten(word)} is not a number that TOML has"
    return offset, f'text needs quotes: "{shorten(word)}"'


def _explain_unclosed(text: str, offset: int) -> tuple[int, str]:
    opened: list[int] = []
    done = 0
    for found in TOML_STRING_OR_COMMENT.finditer(text, 0, offset):
        _open_and_close(text, done, found.start(), opened)
        if found.end() >= offset and found.group()[0] != "#":
            return found.start(), "this string is never closed"
        done = found.end()
    _open_and_close(text, done, offset, opened)
    if not opened:
        return offset, "expected a closing bracket here"
    bracket, line = text[opened[-1]], position_at(text, opened[-1]).line
    if offset >= len(text.rstrip()):
        problem = f"the file ends here, but the {bracket} of line {line} is not closed"
        return len(text.rstrip()), problem
    close = "]" if bracket == "[" else "}"
    problem = f"expected a comma or {close} here: the {bracket} of line {line} is open"
    return offset, problem


def _open_and_close(text: str, start: int, end: int, opened: list[int]) -> None:
    for found in _BRACKET.finditer(text, start, end):
        if found.group() in "[{":
            opened.append(found.start())
        elif opened:
            opened.pop()


def _explain_character(text: str, offset: int) -> tuple[int, str]:
    char = text[offset : offset + 1]
    if char == "\n" or not char:
        return offset, "this string is not closed on its line"
    return offset, f"the character U+{ord(char):04X} cannot stand here"


def _explain_twice(text: str, offset: int) -> tuple[int, str]:
    # Only here the grammar is needed.
    from bistro_tui.engine.config.toml_places import TomlTree

    # What follows was never looked at by the parser, and may be anything.
    end = text.find("\n", offset)
    try:
        known = text[: end if end >= 0 else None]
        conflicts = TomlTree(known, is_eager=True).conflicts
    except RecursionError:
        conflicts = []
    if not conflicts:
        return offset, "this is there already, in another form"
    key, first, second = conflicts[0]
    line = position_at(text, first).line
    shown = show(shorten(key))
    message = f"{shown} is there already, in line {line}; TOML allows each key once"
    return second, message


_EXPLANATIONS: Mapping[str, Callable[[str, int], tuple[int, str]]] = {
    "Cannot ": _explain_twice,
    "Duplicate": _explain_twice,
    "Unclosed": _explain_unclosed,
    "Unterminated": _explain_unclosed,
    "Expected \"'": _explain_unclosed,
    "Invalid value": _explain_value,
    "Illegal character": _explain_character,
    "Found invalid character": _explain_character,
    "Invalid statement": _explain_key,
    "Invalid initial character for a key": _explain_key,
    "Expected '=' after a key": _explain_equals,
}
