"""Colours that output asks for, as styles of ours; every other escape stays visible.

Only "select graphic rendition" is obeyed, and only in so far as it chooses a colour:
the sixteen colours and whatever comes near them become looks of the palette, which are
legible on its ground. What would hide text (conceal, a background) is left out.
"""

import re
from collections.abc import Iterator

_SGR = re.compile(r"\x1b\[([0-9;:]{0,64})m")

_STYLES = (
    "dim",  # black: unreadable as it is
    "out.red",
    "out.green",
    "out.yellow",
    "out.blue",
    "out.magenta",
    "out.cyan",
    "",
)
_LEVELS = (0, 95, 135, 175, 215, 255)


def has_sgr(text: str) -> bool:
    """Return whether anything in the text asks for a colour."""
    return "\x1b[" in text


def without_sgr(text: str) -> str:
    """Return the text without what asks for colours."""
    return _SGR.sub("", text) if "\x1b[" in text else text


def runs(text: str, plain: str = "") -> Iterator[tuple[str, str]]:
    """Yield pieces of the text, raw, each with the name of its style.

    ``plain`` is the style where no colour is asked for.
    """
    colour: str | None = None
    bold = False
    at = 0
    for found in _SGR.finditer(text):
        if found.start() > at:
            yield text[at : found.start()], _style(colour, bold, plain)
        colour, bold = _after(found.group(1), colour, bold)
        at = found.end()
    if at < len(text):
        yield text[at:], _style(colour, bold, plain)


def _style(colour: str | None, bold: bool, plain: str) -> str:
    if colour is None:
        return "strong" if bold and not plain else plain
    return ("strong" if bold else plain) if colour == "" else colour


def _after(codes: str, colour: str | None, bold: bool) -> tuple[str | None, bool]:
    numbers = [int(code or 0) for code in codes.replace(":", ";").split(";")]
    at = 0
    while at < len(numbers):
        code = numbers[at]
        if code == 0:
            colour, bold = None, False
        elif code == 1:
            bold = True
        elif code == 2:
            colour = colour or "dim"
        elif code == 22:
            bold = False
            colour = None if colour == "dim" else colour
        elif 30 <= code <= 37 or 90 <= code <= 97:
            colour = _STYLES[code % 10]
        elif code == 39:
            colour = None
        elif code in (38, 48):
            chosen, used = _extended(numbers[at + 1 :])
            if code == 38 and chosen is not None:
                colour = chosen
            at += used
        at += 1
    return colour, bold


def _extended(rest: list[int]) -> tuple[str | None, int]:
    """Return the style of ``5;n`` or ``2;r;g;b``, and how many numbers it takes."""
    if rest[:1] == [5] and len(rest) > 1:
        return _of_256(rest[1]), 2
    if rest[:1] == [2] and len(rest) > 3:
        return _nearest(rest[1], rest[2], rest[3]), 4
    return None, len(rest)


def _of_256(number: int) -> str | None:
    if number < 16:
        return _STYLES[number % 8]
    if number < 232:
        cube = number - 16
        red, green, blue = cube // 36, cube // 6 % 6, cube % 6
        return _nearest(_LEVELS[red], _LEVELS[green], _LEVELS[blue])
    return "dim" if number < 244 else "" if number < 256 else None


def _nearest(red: int, green: int, blue: int) -> str:
    """Return the style of a colour by what stands out in it."""
    highest, lowest = max(red, green, blue), min(red, green, blue)
    if highest - lowest < 48:
        return "dim" if highest < 128 else ""
    middle = (highest + lowest) / 2
    bits = (red > middle) | (green > middle) << 1 | (blue > middle) << 2
    return _STYLES[bits]
