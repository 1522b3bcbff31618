"""One line of a file shown to a person, with a caret under the place that matters.

A config is foreign text: nothing in it may move the cursor, hide characters or put
the caret under the wrong one. And it is shown to whoever reads a log: what stands
behind a key that is the name of a secret is not.
"""

import re
import unicodedata

from bistro_tui.engine.config.secrets import HIDDEN, SECRET

_BEFORE, _AFTER = 60, 40
"""Characters kept on each side of the caret in a line that is cut."""
_WHOLE = 110
"""Lines up to this many characters are shown whole."""
_NEAR = 2**16
"""Characters on each side of the caret that are looked through for secrets."""

_REST_OF_KEY = re.compile(r"""[^"':=,{}\[\]]{0,200}["']?\s{0,50}[:=]\s{0,50}""")
_VALUE = re.compile(
    r"""
    "(?:[^"\\]|\\.)*"?
    | '[^']*'?
    | \[[^\]]*\]?
    | \{[^}]*\}?
    | [^,}\]]+
    """,
    re.VERBOSE,
)
"""What may stand behind a key, as JSON, TOML or YAML have it in one line."""


def safe(text: str) -> str:
    """Return the text with every character that does not print made visible."""
    return "".join(map(_visible, text))


def excerpt(line: int, column: int, source_line: str) -> str:
    """Return the line behind its number, and below it a caret under ``column``.

    ``column`` is in characters from 1. A long line is cut around it.
    """
    column, source_line = _without_secrets(column, source_line)
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


def line_without_secrets(line: str) -> str:
    """Return a line with what stands behind keys that name secrets hidden."""
    return _without_secrets(1, line)[1]


def _without_secrets(column: int, line: str) -> tuple[int, str]:
    """Return the line near that column with secrets hidden, and the column in that."""
    begin = max(0, column - _NEAR)
    pieces, kept, shift = [line[:begin]], begin, 0
    for found in SECRET.finditer(line, begin, column + _NEAR):
        key = _REST_OF_KEY.match(line, found.end())
        value = _VALUE.match(line, key.end()) if key and key.start() >= kept else None
        if value is None:
            continue
        start, end = value.span()
        pieces += (line[kept:start], HIDDEN)
        kept = end
        if column - 1 >= end:
            shift += len(HIDDEN) - (end - start)
        elif column - 1 > start:
            shift += start - (column - 1)
    return column + shift, "".join((*pieces, line[kept:]))


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
