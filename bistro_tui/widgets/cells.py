"""From styled text to terminal cells: the only place that makes Textual strips."""

from collections.abc import Iterator

from rich.cells import cell_len, get_character_cell_size
from rich.segment import Segment
from textual.strip import Strip

from bistro_tui.present.spans import Line, Span
from bistro_tui.widgets.theme import NIGHT_INKS, Inks

__all__ = ["cut", "line_cells", "padded", "split_hard", "to_strip", "wrap"]


def line_cells(line: Line) -> int:
    """Return how many cells a line takes."""
    return sum(cell_len(span.text) for span in line)


def cut(line: Line, width: int) -> Line:
    """Return the line in at most ``width`` cells, an ellipsis for what is cut."""
    room = max(width, 0)
    kept: list[Span] = []
    for span in line:
        # A cell holds few characters, so the far end of a long text is never measured.
        text = span.text[: room * 4 + 16]
        cells = cell_len(text)
        if cells <= room and len(text) == len(span.text):
            kept.append(span)
            room -= cells
            continue
        if room > 0:
            kept.append(Span(_head(text, room - 1) + "…", span.style))
        elif kept:
            _end_with_ellipsis(kept)
        return tuple(kept)
    return tuple(kept)


def _end_with_ellipsis(kept: list[Span]) -> None:
    last = kept[-1]
    cells = cell_len(last.text)
    if last.text and last.text != " " and cells:
        text = _head(last.text, cells - 1) + "…"
        kept[-1] = Span(text + " " * (cells - cell_len(text)), last.style)


def _head(text: str, width: int) -> str:
    taken = 0
    for index, char in enumerate(text):
        taken += get_character_cell_size(char)
        if taken > width:
            return text[:index]
    return text


def padded(line: Line, width: int, *, right: bool = False) -> Line:
    """Return the line in exactly ``width`` cells, cut or filled with blanks."""
    line = cut(line, width)
    space = width - line_cells(line)
    if space <= 0:
        return line
    blank = Span(" " * space)
    return (blank, *line) if right else (*line, blank)


def to_strip(
    line: Line, width: int, *, row: str = "", inks: Inks = NIGHT_INKS
) -> Strip:
    """Return the line as a strip of exactly ``width`` cells."""
    if width <= 0:
        return Strip([], 0)
    segments = [
        Segment(span.text, inks.style(span.style, row))
        for span in padded(line, width)
        if span.text
    ]
    return Strip(segments, width)


def split_hard(text: str, width: int) -> Iterator[str]:
    """Yield the text in pieces of at most ``width`` cells; at least one piece."""
    if width <= 0 or cell_len(text) <= width:
        yield text
        return
    if text.isascii():
        for start in range(0, len(text), width):
            yield text[start : start + width]
        return
    start = taken = 0
    for index, char in enumerate(text):
        size = get_character_cell_size(char)
        if taken + size > width and index > start:
            yield text[start:index]
            start, taken = index, 0
        taken += size
    yield text[start:]


def wrap(line: Line, width: int, *, indent: int = 0) -> list[Line]:
    """Return the line as rows of at most ``width`` cells, broken between words.

    Rows after the first begin with ``indent`` blanks.
    """
    if line_cells(line) <= width or width <= indent + 4:
        return [line]
    rows: list[Line] = []
    row: list[Span] = []
    room = width
    for span in line:
        for word in _words(span.text):
            pieces = [word]
            if cell_len(word.rstrip(" ")) > width - indent:
                pieces = list(split_hard(word, width - indent))
            for piece in pieces:
                if cell_len(piece.rstrip(" ")) > room and row:
                    rows.append(_closed(row))
                    row = [Span(" " * indent)] if indent else []
                    room = width - indent
                    piece = piece.lstrip(" ")
                row.append(Span(piece, span.style))
                room -= cell_len(piece)
    rows.append(_closed(row))
    return rows


def _closed(row: list[Span]) -> Line:
    """Return a row without the blanks at its end."""
    *before, last = row
    return (*before, Span(last.text.rstrip(" "), last.style))


def _words(text: str) -> Iterator[str]:
    """Yield words, each with the blanks after it."""
    start = 0
    for index in range(1, len(text)):
        if text[index - 1] == " " and text[index] != " ":
            yield text[start:index]
            start = index
    yield text[start:]
