"""All rows at the top, as many as the height of the screen has room for."""

from collections.abc import Sequence
from dataclasses import replace

from bistro_tui.engine.view import Snapshot
from bistro_tui.present.arrangement import TOO_SMALL
from bistro_tui.present.head import (
    banner_lines,
    page_pieces,
    problem_count,
    title_pieces,
    totals_line,
)
from bistro_tui.present.pieces import Piece, Pieces
from bistro_tui.present.spans import Line, Scene, Span

_PAGE_LINE_ROWS = 30
"""Below this height the pages stand in the first line, by their keys."""


def head_rows(
    shown: Snapshot,
    scene: Scene,
    size: tuple[int, int],
    *,
    now: float,
    frozen: float | None,
    pages: Sequence[tuple[str, str]],
    current: str,
) -> list[Pieces]:
    """Return title, totals, pages and banners for a screen of that size.

    ``now`` goes on while ``scene`` is frozen. ``pages``: key and name of each.
    """
    width, height = size
    has_line = height >= _PAGE_LINE_ROWS
    lines: list[Line] = [
        totals_line(shown, scene, width),
        *banner_lines(shown.banners, width, max(1, min(5, height // 10))),
    ]
    found: list[Pieces] = [(Piece(line),) for line in lines]
    if has_line:
        found.insert(1, page_pieces(pages, current, width))
    title = title_pieces(
        shown,
        replace(scene, now=now),
        width,
        frozen=frozen,
        problems=problem_count(shown),
        pages=() if has_line else pages,
        current=current,
    )
    return [title, *found]


def too_small_lines(size: tuple[int, int]) -> list[Line]:
    """Return what a screen of that size says instead of everything else."""
    needed = f"needs {TOO_SMALL[0]}×{TOO_SMALL[1]}"
    return [
        (Span("too small", "strong"),),
        (Span(f"{size[0]}×{size[1]}"),),
        (Span(needed, "dim"),),
    ]
