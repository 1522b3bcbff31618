"""Adding and removing one item between brackets, in any format that has them. Pure."""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

Span = tuple[int, int]

_LINE_END = re.compile(r"\r?\n")


class Bracketed(NamedTuple):
    """The items of an object or a list, as they stand in its text."""

    text: str
    opening: int
    """The offset behind the opening bracket."""
    items: Sequence[Span]
    """In the order of the text; of an object a key and its value."""
    gap: re.Pattern[str]
    """What may stand between items: spaces, line ends and comments; or nothing."""
    rest: re.Pattern[str]
    """What may end a line after an item: spaces, a comment, and the line end."""


def without_item(found: Bracketed, index: int) -> str:
    """Return the text without that item, its comma, and the lines that only it has.

    A comment in the same line goes with a whole line; one in a line above stays.
    """
    text = found.text
    start, end = found.items[index]
    comma = _comma(found, end)
    if comma is not None:
        return cut(text, [_with_space(found, start, comma + 1, is_last=False)])
    if index == 0:
        return cut(text, [_with_space(found, start, end, is_last=True)])
    before = _comma(found, found.items[index - 1][1])
    assert before is not None
    region = _with_space(found, start, end, is_last=True)
    if text[before + 1 : region[0]].isspace() and region[1] == end:
        region = (before, end)
    return cut(text, [(before, before + 1), region])


def with_item(found: Bracketed, make: Callable[[str | None], str]) -> str:
    """Return the text with one more item, after the last one; there is one.

    ``make`` gives it, told the indent of its line; None: it shares a line.
    """
    text = found.text
    start, end = found.items[-1]
    comma = _comma(found, end)
    after = end if comma is None else comma + 1
    rest = found.rest.match(text, after)
    indent = indent_of_line(text, start, found.opening)
    if rest is None or indent is None:
        if comma is None:
            return f"{text[:end]}, {make(None)}{text[end:]}"
        return f"{text[:after]} {make(None)},{text[after:]}"
    newline = "\r\n" if rest.group().endswith("\r\n") else "\n"
    at = rest.end() - len(newline)
    first, last = (",", "") if comma is None else ("", ",")
    space = newline if _leaves_lines_between(found) else ""
    item = f"{space}{newline}{indent}{make(indent)}{last}"
    return text[:end] + first + text[end:at] + item + text[at:]


def indent_of_line(text: str, start: int, opening: int) -> str | None:
    """Return what stands before an item in its line; None if that is not only space."""
    line_start = text.rfind("\n", 0, start) + 1
    before = text[line_start:start]
    return None if line_start < opening or before.strip(" \t") else before


def cut(text: str, spans: Sequence[Span]) -> str:
    """Return the text without these; they may overlap."""
    kept, done = [], 0
    for start, end in sorted(spans):
        kept.append(text[done : max(done, start)])
        done = max(done, end)
    return "".join(kept) + text[done:]


def _comma(found: Bracketed, end: int) -> int | None:
    """Return where the comma after an item is, None if there is none."""
    gap = found.gap.match(found.text, end)
    at = gap.end() if gap else end
    return at if found.text.startswith(",", at) else None


def _with_space(found: Bracketed, start: int, end: int, *, is_last: bool) -> Span:
    """Return what goes with an item and its comma: whole lines, or spaces."""
    text = found.text
    rest = found.rest.match(text, end)
    indent = indent_of_line(text, start, found.opening)
    if rest is not None and indent is not None:
        return start - len(indent), rest.end()
    if rest is not None or (is_last and len(found.items) > 1):
        return _skip_back(text, start), end
    while text[end : end + 1] in (" ", "\t"):
        end += 1
    return start, end


def _skip_back(text: str, start: int) -> int:
    while start > 0 and text[start - 1] in " \t":
        start -= 1
    return start


def _leaves_lines_between(found: Bracketed) -> bool:
    """Return whether there is an empty line before the last item."""
    if len(found.items) < 2:
        return False
    between = found.text[found.items[-2][1] : found.items[-1][0]]
    return any(not line.strip() for line in _LINE_END.split(between)[1:-1])
