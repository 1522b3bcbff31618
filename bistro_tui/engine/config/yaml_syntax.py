"""What is wrong with a text that is not YAML, in a person's words. Pure."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from bistro_tui.engine.config.lexis import position_at, shorten

_WORD = re.compile(r"[^\s,\[\]{}]+")


def explain_yaml(text: str, error: Any) -> tuple[int, str]:  # noqa: ANN401 - untyped
    """Return where to point, and what to say instead of the parser's complaint."""
    complaint = getattr(error, "problem", None) or str(error)
    mark = getattr(error, "problem_mark", None)
    began = getattr(error, "context_mark", None)
    context = getattr(error, "context", None) or ""
    at = min(mark.index, len(text)) if mark is not None else 0
    start = began.index if began is not None else at
    for beginning, explain in _EXPLANATIONS.items():
        if complaint.startswith(beginning):
            return explain(text, at, start)
    if began is None or start == at:
        return at, shorten(complaint, 200)
    line = position_at(text, start).line
    return at, f"{shorten(complaint, 200)} ({context} that begins in line {line})"


def _explain_token(text: str, at: int, start: int) -> tuple[int, str]:
    char = text[at : at + 1]
    if char == "\t":
        return at, "a tab cannot indent in YAML: use spaces"
    found = _WORD.match(text, at)
    word = shorten(found.group()) if found else char
    return at, f"text that begins with {char} needs quotes: '{word}'"


def _explain_colon(text: str, at: int, start: int) -> tuple[int, str]:
    line_start = text.rfind("\n", 0, at) + 1
    before = text[line_start:at]
    if ": " in before or before.rstrip().endswith(("'", '"')):
        return at, "a second : on this line; text with a : in it needs quotes"
    return at, "no key can stand here; is this line indented as the one above it?"


def _explain_key(text: str, at: int, start: int) -> tuple[int, str]:
    line = position_at(text, start).line
    char = text[at : at + 1]
    if char and char in "]}":
        return at, f"this {char} closes nothing: there is one too many"
    indent = f"is it indented as the object that begins in line {line}?"
    return at, f"expected a key here; {indent}"


def _explain_item(text: str, at: int, start: int) -> tuple[int, str]:
    line = position_at(text, start).line
    return at, f"expected a - here, as the list has that begins in line {line}"


def _explain_flow(text: str, at: int, start: int) -> tuple[int, str]:
    bracket = text[start : start + 1]
    close = {"{": "}", "[": "]"}.get(bracket, "a closing bracket")
    line = position_at(text, start).line
    end = len(text.rstrip())
    if at >= end:
        problem = f"the file ends here, but the {bracket} of line {line} is not closed"
        return end, problem
    return at, f"expected a comma or {close} here: the {bracket} of line {line} is open"


def _explain_content(text: str, at: int, start: int) -> tuple[int, str]:
    end = len(text.rstrip())
    if at >= end:
        return end, "the file ends here, but a value or a closing bracket was expected"
    return at, f"expected a value here, before this {text[at]}"


def _explain_string_end(text: str, at: int, start: int) -> tuple[int, str]:
    return start, "this string is never closed"


def _explain_escape(text: str, at: int, start: int) -> tuple[int, str]:
    start = at if text[at : at + 1] == "\\" else max(at - 1, 0)
    escape = text[start : start + 2]
    problem = f"{escape} is not an escape; a backslash itself is written \\\\"
    return start, f"{problem}, and in single quotes it is as it is"


def _explain_missing_colon(text: str, at: int, start: int) -> tuple[int, str]:
    return start, "expected a : after the key that begins here"


def _explain_document(text: str, at: int, start: int) -> tuple[int, str]:
    char = text[at : at + 1]
    if char and char in "]}":
        return at, f"this {char} closes nothing: there is one too many"
    return at, "expected the end of the file here"


_EXPLANATIONS: Mapping[str, Callable[[str, int, int], tuple[int, str]]] = {
    "found character that cannot start any token": _explain_token,
    "found character '": _explain_token,
    "found a tab character": _explain_token,
    "mapping values are not allowed": _explain_colon,
    "did not find expected key": _explain_key,
    "expected <block end>": _explain_key,
    "did not find expected '-' indicator": _explain_item,
    "did not find expected ',' or": _explain_flow,
    "expected ',' or": _explain_flow,
    "did not find expected node content": _explain_content,
    "expected the node content": _explain_content,
    "found unexpected end of stream": _explain_string_end,
    "found unexpected document indicator": _explain_string_end,
    "found unknown escape character": _explain_escape,
    "could not find expected ':'": _explain_missing_colon,
    "did not find expected <document start>": _explain_document,
    "expected '<document start>'": _explain_document,
}
