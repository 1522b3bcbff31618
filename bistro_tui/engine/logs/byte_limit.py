"""Keeping the log store below so many bytes: the oldest lines make room."""

import asyncio
import contextlib
import logging
import os
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

from bistro_tui.engine.database_files import WAL_PAGES, wal_of
from bistro_tui.engine.logs.forgetting import AT_ONCE, PAGES_AT_ONCE, Forgetting, Size
from bistro_tui.engine.logs.rows import Written

log = logging.getLogger("bistro_tui")

TURN_SEC = 0.02
"""How long one turn deletes, unless the store would grow beyond its limit."""
REST_SEC = 0.01
"""Between the turns that nobody waits for."""
LEAST_BYTES = 2**20
"""A small disk leaves the store this much, whatever else is on it."""
TELL_SEC = 60.0
"""What was forgotten is logged at most this often."""

_PAGE = 4096
_LEAST_WAL_PAGES = 16
_LEAST_AT_ONCE = 50
_LEAST_PAGES_AT_ONCE = 8
_WAL_SHARE = 50
_PORTIONS = 16
_LARGE_BYTES = 2**28
"""A limit beside which all that is ever written at once is small."""
_ROW_BYTES = 50
"""What a line takes beside its bytes, about: its task, its id and the index."""
_LEAST_FREE_PAGES = 4_096
"""So many need not be given back: they are soon used again."""


def wal_pages(max_bytes: int) -> int:
    """Return how long a WAL may become beside a database of so many bytes; 0: any."""
    share = max_bytes // _WAL_SHARE // _PAGE
    return min(max(share, _LEAST_WAL_PAGES), WAL_PAGES) if max_bytes else WAL_PAGES


def limit_beside(max_bytes: int, room: int) -> int:
    """Return how many bytes a store may have that is asked to keep to ``max_bytes``.

    Half of ``room`` at most, the bytes that it could have on its disk: the rest is for
    statuses, and for others. 0: no limit, which only who asked for it gets.
    """
    return min(max_bytes, max(room // 2, LEAST_BYTES))


def limit_on_its_disk(path: Path, max_bytes: int) -> int:
    """Return ``limit_beside`` for the database at ``path``, and log if that is less."""
    room = _room_at(path) if max_bytes else None
    limit = max_bytes if room is None else limit_beside(max_bytes, room)
    if limit < max_bytes:
        log.info(
            "%s may have %.1f MiB, half of what its disk has room for",
            path,
            limit / 2**20,
        )
    return limit


def _room_at(path: Path) -> int | None:
    """Return what the disk has free and the database has already; None: unknown."""
    try:
        found = os.statvfs(path.parent)
    except OSError:
        return None
    free = found.f_bavail if os.geteuid() else found.f_bfree
    room = found.f_frsize * free
    for one in (path, wal_of(path)):
        with contextlib.suppress(OSError):
            room += one.stat().st_size
    return room


class ByteLimit:
    """Deletes the oldest rows after each write that leaves too many bytes.

    How much the writes add is left free for the next one, up to half of the limit. A
    store that begins far above the limit comes down step by step, in the time that
    writes leave; meanwhile it does not grow.
    """

    def __init__(self, forgetting: Forgetting, *, max_bytes: int, path: Path) -> None:
        """``max_bytes`` 0: no limit. ``path`` is named in log lines."""
        self._forgetting = forgetting
        self._max_bytes = max_bytes
        # The WAL may be twice as long before it is taken in as it is meant to be.
        self._most = max_bytes - 2 * _PAGE * wal_pages(max_bytes) if max_bytes else 0
        self._at_once = min(AT_ONCE, max(max_bytes // _PAGE, _LEAST_AT_ONCE))
        self._pages_at_once = PAGES_AT_ONCE
        if max_bytes:
            share = max_bytes // _PAGE // 32
            self._pages_at_once = min(PAGES_AT_ONCE, max(share, _LEAST_PAGES_AT_ONCE))
        self._path = path
        self.forgotten = 0
        """Lines that were deleted to make room."""
        self._told, self._told_at = 0, float("-inf")
        self._has_trouble = False
        self._used_before: int | None = None
        self._growth = 0
        self._least: int | None = None
        """The least that was used since the store was opened."""
        self._turn = asyncio.Lock()
        self._rest = asyncio.Event()
        self._rest.set()

    def portions(self, written: Sequence[Written]) -> Iterator[Sequence[Written]]:
        """Return the lines in parts, none of them large beside the limit."""
        if not 0 < self._max_bytes < _LARGE_BYTES:
            yield written
            return
        part: list[Written] = []
        size = 0
        for one in written:
            part.append(one)
            size += sum(map(len, one.lines)) + _ROW_BYTES * len(one.lines)
            if size * _PORTIONS >= self._max_bytes:
                yield part
                part, size = [], 0
        yield part

    async def grown(self) -> None:
        """Make room after a write. Trouble with the database is logged, not raised."""
        if self._max_bytes:
            await self._take_turn(gives_back=False)

    async def run(self) -> None:
        """Do for ever what is left undone after writes: deleting, giving back."""
        while True:
            await self._rest.wait()
            await self._take_turn(gives_back=True)
            await asyncio.sleep(REST_SEC if not self._has_trouble else 1.0)

    def look_again(self) -> None:
        """Something was deleted: the file may have become too large for what it has."""
        self._rest.set()

    def tell(self) -> None:
        """Log what was forgotten since that was logged last."""
        lines = self.forgotten - self._told
        if lines:
            self._told, self._told_at = self.forgotten, _time()
            log.info(
                "forgot the %d oldest log lines: %s may have %d bytes"
                " (--log-max-bytes)",
                lines,
                self._path,
                self._max_bytes,
            )

    async def _take_turn(self, *, gives_back: bool) -> None:
        async with self._turn:
            self._rest.clear()
            try:
                is_through = await self._make_room()
                if is_through and gives_back:
                    is_through = await self._give_back()
            except sqlite3.Error as error:
                if not self._has_trouble:
                    log.warning("old log lines cannot be deleted: %s", error)
                self._has_trouble = True
                is_through = False
            else:
                self._has_trouble = False
            if not is_through:
                self._rest.set()
            if self.forgotten > self._told and _time() >= self._told_at + TELL_SEC:
                self.tell()

    async def _make_room(self) -> bool:
        """Return whether the turn was long enough."""
        if not self._max_bytes:
            return True
        size = await self._forgetting.size()
        if self._used_before is not None:
            # It follows smaller writes slowly: the next may be like this one again.
            self._growth -= self._growth // 64
            self._growth = max(self._growth, size.used - self._used_before)
        least = size.used if self._least is None else self._least
        room = max(self._most // 50, min(self._growth, self._most // 2))
        target, most = self._most - room, max(self._most, least)
        end = _time() + TURN_SEC
        is_empty = False
        while size.used > target and (size.used > most or _time() < end):
            lines = await self._forgetting.oldest(self._at_once)
            if lines is None:
                is_empty = True
                break
            self.forgotten += lines
            size = await self._forgetting.size()
        self._used_before = size.used
        self._least = min(least, size.used)
        if self._is_too_large(size):
            self._rest.set()
        return size.used <= target or is_empty

    async def _give_back(self) -> bool:
        """Return whether the turn was long enough."""
        size, end = await self._forgetting.size(), _time() + TURN_SEC
        while self._is_too_large(size):
            if _time() >= end:
                return False
            before = size.pages
            await self._forgetting.give_back(self._pages_at_once)
            size = await self._forgetting.size()
            if size.pages >= before:
                break
        return True

    def _is_too_large(self, size: Size) -> bool:
        if not size.can_shrink or not size.free_pages:
            return False
        if self._max_bytes and size.file > self._most:
            return True
        return size.free_pages > max(size.pages // 4, _LEAST_FREE_PAGES)


def _time() -> float:
    return asyncio.get_running_loop().time()
