"""Pages of several sources as one page. Pure."""

from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import NamedTuple

from bistro_tui.engine.logs.places import Place
from bistro_tui.engine.logs.query import PAGE_BYTES, THE_END
from bistro_tui.engine.logs.rows import StoredLine


class Part(NamedTuple):
    """The page of one source."""

    source: int
    """Its number, as places have it."""
    lines: Sequence[StoredLine]
    """In the order that was asked for."""
    next_line_id: int
    """``THE_END`` where it has no more."""


class Merged(NamedTuple):
    """One page of all of them."""

    lines: tuple[StoredLine, ...]
    next: Place | None
    """The first line that is not on it would be there; None: that is all."""


def merged(parts: Sequence[Part], *, ascending: bool, limit: int) -> Merged:
    """Return the lines up to where a source has more than it told.

    In the order of (line id, source). Lines of one source with the same id are never
    parted, whatever the limit.
    """
    sign = 1 if ascending else -1
    ends = [
        (sign * part.next_line_id, sign * part.source)
        for part in parts
        if part.next_line_id != THE_END
    ]
    end = min(ends, default=None)
    keyed = [
        ((sign * line.line_id, sign * part.source), line)
        for part in parts
        for line in part.lines
    ]
    keyed.sort(key=itemgetter(0))
    taken: list[StoredLine] = []
    size, before = 0, None
    for key, line in keyed:
        if end is not None and key >= end:
            break
        size += len(line.line)
        is_full = len(taken) >= limit or size > PAGE_BYTES
        if is_full and taken and key != before:
            end = key
            break
        taken.append(line)
        before = key
    if end is None:
        return Merged(tuple(taken), None)
    return Merged(tuple(taken), Place(sign * end[0], sign * end[1]))


def is_of_one(parts: Iterable[Part]) -> bool:
    """Whether all but one of them had nothing, and have nothing more."""
    speaking = [part for part in parts if part.lines or part.next_line_id != THE_END]
    return len(speaking) <= 1
