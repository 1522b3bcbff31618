"""Where to go on reading lines of several stores, as one number. Pure.

Line ids of one store grow and are its alone; those of another store may be the same. So
lines of several are in the order of (line id, source), and a place among them names
both. A number no greater than ``LAST_ID`` is a line id in any source, as those know it
who read one store only.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from bistro_tui.engine.logs.query import LAST_ID

OWN = ""
"""The source of lines that are in this process's own store."""

MOST_DIGITS = 60
"""Of a number that is a place."""

_BITS = 64
_ANY = 0
_OWN_NUMBER = 1
_MARKS = 512
"""Answers that are remembered for who goes on from them."""


class Place(NamedTuple):
    """Where a line of some source is, or would be."""

    line_id: int
    source: int = _ANY
    """The number of its source; 0: whichever."""

    def begin(self, source: int, *, ascending: bool) -> int:
        """Return the first id of that source that is not before here."""
        if self.source == _ANY:
            return self.line_id
        if ascending:
            return self.line_id + (source < self.source)
        return self.line_id - (source > self.source)


class Begin(NamedTuple):
    """Where each source begins."""

    place: Place | None
    """None: at the end there is."""
    positions: Mapping[str, int] | None
    """How far some sources were read; None: nobody knows."""
    is_only_what_is_new: bool = False
    """Whether those positions are all that counts where there is one."""

    def of(self, source: str, *, ascending: bool) -> int | None:
        """Return the first id of that source; None: its first at all."""
        if self.place is None:
            return None
        first = self.place.begin(source_number(source), ascending=ascending)
        if not ascending or self.positions is None or source not in self.positions:
            return first
        read = self.positions[source] + 1
        return read if self.is_only_what_is_new else max(first, read)


def source_number(source: str) -> int:
    """Return the number by which a source stands among others with the same id."""
    if source == OWN:
        return _OWN_NUMBER
    raw = source.encode("utf-8", "surrogatepass")
    number = int.from_bytes(hashlib.blake2b(raw, digest_size=8).digest(), "big")
    return max(number, _OWN_NUMBER + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mark:
    """What a number says beside the place in it."""

    positions: Mapping[str, int]
    is_only_what_is_new: bool


class Places:
    """Makes numbers of places, and knows some time what they mean.

    A number that is no longer known still says where to go on, if not as exactly.
    """

    def __init__(self, epoch: int) -> None:
        """``epoch``: a second; a later one makes greater numbers."""
        self._next_mark = (epoch % (1 << 32)) << 32
        self._marks: OrderedDict[int, _Mark] = OrderedDict()
        self._newest: tuple[int, _Mark] | None = None

    def begin(self, number: int | None) -> Begin:
        """Return where the number says to begin; None: from the end there is."""
        if number is None:
            return Begin(None, None)
        if number <= LAST_ID:
            return Begin(Place(number), None)
        rest, line_id = divmod(number, 1 << _BITS)
        mark_number, source = divmod(rest, 1 << _BITS)
        place = Place(min(line_id, LAST_ID + 1), source)
        mark = self._marks.get(mark_number)
        if mark is None:
            return Begin(place, None)
        self._marks.move_to_end(mark_number)
        return Begin(place, mark.positions, mark.is_only_what_is_new)

    def number(
        self,
        place: Place,
        positions: Mapping[str, int] | None = None,
        *,
        is_only_what_is_new: bool = False,
    ) -> int:
        """Return the number of a place, and of how far sources were read before it."""
        mark = 0
        if positions is not None:
            mark = self._mark(
                _Mark(positions=positions, is_only_what_is_new=is_only_what_is_new)
            )
        return (mark << _BITS | place.source) << _BITS | place.line_id

    def _mark(self, mark: _Mark) -> int:
        if self._newest is not None and self._newest[1] == mark:
            return self._newest[0]
        self._next_mark += 1
        self._marks[self._next_mark] = mark
        self._newest = self._next_mark, mark
        while len(self._marks) > _MARKS:
            self._marks.popitem(last=False)
        return self._next_mark


def line_id_in(number: int) -> int:
    """Return the line id in a number that is a place, or that is one itself."""
    return number if number <= LAST_ID else number % (1 << _BITS)
