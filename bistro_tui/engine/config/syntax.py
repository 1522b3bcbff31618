"""What is wrong with a text that is not JSON, in a person's words."""

import re
from collections.abc import Callable, Mapping

from bistro_tui.engine.config.lexis import BRACKET, STRING, position_at, shorten

_WORD = re.compile(r"[^\s,:\[\]{}\"']+")
_CLOSING = {"{": "}", "[": "]"}
RIGHT_WORDS = {
    "True": "true",
    "False": "false",
    "None": "null",
    "TRUE": "true",
    "FALSE": "false",
    "NULL": "null",
    "yes": "true",
    "no": "false",
    "undefined": "null",
    "nil": "null",
}


def explain(text: str, offset: int, complaint: str) -> tuple[int, str]:
    """Return where to point, and what to say instead of the parser's complaint.

    ``text`` is without comments; ``offset`` and ``complaint`` are those of
    ``json.JSONDecodeError``.
    """
    if not text.strip():
        return 0, 'there is nothing here: a config begins with { "bistro_settings": …'
    if complaint.startswith(("Unterminated", "Invalid")):
        return _explain_string(text, offset, complaint)
    while offset < len(text) and text[offset].isspace():
        offset += 1
    if offset >= len(text):
        return _explain_end(text)
    if text[offset] == "'":
        return offset, "text needs double quotes, not single ones"
    for beginning, explain_token in _EXPLANATIONS.items():
        if complaint.startswith(beginning):
            return explain_token(text, offset)
    return offset, complaint[:1].lower() + complaint[1:]


def _explain_string(text: str, offset: int, complaint: str) -> tuple[int, str]:
    if complaint.startswith("Unterminated"):
        return offset, 'this string is never closed: a " is missing'
    if complaint.startswith("Invalid control"):
        if text[offset] in "\r\n":
            tokens = STRING.finditer(text, 0, offset)
            opening = max((token.start() for token in tokens), default=offset)
            return opening, 'this string is not closed on its line: a " is missing'
        code = f"\\u{ord(text[offset]):04x}"
        written = {"\t": "\\t", "\b": "\\b", "\f": "\\f"}.get(text[offset], code)
        return offset, f"a control character in a string has to be written {written}"
    backslash = text.rfind("\\", 0, offset + 1)
    if text[backslash + 1 : backslash + 2] == "u":
        return backslash, "\\u needs four hex digits, such as \\u00e9"
    escape = text[backslash : backslash + 2]
    return backslash, f"{escape} is not an escape; a backslash itself is written \\\\"


def _explain_end(text: str) -> tuple[int, str]:
    end = len(text.rstrip())
    innermost = _innermost(text, end)
    if innermost is None:
        return end, "the file ends here, but a value was expected"
    bracket, at = innermost
    line = position_at(text, at).line
    return end, f"the file ends here, but the {bracket} of line {line} is never closed"


def _explain_value(text: str, offset: int) -> tuple[int, str]:
    found = _WORD.match(text, offset)
    if found is None:
        return offset, f"expected a value here, before this {text[offset]}"
    word = found.group()
    if word in RIGHT_WORDS:
        return offset, f"write {RIGHT_WORDS[word]}, not {word}"
    if word[0] in "+-.0123456789":
        return offset, f"{shorten(word)} is not a number that JSON has"
    return offset, f'text needs double quotes: "{shorten(word)}"'


def _explain_key(text: str, offset: int) -> tuple[int, str]:
    found = _WORD.match(text, offset)
    if found is None:
        wanted = "expected a key in double quotes here"
        return offset, f"{wanted}, before this {text[offset]}"
    return offset, f'a key needs double quotes: "{shorten(found.group())}"'


def _explain_colon(text: str, offset: int) -> tuple[int, str]:
    return offset, f"expected a : after the key{_not_this(text, offset)}"


def _explain_comma(text: str, offset: int) -> tuple[int, str]:
    start = offset
    while start > 0 and (text[start - 1].isalnum() or text[start - 1] in "+-."):
        start -= 1
    if start < offset and (text[offset].isalnum() or text[offset] in "._"):
        word = _WORD.match(text, start)
        shown = shorten(word.group()) if word else ""
        return start, f"{shown} is neither a number nor a text in double quotes"
    innermost = _innermost(text, offset)
    if innermost is None:
        return offset, "expected a comma here"
    bracket, at = innermost
    close = _CLOSING[bracket]
    problem = f"expected a comma or {close} here{_not_this(text, offset)}"
    if text[offset] in "]}":
        line = position_at(text, at).line
        problem += f": the {bracket} of line {line} is still open"
    return offset, problem


def _explain_extra(text: str, offset: int) -> tuple[int, str]:
    if text[offset] in "]}":
        return offset, f"this {text[offset]} closes nothing: there is one too many"
    return offset, "expected the end here: one { … } is all that there may be"


_EXPLANATIONS: Mapping[str, Callable[[str, int], tuple[int, str]]] = {
    "Expecting value": _explain_value,
    "Expecting property name": _explain_key,
    "Expecting ':'": _explain_colon,
    "Expecting ','": _explain_comma,
    "Extra data": _explain_extra,
}


def _not_this(text: str, offset: int) -> str:
    return f", not {text[offset]}" if text[offset] in "=:;,]}[{" else ""


def _innermost(text: str, end: int) -> tuple[str, int] | None:
    """Return the last bracket still open before ``end``, and its offset."""
    opened: list[tuple[str, int]] = []
    for found in BRACKET.finditer(text, 0, end):
        token = found.group()
        if token in _CLOSING:
            opened.append((token, found.start()))
        elif token in "]}" and opened:
            opened.pop()
    return opened[-1] if opened else None
