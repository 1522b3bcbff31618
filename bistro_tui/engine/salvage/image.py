"""A database file and its WAL as one row of pages, however damaged they are."""

import mmap
import struct
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, TypeAlias

from bistro_tui.engine.salvage.pages import (
    FIRST_PAGE_HEADER,
    INTERIOR,
    LEAF,
    Bytes,
    Record,
    children,
    fills,
    kind_of,
    records,
)
from bistro_tui.engine.wal import Wal

Roots: TypeAlias = dict[str, int]

_SIZES = (4096, 1024, 512, 2048, 8192, 16384, 32768, 65536)
_PAGES_TRIED = 200
_SCHEMA = 1


class Leaf(NamedTuple):
    """A page with rows."""

    table: str
    """The table that it is of; empty: what led to it is lost, and nobody knows."""
    page: int


class Image:
    """Opens both files for reading; closed at the end of the ``with`` block."""

    def __init__(self, path: Path) -> None:
        self._file = open(path, "rb")  # noqa: SIM115 - closed by __exit__
        self._content: bytes | mmap.mmap = b""
        if self._file.seek(0, 2):
            self._content = mmap.mmap(self._file.fileno(), 0, access=mmap.ACCESS_READ)
        header = bytes(self._content[:FIRST_PAGE_HEADER]).ljust(FIRST_PAGE_HEADER)
        size = int.from_bytes(header[16:18], "big")
        self.page_size = 65536 if size == 1 else size
        if self.page_size not in _SIZES or not header.startswith(b"SQLite format 3\0"):
            self.page_size = self._likely_size()
        self._usable = self.page_size
        if header[20] <= 32:
            self._usable -= header[20]
        self._first_free = int.from_bytes(header[32:36], "big")
        self._newer: dict[int, Bytes] = {}
        self.frames = 0
        """Pages that the WAL holds of finished transactions."""
        self.gone: set[int] = set()
        """Pages that should have rows, or lead to some, and do not, or not to all."""
        self._take_in(Path(f"{path}-wal"))
        in_file = -(-len(self._content) // self.page_size)
        self.pages = max(in_file, max(self._newer, default=0))

    def __enter__(self) -> "Image":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if isinstance(self._content, mmap.mmap):
            self._content.close()
        self._file.close()

    def read(self, number: int) -> Bytes | None:
        """Return the newest content of a page: as much as there is of the last one."""
        found = self._newer.get(number)
        if found is not None:
            return found
        begin = (number - 1) * self.page_size
        if number < 1 or begin >= len(self._content):
            return None
        return bytes(self._content[begin : begin + self.page_size])

    def leaves(self) -> Iterator[Leaf]:
        """Yield every page with rows of a table, but for those that were given up."""
        owners = {_SCHEMA: ""}
        broken = []
        for table, root in self._roots().items():
            gone = len(self.gone)
            for page in self._below(root):
                owners.setdefault(page, table)
            if len(self.gone) > gone:
                broken.append(table)
        # Where one tree only has lost something, the rest is of that.
        unknown = broken[0] if len(broken) == 1 else ""
        free = self._free()
        for number in range(2, self.pages + 1):
            if number in free and number not in owners:
                continue
            content = self.read(number)
            if content is not None and kind_of(content) == LEAF:
                yield Leaf(owners.get(number, unknown), number)

    def rows(self, leaf: int) -> Iterator[Record | None]:
        """Yield the rows of a leaf page; None for each that is broken."""
        page = self.read(leaf)
        start = FIRST_PAGE_HEADER if leaf == _SCHEMA else 0
        if page is not None:
            yield from records(page, start, self._usable, self._read_on)

    def _read_on(self, number: int) -> Bytes | None:
        return self.read(number) if number > 1 else None

    def _roots(self) -> Roots:
        """Return the tables that the schema still names, and where they begin."""
        found: Roots = {}
        for page in self._below(_SCHEMA):
            for row in self.rows(page):
                if row is None or len(row.values) < 5:
                    continue
                kind, name, _, root, _ = row.values[:5]
                if kind == "table" and isinstance(name, str) and isinstance(root, int):
                    found[name] = root
        return found

    def _below(self, root: int) -> list[int]:
        """Return the leaf pages of a table's tree, as far as it holds together."""
        seen, waiting, found = set[int](), [root], []
        while waiting:
            number = waiting.pop()
            if number in seen:
                continue
            seen.add(number)
            page = self.read(number)
            if page is None:
                self.gone.add(number)
                continue
            start = FIRST_PAGE_HEADER if number == _SCHEMA else 0
            if kind_of(page, start) == INTERIOR:
                waiting.extend(children(page, start))
                if len(page) < self.page_size:
                    self.gone.add(number)
            elif kind_of(page, start) == LEAF:
                found.append(number)
            else:
                self.gone.add(number)
        return found

    def _free(self) -> set[int]:
        """Return the pages that the database does not use any more, as far as known."""
        found = set[int]()
        header = self.read(1)
        trunk = self._first_free
        if header is not None and 1 in self._newer:
            trunk = int.from_bytes(header[32:36], "big")
        while trunk and trunk not in found:
            page = self.read(trunk)
            if page is None or len(page) < 8:
                break
            found.add(trunk)
            number = min(int.from_bytes(page[4:8], "big"), len(page) // 4 - 2)
            found.update(struct.unpack_from(f">{number}I", page, 8))
            trunk = int.from_bytes(page[:4], "big")
        return found

    def _take_in(self, path: Path) -> None:
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return
        wal = Wal(content, self.page_size)
        if wal.page_size == self.page_size:
            for frame in wal.committed():
                self._newer[frame.page] = bytes(frame.content)
                self.frames += 1

    def _likely_size(self) -> int:
        """Return the size of a page for a file whose header does not say it."""

        def right(size: int) -> int:
            begins = range(0, min(len(self._content), size * _PAGES_TRIED), size)
            return sum(
                fills(self._content[begin : begin + size], size) for begin in begins
            )

        return max(_SIZES, key=right)
