"""Deleting the oldest of the log store, a little at a time."""

from typing import NamedTuple

from bistro_tui.engine.database import Database
from bistro_tui.engine.logs import attempts
from bistro_tui.engine.logs.line_ids import LAST_SECOND
from bistro_tui.engine.logs.sink import Stream

AT_ONCE = 2_000
"""Rows of a table that one step deletes: a few milliseconds of the store's thread."""
PAGES_AT_ONCE = 256
"""Pages that are given back in one step."""

_SECOND = f"min(max(coalesce(CAST(ended AS INTEGER), 0), 0), {LAST_SECOND})"
_PLACE = f"(({_SECOND} << 32) | 4294967295)"
"""An attempt's place among the lines: behind all of the second in which it ended."""
_BY_END = f"FROM {attempts.TABLE} ORDER BY ended, start_time, rand"
_LINE_IDS = tuple(
    f"SELECT time_and_count AS id FROM {stream.value} ORDER BY time_and_count"
    for stream in Stream
)
_ATTEMPT_PLACES = f"SELECT {_PLACE} AS id {_BY_END}"
_COUNTS = ", ".join(
    f"(SELECT count(*) FROM {stream.value} WHERE time_and_count <= cut.id)"
    for stream in Stream
)


def _finding(*ids: str) -> str:
    """Return the query for the first row that is so far from the oldest of its table.

    With it comes how many lines of each table that takes in.
    """
    found = " UNION ALL ".join(
        f"SELECT * FROM ({one} LIMIT 1 OFFSET ?1)" for one in ids
    )
    return (
        f"WITH cut(id) AS MATERIALIZED (SELECT min(id) FROM ({found}))"
        f" SELECT id, {_COUNTS} FROM cut WHERE id IS NOT NULL"
    )


_FIND = _finding(*_LINE_IDS, _ATTEMPT_PLACES)
_FIND_LINE = _finding(*_LINE_IDS)
_COUNT = f"WITH cut(id) AS MATERIALIZED (SELECT ?1) SELECT id, {_COUNTS} FROM cut"
_DELETE = {
    stream: f"DELETE FROM {stream.value} WHERE time_and_count <= ?" for stream in Stream
}
_DELETE_ATTEMPTS = (
    f"DELETE FROM {attempts.TABLE} WHERE (start_time, rand) IN (SELECT start_time, rand"
    f" FROM (SELECT ended, start_time, rand {_BY_END} LIMIT ?2) WHERE {_PLACE} <= ?1)"
)
_FIND_ATTEMPTS = (
    f"SELECT start_time, rand FROM {attempts.TABLE} WHERE ended < ? ORDER BY ended"
    " LIMIT ?"
)
_DELETE_ATTEMPT = f"DELETE FROM {attempts.TABLE} WHERE start_time = ? AND rand = ?"
_SIZE = (
    "SELECT page_size, page_count, freelist_count, auto_vacuum FROM"
    " pragma_page_size, pragma_page_count, pragma_freelist_count, pragma_auto_vacuum"
)
_INCREMENTAL = 2


class Size(NamedTuple):
    """How large the database is."""

    page_bytes: int
    pages: int
    free_pages: int
    """Of these; they are used again before the file grows."""
    can_shrink: bool
    """Whether free pages can be given back to the file system."""

    @property
    def used(self) -> int:
        """Bytes that are not free."""
        return (self.pages - self.free_pages) * self.page_bytes

    @property
    def file(self) -> int:
        """Bytes of the file, once everything is in it."""
        return self.pages * self.page_bytes


class Forgetting:
    """The small steps. Its methods may raise sqlite3.Error.

    Every step is a few statements with a commit each, so that new lines need not
    wait long, and goes by keys, whatever the tables hold.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def size(self) -> Size:
        """Return how large the database is."""
        ((page_bytes, pages, free, vacuum),) = await self._database.read(_SIZE)
        return Size(page_bytes, pages, free, vacuum == _INCREMENTAL)

    async def oldest(self, at_once: int) -> int | None:
        """Delete some of the oldest lines and of the attempts that ended before them.

        At most about so many rows of a table, and at least one of some table. Return
        how many lines that were; None when there is nothing to delete.
        """
        skipped = at_once
        while True:
            found = await self._database.read(_FIND, (skipped,))
            if found:
                ((cut, *counts),) = found
                lines = await self._lines_up_to(cut, counts)
                await self._database.change(_DELETE_ATTEMPTS, (cut, skipped + 1))
                return lines
            if not skipped:
                return None
            skipped //= 2

    async def lines_before(self, line_id: int) -> int:
        """Delete some of the lines with a smaller id; return how many, 0: none left."""
        found = await self._database.read(_FIND_LINE, (AT_ONCE,))
        if not found or found[0][0] >= line_id:
            # No table has more of them than one step takes.
            found = await self._database.read(_COUNT, (line_id - 1,))
        ((cut, *counts),) = found
        return await self._lines_up_to(cut, counts)

    async def attempts_before(self, second: int) -> int:
        """Delete some of the attempts that had ended by then; return how many."""
        found = await self._database.read(_FIND_ATTEMPTS, (second, AT_ONCE))
        if found:
            await self._database.write((_DELETE_ATTEMPT, found))
        return len(found)

    async def give_back(self, pages: int) -> None:
        """Make the file smaller by so many of its free pages."""
        await self._database.change(f"PRAGMA incremental_vacuum({pages})")

    async def _lines_up_to(self, cut: int, counts: list[int]) -> int:
        for stream, count in zip(Stream, counts, strict=True):
            if count:
                await self._database.change(_DELETE[stream], (cut,))
        return sum(counts)
