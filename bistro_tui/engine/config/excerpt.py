"""One line of a file shown to a person, with a caret under the place that matters.

A config is foreign text: nothing in it may move the cursor, hide characters or put
the caret under the wrong one.
"""

import unicodedata

_BEFORE, _AFTER = 60, 40
"""Characters kept on each side of the caret in a line that is cut."""
_WHOLE = 110
"""Lines up to this many characters are shown whole."""


def safe(text: str) -> str:
    """Return the text with every character that does not print made visible."""
    return "".join(map(_visible, text))


def excerpt(line: int, column: int, source_line: str) -> str:
    """Return the line behind its number, and below it a caret under ``column``.

    ``column`` is in characters from 1. A long line is cut around it.
    """
    start, end = 0, len(source_line)
    if end > _WHOLE:
        start = max(0, min(column - 1, end) - _BEFORE)
        end = min(end, start + _BEFORE + _AFTER)
    before = ("…" if start else "") + safe(source_line[start : column - 1])
    after = safe(source_line[max(start, column - 1) : end])
    cut = "…" if end < len(source_line) else ""
    gutter = f"{line:>5} | "
    pad = " " * (len(gutter) - 2) + "| " + " " * _cells(before)
    return f"{gutter}{before}{after}{cut}\n{pad}^"


def _visible(char: str) -> str:
    if char == "\t":
        return "    "
    if char < " ":
        return chr(0x2400 + ord(char))  # the Unicode picture of that control
    if char.isprintable():
        return char
    code = ord(char)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _cells(text: str) -> int:
    """Return how many terminal cells a text of printable characters takes."""
    return len(text) if text.isascii() else sum(map(_width, text))


def _width(char: str) -> int:
    if unicodedata.category(char) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in ("W", "F") else 1
