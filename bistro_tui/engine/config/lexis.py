"""What strings, brackets, lines and columns are in a text. Pure."""

import re
from typing import NamedTuple

BOM = "\ufeff"

STRING_PATTERN = r'"[^"\\\n]*+(?:\\[^\n][^"\\\n]*+)*+(?:"|\\?)'
"""A string, also one that is never closed."""
STRING = re.compile(STRING_PATTERN)
BRACKET = re.compile(rf"{STRING_PATTERN}|[\[\]{{}}]")

TOML_STRING_OR_COMMENT = re.compile(
    r'"""(?:[^"\\]++|\\.|"{1,2}(?!"))*+(?:"{3,5}|\\?\Z)'
    r"|'''(?:[^']++|'{1,2}(?!'))*+(?:'{3,5}|\Z)"
    r'|"(?:[^"\\\n]++|\\[^\n])*+"?'
    r"|'[^'\n]*+'?"
    r"|\#[^\n]*+",
    re.DOTALL,
)
"""Each to its end, or as far as it goes if it is never closed."""


class Position(NamedTuple):
    """A place in a text, as editors count: both numbers from 1, in characters."""

    line: int
    column: int


def position_at(text: str, offset: int) -> Position:
    """Return the line and column of an offset in characters."""
    line_start = text.rfind("\n", 0, offset) + 1
    # The byte order mark is part of the file but of no line that a person sees.
    hidden = 1 if line_start == 0 and offset > 0 and text.startswith(BOM) else 0
    line = text.count("\n", 0, line_start) + 1
    return Position(line, offset - line_start + 1 - hidden)


def line_of(text: str, line: int) -> str:
    """Return that line (from 1) without its line end; empty past the last one."""
    start = 0
    for _ in range(line - 1):
        start = text.find("\n", start) + 1
        if start == 0:
            return ""
    end = text.find("\n", start)
    return text[start : end if end >= 0 else None].removeprefix(BOM).removesuffix("\r")


def shorten(text: str, limit: int = 60) -> str:
    """Return the text, cut with an ellipsis if it is longer than ``limit``."""
    return text if len(text) <= limit else text[: limit - 1] + "…"
