"""The frames of an SQLite WAL, as far as they prove themselves; pure, and total.

A reader of SQLite stops at the first frame that is not as it was written. Here each
frame is checked against the one before it, so that what follows damage is found too.
Source: SQLite, WAL-mode File Format.
"""

import struct
import sys
from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

Bytes: TypeAlias = bytes | memoryview

HEADER_BYTES = 32
FRAME_HEADER_BYTES = 24
_MAGIC = 0x377F0682
"""The last bit says in which order of bytes the checksums are reckoned."""
_PAGE_SIZES = {1 << power for power in range(9, 17)}
_WORD = 0xFFFFFFFF


class Frame(NamedTuple):
    """One page as a transaction wrote it."""

    number: int
    """Of the frame, from 1."""
    page: int
    commit: int
    """Pages of the database after the transaction that ends here; 0: it goes on."""
    content: Bytes
    is_sound: bool
    """Whether it is as it was written, right after the frame before it."""


class Wal:
    """A WAL file; ``page_size`` is the database's, for a header that tells none."""

    def __init__(self, content: Bytes, page_size: int) -> None:
        self._content = content
        header = bytes(content[:HEADER_BYTES])
        self.has_header = _is_header(header)
        """Whether a reader of SQLite would look at what follows."""
        self.is_blank = not any(header)
        """There is none, or none that had come to the disk."""
        self.page_size = page_size
        if self.has_header:
            self.page_size = struct.unpack_from(">I", header, 8)[0]
        self._order = ">" if self.has_header and header[3] & 1 else "<"
        at = 16 if self.has_header else HEADER_BYTES + 8
        self._salts = bytes(content[at : at + 8])

    def frames(self, after: int = 0) -> Iterator[Frame]:
        """Yield the frames of this WAL's last round, from number ``after`` + 1 on."""
        content, size = self._content, FRAME_HEADER_BYTES + self.page_size
        for number in range(after + 1, (len(content) - HEADER_BYTES) // size + 1):
            begin = HEADER_BYTES + (number - 1) * size
            page, commit = struct.unpack_from(">II", content, begin)
            if content[begin + 8 : begin + 16] != self._salts:
                continue
            before = 24 if number == 1 else begin - size + 16
            seed = content[before : before + 8]
            end = begin + size
            found = _checksum(
                content[begin : begin + 8],
                struct.unpack(">II", seed),
                self._order,
            )
            found = _checksum(
                content[begin + FRAME_HEADER_BYTES : end], found, self._order
            )
            is_sound = struct.unpack_from(">II", content, begin + 16) == found
            page_content = content[begin + FRAME_HEADER_BYTES : end]
            yield Frame(number, page, commit, page_content, is_sound)

    def committed(self) -> Iterator[Frame]:
        """Yield the sound frames of transactions whose end is sound, in order."""
        waiting: list[Frame] = []
        for frame in self.frames():
            if not frame.is_sound:
                if frame.commit:
                    # Whatever its end was, what was gathered is not proven by it.
                    waiting.clear()
                continue
            waiting.append(frame)
            if frame.commit:
                yield from waiting
                waiting.clear()

    def transactions_beyond(self, last: int) -> int:
        """Return how many transactions there surely are after frame number ``last``.

        0 if none of them has surely ended. Of two, the first had ended before the
        second began.
        """
        found, has_end, broken_end = 0, False, 0
        pages: set[int] | None = None
        for frame in self.frames(last):
            if not frame.is_sound:
                broken_end = frame.number if frame.commit else 0
                continue
            if frame.number - 1 == broken_end:
                # That a frame follows so proves what the broken one says.
                found += pages is None
                pages = None
            if pages is None or frame.page in pages:
                # A transaction writes a page once.
                found, pages = found + 1, set()
            pages.add(frame.page)
            if frame.commit:
                has_end, pages = True, None
        return found if has_end else 0


def _is_header(header: bytes) -> bool:
    if len(header) < HEADER_BYTES:
        return False
    magic, _, page_size = struct.unpack_from(">III", header)
    if magic & ~1 != _MAGIC or page_size not in _PAGE_SIZES:
        return False
    found = _checksum(header[:24], (0, 0), ">" if magic & 1 else "<")
    return found == struct.unpack_from(">II", header, 24)


def _checksum(
    content: Bytes, seed: tuple[int, ...], order: str = sys.byteorder
) -> tuple[int, int]:
    first, second = seed
    words = struct.unpack(f"{order}{len(content) // 4}I", content)
    for even, odd in zip(words[::2], words[1::2], strict=True):
        first = (first + even + second) & _WORD
        second = (second + odd + first) & _WORD
    return first, second
