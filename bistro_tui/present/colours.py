"""Colours as numbers: how well they can be told apart, and palettes made of few.

Source: WCAG 2.2, relative luminance and contrast ratio.
"""

from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from typing import Any, TypeAlias

from bistro_tui.present.palette import DAY, NIGHT, Palette

READABLE = 4.5
"""The contrast that text needs against its ground."""

Rgb: TypeAlias = tuple[float, float, float]


def rgb(colour: str) -> Rgb:
    """Return ``#rrggbb`` or ``#rgb`` as three numbers from 0 to 255.

    Raises ValueError for anything else.
    """
    digits = colour.removeprefix("#")
    if not colour.startswith("#") or len(digits) not in (3, 6) or not digits.isalnum():
        raise ValueError(f"{colour!r} is no colour like #1a2b3c")
    if len(digits) == 3:
        digits = "".join(digit * 2 for digit in digits)
    try:
        red, green, blue = bytes.fromhex(digits)
    except ValueError:
        raise ValueError(f"{colour!r} is no colour like #1a2b3c") from None
    return (red, green, blue)


def luminance(colour: str) -> float:
    """Return how bright it is, from 0 to 1."""
    parts = []
    for value in rgb(colour):
        share = value / 255
        parts.append(
            share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4
        )
    red, green, blue = parts
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours, from 1 to 21."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def mixed(one: str, other: str, share: float) -> str:
    """Return ``one`` with that share of ``other`` in it."""
    pairs = zip(rgb(one), rgb(other), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def readable(colour: str, grounds: Iterable[str], *, is_dark: bool) -> str:
    """Return the colour, lightened or darkened until it can be read on all of these."""
    goal = "#ffffff" if is_dark else "#000000"
    backs = list(grounds)
    for step in range(21):
        tried = mixed(colour, goal, step / 20)
        if all(contrast(tried, ground) >= READABLE for ground in backs):
            return tried
    return goal


def palette_from(
    *,
    ground: str,
    raised: str,
    ink: str,
    accent: str,
    success: str,
    warning: str,
    error: str,
) -> Palette:
    """Return a whole palette in the spirit of these colours, readable throughout."""
    is_dark = luminance(ground) < luminance(ink)
    like = NIGHT if is_dark else DAY
    cursor = mixed(ground, accent, 0.25)
    cursor_off = mixed(ground, ink, 0.1)
    marked = mixed(ground, like.mark, 0.16)
    grounds = (ground, raised, cursor, cursor_off, marked)

    def text(colour: str) -> str:
        return readable(colour, grounds, is_dark=is_dark)

    return Palette(
        ink=text(ink),
        dim=text(mixed(ink, ground, 0.4)),
        faint=mixed(ink, ground, 0.65),
        ground=ground,
        raised=raised,
        cursor=cursor,
        cursor_off=cursor_off,
        accent=text(accent),
        mark=text(like.mark),
        marked=marked,
        running=text(like.running),
        ready=text(mixed(ink, accent, 0.3)),
        blocked=text(warning),
        backoff=text(mixed(warning, error, 0.5)),
        done=text(success),
        failed=text(error),
        stderr=text(mixed(warning, ink, 0.4)),
        violet=text(like.violet),
        is_dark=is_dark,
    )


COLOUR_NAMES = tuple(
    field.name for field in fields(Palette) if not isinstance(field.default, bool)
)
"""What a person may set in a theme of their own."""


def with_colours(base: Palette, colours: Mapping[str, str]) -> Palette:
    """Return the palette with some colours changed; it is light or dark by its ground.

    ``base`` must not be made of the terminal's colours. Raises ValueError for what is
    no colour.
    """
    for colour in colours.values():
        rgb(colour)
    changes: dict[str, Any] = dict(colours)
    made = replace(base, **changes)
    return replace(made, is_dark=luminance(made.ground) < luminance(made.ink))
