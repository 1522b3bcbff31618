"""Styled text without a screen library: what ``present`` makes and widgets draw."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias


class Span(NamedTuple):
    """A run of safe text in one style; style names are those of ``palette.LOOKS``."""

    text: str
    style: str = ""


Line: TypeAlias = tuple[Span, ...]
"""One row of text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What the drawing of live rows depends on beside the rows themselves."""

    now: float
    """Wall seconds: ages are counted up to here."""
    plain: bool = False
    """No colour: bars are told apart by their characters."""


def plain_text(line: Iterable[Span]) -> str:
    """Return the characters of a line."""
    return "".join(span.text for span in line)


def joined(parts: Iterable[Line], gap: str = "  ") -> Line:
    """Return the parts in one line with a gap between each two."""
    spans: list[Span] = []
    for part in parts:
        if spans:
            spans.append(Span(gap))
        spans.extend(part)
    return tuple(spans)
