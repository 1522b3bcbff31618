"""The last step before the terminal where that has only ASCII."""

from collections.abc import Iterable
from functools import lru_cache

from rich.cells import get_character_cell_size
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from bistro_tui.present.ascii import ascii_sign


class AsciiOnly(LineFilter):
    """Replaces every sign by an ASCII one; each line stays as wide as it was."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Return the segments in ASCII."""
        return [
            segment
            if segment.text.isascii()
            else Segment(in_ascii(segment.text), segment.style, segment.control)
            for segment in segments
        ]


def in_ascii(text: str) -> str:
    """Return the text in ASCII and in as many cells; ``?`` for what is foreign."""
    return "".join(_signs(text))


def _signs(text: str) -> Iterable[str]:
    return map(_sign, text)


@lru_cache(maxsize=4096)
def _sign(char: str) -> str:
    width = get_character_cell_size(char)
    known = ascii_sign(char)
    if known is None:
        return "?" * width
    # A wide one says it once, as it did: the rest of its cells are blank.
    return known.ljust(width)
