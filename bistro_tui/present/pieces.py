"""Lines made of pieces, some of which do something when they are clicked."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeAlias

from bistro_tui.present.spans import Line, Span, plain_text


class Piece(NamedTuple):
    """A part of a line, and what a click on it asks for."""

    line: Line
    act: str = ""
    """A word for whoever shows it; empty: a click does nothing."""


Pieces: TypeAlias = Sequence[Piece]
"""One row."""


def piece(text: str, style: str = "", act: str = "") -> Piece:
    """Return a piece in one style."""
    return Piece((Span(text, style),), act)


def as_line(pieces: Iterable[Piece]) -> Line:
    """Return the row without what clicks do."""
    return tuple(span for one in pieces for span in one.line)


def chars(pieces: Iterable[Piece]) -> int:
    """Return how many characters the row has."""
    return sum(len(plain_text(one.line)) for one in pieces)
