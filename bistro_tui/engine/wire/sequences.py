"""How one sequence of rows became another: which left, and which stand where.

The same rows are the same objects from one snapshot to the next, so most of a long
sequence is compared by identity, in slices.
"""

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

R = TypeVar("R")

_SLICES = (1024, 32)
"""Rows that are compared in one go, and those in which a difference is looked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference(Generic[R]):
    """What has to be done to the older sequence."""

    gone: Sequence[int]
    """Indexes of the older one that are left out, rising."""
    rows: Sequence[tuple[int, R]]
    """What stands at these indexes of the newer one, rising; the rows that were kept
    fill the places between."""


def difference(
    old: Sequence[R], new: Sequence[R], key: Callable[[R], Hashable]
) -> Difference[R] | None:
    """Return how ``old`` became ``new``, None if they are equal.

    Rows with one ``key`` are taken for one row that may have changed.
    """
    if old is new:
        return None
    if len(old) == len(new):
        changed = list(_unequal(old, new))
        # Where only few places differ, nothing has moved that would be worth a search.
        if len(changed) <= 1 or len(changed) < len(new) // 8:
            if not changed:
                return None
            return Difference(gone=changed, rows=[(i, new[i]) for i in changed])
    return _moved(old, new, key)


def applied(
    old: Sequence[R], gone: Sequence[int], rows: Sequence[tuple[int, R]]
) -> tuple[R, ...]:
    """Return the newer sequence. Raises ValueError if these do not belong together."""
    if [at for at, _ in rows] == gone == sorted(set(gone)):
        # Nothing moved: rows stand where others stood.
        return _replaced(old, rows)
    left_out = set(gone)
    if len(left_out) != len(gone) or not all(0 <= at < len(old) for at in left_out):
        raise ValueError("rows are left out that are not there")
    kept = [row for at, row in enumerate(old) if at not in left_out]
    found: list[R] = []
    taken = 0
    for at, row in rows:
        step = at - len(found)
        if step < 0 or taken + step > len(kept):
            raise ValueError("rows stand at places that are not there")
        found += kept[taken : taken + step]
        taken += step
        found.append(row)
    return (*found, *kept[taken:])


def _replaced(old: Sequence[R], rows: Sequence[tuple[int, R]]) -> tuple[R, ...]:
    if rows and not 0 <= rows[0][0] <= rows[-1][0] < len(old):
        raise ValueError("rows stand at places that are not there")
    found = list(old)
    for at, row in rows:
        found[at] = row
    return tuple(found)


def _unequal(
    old: Sequence[R],
    new: Sequence[R],
    slices: tuple[int, ...] = _SLICES,
    first: int = 0,
) -> Iterator[int]:
    """Yield where they differ, counted from ``first``; both are equally long."""
    size, *smaller = slices
    for begin in range(0, len(old), size):
        ours, theirs = old[begin : begin + size], new[begin : begin + size]
        if ours == theirs:
            continue
        if smaller:
            yield from _unequal(ours, theirs, tuple(smaller), first + begin)
            continue
        for at, (one, other) in enumerate(
            zip(ours, theirs, strict=True), first + begin
        ):
            if one is not other and one != other:
                yield at


def _moved(
    old: Sequence[R], new: Sequence[R], key: Callable[[R], Hashable]
) -> Difference[R] | None:
    place = {key(row): at for at, row in enumerate(new)}
    gone: list[int] = []
    kept: set[int] = set()
    last = -1
    for at, row in enumerate(old):
        found = place.get(key(row), -1)
        if found > last and (new[found] is row or new[found] == row):
            kept.add(found)
            last = found
        else:
            gone.append(at)
    rows = [(at, row) for at, row in enumerate(new) if at not in kept]
    return Difference(gone=gone, rows=rows) if gone or rows else None
