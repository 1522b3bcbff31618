"""Pages of an SQLite file, decoded whatever is in them; pure, and total.

Source: SQLite, Database File Format.
"""

import struct
from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeAlias

Value: TypeAlias = str | bytes | int | float | None
Bytes: TypeAlias = bytes | memoryview
PageReader: TypeAlias = Callable[[int], Bytes | None]
"""Page number, from 1 → its content; None where there is none."""

LEAF, INTERIOR = 0x0D, 0x05
"""Kinds of pages of a table's tree."""

FIRST_PAGE_HEADER = 100
"""Bytes before the first page's tree begins."""

_INTEGER_BYTES = (0, 1, 2, 3, 4, 6, 8)
_LEAST_CELL = 4
_LEAF_HEADER, _INTERIOR_HEADER = 8, 12
_LONGEST_RECORD = 1 << 30
_MOST_COLUMNS = 200


class Record(NamedTuple):
    """One row of a table."""

    rowid: int
    values: tuple[Value, ...]


def kind_of(page: Bytes, start: int = 0) -> int:
    """Return the kind of a page of a tree; ``start`` is where its header begins.

    0: there is no header.
    """
    return page[start] if len(page) >= start + _LEAF_HEADER else 0


def fills(page: Bytes, size: int) -> bool:
    """Return whether this is a leaf page of a table that was made for that size.

    The first row of a page ends where the page does.
    """
    if kind_of(page) != LEAF or len(page) < size:
        return False
    try:
        at = max(_cells(page, 0, _LEAF_HEADER, size), default=size)
        payload, at = _varint(page, at)
        _, at = _varint(page, at)
    except IndexError:
        return False
    local = _local(payload, size)
    return at + local + (4 if local < payload else 0) == size


def children(page: Bytes, start: int = 0) -> Iterator[int]:
    """Yield the pages right below an interior page of a table's tree."""
    for at in _cells(page, start, _INTERIOR_HEADER, len(page)):
        if at + 4 <= len(page):
            yield struct.unpack_from(">I", page, at)[0]
    if len(page) >= start + _INTERIOR_HEADER:
        yield struct.unpack_from(">I", page, start + 8)[0]


def records(
    page: Bytes, start: int, usable: int, read: PageReader
) -> Iterator[Record | None]:
    """Yield the rows of a leaf page of a table; None for each that is broken.

    ``usable`` is the bytes of a page that SQLite uses: of one that is cut off there are
    fewer. ``read`` gives the pages on which long rows go on.
    """
    for at in _cells(page, start, _LEAF_HEADER, max(usable, len(page))):
        try:
            size, at = _varint(page, at)
            rowid, at = _varint(page, at)
            payload = _payload(page, at, size, usable, read)
            yield Record(_signed(rowid), _values(payload))
        except (IndexError, ValueError, struct.error):
            yield None


def _cells(page: Bytes, start: int, header: int, size: int) -> Iterator[int]:
    """Yield where the cells of a page of ``size`` begin, as far as they can be in it.

    ``size`` for each where what says it is cut off.
    """
    if len(page) < start + header:
        return
    (number,) = struct.unpack_from(">H", page, start + 3)
    pointers = start + header
    number = min(number, (size - pointers) // (2 + _LEAST_CELL))
    end = pointers + 2 * number
    known = min(number, (len(page) - pointers) // 2)
    for at in struct.unpack_from(f">{known}H", page, pointers):
        if end <= at < size:
            yield at
    yield from (size,) * (number - known)


def _varint(content: Bytes, at: int) -> tuple[int, int]:
    """Return the number at ``at`` and where it ends; IndexError beyond the end."""
    value = 0
    for position in range(at, at + 8):
        byte = content[position]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, position + 1
    return value << 8 | content[at + 8], at + 9


def _signed(number: int) -> int:
    return number - (1 << 64) if number >= 1 << 63 else number


def _payload(page: Bytes, at: int, size: int, usable: int, read: PageReader) -> bytes:
    """Return the record that begins at ``at``; ValueError where a part is gone."""
    if size > _LONGEST_RECORD:
        raise ValueError("too long to be a row")
    local = _local(size, usable)
    if at + local > len(page):
        raise ValueError("goes beyond its page")
    parts, rest = [bytes(page[at : at + local])], size - local
    following, seen = page[at + local : at + local + 4], set[int]()
    while rest:
        (number,) = struct.unpack(">I", following)
        more = read(number)
        here = min(rest, usable - 4)
        if more is None or number in seen or len(more) < 4 + here:
            raise ValueError("goes on on a page that is not there")
        seen.add(number)
        parts.append(bytes(more[4 : 4 + here]))
        rest -= len(parts[-1])
        following = more[:4]
    return b"".join(parts)


def _local(size: int, usable: int) -> int:
    """Return how many bytes of a record stand in its cell."""
    most = usable - 35
    if size <= most:
        return size
    least = (usable - 12) * 32 // 255 - 23
    local = least + (size - least) % (usable - 4)
    return local if local <= most else least


def _values(payload: bytes) -> tuple[Value, ...]:
    size, at = _varint(payload, 0)
    if size > len(payload):
        raise ValueError("its header is longer than itself")
    kinds = []
    while at < size:
        kind, at = _varint(payload, at)
        kinds.append(kind)
        if len(kinds) > _MOST_COLUMNS:
            raise ValueError("more columns than any table of ours has")
    if at != size:
        raise ValueError("its header ends elsewhere")
    values = []
    for kind in kinds:
        value, at = _value(payload, at, kind)
        values.append(value)
    if at != len(payload):
        raise ValueError("its values end elsewhere")
    return tuple(values)


def _value(payload: bytes, at: int, kind: int) -> tuple[Value, int]:
    if kind == 0:
        return None, at
    if kind in (8, 9):
        return kind - 8, at
    if kind in (10, 11):
        raise ValueError("no such kind of value")
    size = _INTEGER_BYTES[kind] if kind < 7 else 8 if kind == 7 else (kind - 12) // 2
    content = payload[at : at + size]
    if len(content) < size:
        raise ValueError("goes beyond its record")
    at += size
    if kind < 7:
        return int.from_bytes(content, "big", signed=True), at
    if kind == 7:
        return struct.unpack(">d", content)[0], at
    return (content.decode("utf-8", "surrogatepass") if kind & 1 else content), at
