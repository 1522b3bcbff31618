"""Lines of several stores are read as those of one, whatever their ids are."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from bistro_tui.engine.logs.patterns import Pattern
from bistro_tui.engine.logs.places import OWN, source_number
from bistro_tui.engine.logs.query import THE_END, LogQuery, QueryPage
from bistro_tui.engine.logs.rows import StoredLine
from bistro_tui.engine.logs.sink import Stream
from tests.engine.logs.builders import line
from tests.engine.logs.fake_workers import Kept, Own, Pool, Worker

SHARDS = ("a", "b", "c", "d")
MOST_PAGES = 200


@dataclass
class Stores:
    """What each source has, by its name."""

    kept: dict[str, Kept]

    def pool(self) -> Pool:
        workers = [Worker(name, kept) for name, kept in self.kept.items() if name]
        return Pool(*workers, own=Own(self.kept[OWN]))

    def lines(self) -> list[tuple[int, int, bytes]]:
        """Return (id, source, text) of all, in the order in which they are read."""
        return sorted(
            (line.line_id, source_number(name), line.line)
            for name, kept in self.kept.items()
            for line in kept.lines
        )


@st.composite
def stores(draw: st.DrawFn, *, is_searched: bool = False) -> Stores:
    names = (OWN, *SHARDS[: draw(st.integers(1, len(SHARDS)))])
    kept = {}
    for name in names:
        ids = sorted(draw(st.lists(st.integers(1, 9), max_size=6)))
        # Bistro's files may have an id in two tables.
        lines = [
            line(
                line_id,
                f"{name or 'own'} {line_id}\n".encode(),
                stream=Stream.STDERR if line_id in ids[:at] else Stream.STDOUT,
            )
            for at, line_id in enumerate(ids)
            if ids[:at].count(line_id) < 2
        ]
        searched = is_searched and draw(st.booleans())
        kept[name] = Kept(lines, is_searched=searched)
    return Stores(kept)


async def pages(
    pool: Pool, asked: LogQuery, between: Callable[[int], None] = lambda _: None
) -> list[QueryPage]:
    """Return all pages from there on; ``between`` is called after each."""
    found: list[QueryPage] = []
    for number in range(MOST_PAGES):
        page = await pool.lines.page(asked)
        found.append(page)
        if page.next_line_id == THE_END:
            return found
        asked = LogQuery(
            streams=asked.streams,
            line_id=page.next_line_id,
            ascending=asked.ascending,
            limit=asked.limit,
            pattern=asked.pattern,
        )
        between(number)
    raise AssertionError("it never comes to an end")


def texts(found: Sequence[QueryPage]) -> list[bytes]:
    return [line.line for page in found for line in page.lines]


def run(asked: Awaitable[None]) -> None:
    async def main() -> None:
        await asked

    asyncio.run(main())


@given(stores(is_searched=True), st.integers(1, 7), st.booleans())
def test_pages_hold_every_line_once_and_in_order(
    there: Stores, limit: int, ascending: bool
) -> None:
    async def read() -> None:
        found = await pages(there.pool(), LogQuery(ascending=ascending, limit=limit))
        wanted = [text for _, _, text in there.lines()]
        assert texts(found) == (wanted if ascending else wanted[::-1])

    run(read())


@given(stores(is_searched=True), st.integers(1, 4), st.booleans())
def test_a_search_ends_where_the_lines_do_and_not_where_a_page_is_empty(
    there: Stores, limit: int, ascending: bool
) -> None:
    async def read() -> None:
        asked = LogQuery(
            ascending=ascending, limit=limit, pattern=Pattern.regex("[ac] [3-7]")
        )
        found = texts(await pages(there.pool(), asked))
        wanted = [
            text
            for line_id, _, text in there.lines()
            if text[:1] in b"ac" and 3 <= line_id <= 7
        ]
        assert found == (wanted if ascending else wanted[::-1])

    run(read())


@given(stores(), st.integers(1, 5), st.integers(0, 6), st.booleans())
def test_the_way_back_from_a_page_is_the_way_there(
    there: Stores, limit: int, number: int, ascending: bool
) -> None:
    async def read() -> None:
        pool = there.pool()
        found = await pages(pool, LogQuery(ascending=ascending, limit=limit))
        if number >= len(found) - 1:
            return
        turn = found[number].next_line_id
        back = texts(
            await pages(
                pool, LogQuery(line_id=turn, ascending=not ascending, limit=limit)
            )
        )
        forth = texts(found[: number + 1])
        # The line at the turn is the first of both, with all of its id and source.
        first = [one for one in texts(found[number + 1 :]) if one == back[0]]
        assert back == first + forth[::-1]

    run(read())


@given(
    stores(),
    st.integers(1, 4),
    st.booleans(),
    st.lists(st.tuples(st.sampled_from(SHARDS), st.booleans()), max_size=12),
)
def test_who_joins_or_leaves_between_pages_disturbs_no_other(
    there: Stores, limit: int, ascending: bool, changes: list[tuple[str, bool]]
) -> None:
    async def read() -> None:
        pool = there.pool()
        everyone = {worker.shard: worker for worker in pool.workers}

        def between(number: int) -> None:
            if number < len(changes):
                shard, is_there = changes[number]
                others = [one for one in pool.workers if one.shard != shard]
                some = [everyone[shard]] if is_there and shard in everyone else []
                pool.workers[:] = others + some

        found = texts(
            await pages(pool, LogQuery(ascending=ascending, limit=limit), between)
        )
        wanted = [text for _, _, text in there.lines()]
        wanted = wanted if ascending else wanted[::-1]
        stayed = set(everyone) - {shard for shard, _ in changes}
        names = {(shard or "own").encode() for shard in (OWN, *stayed)}

        def of_who_stayed(some: Sequence[bytes]) -> list[bytes]:
            return [one for one in some if one.split()[0] in names]

        assert of_who_stayed(found) == of_who_stayed(wanted)
        order = iter(wanted)
        assert all(one in order for one in found)

    run(read())


@given(
    st.lists(
        st.tuples(st.sampled_from((OWN, *SHARDS)), st.integers(1, 30)), max_size=25
    ),
    st.lists(st.integers(0, 25), max_size=8),
    st.integers(1, 40),
)
def test_who_follows_hears_every_line_once_however_clocks_differ(
    coming: list[tuple[str, int]], looks: list[int], limit: int
) -> None:
    async def read() -> None:
        pool = Pool(*map(Worker, SHARDS))
        kept = {OWN: pool.own.kept, **{one.shard: one.kept for one in pool.workers}}
        begin, after = 0, 0
        followed: list[bytes] = []
        tailed: list[StoredLine] = []
        for number, (shard, step) in enumerate([*coming, (OWN, 1)]):
            if number in looks or number == len(coming):
                asked = LogQuery(line_id=begin, ascending=True, limit=limit)
                found = await pages(pool, asked)
                followed += texts(found)
                begin = found[-1].last_id + 1
                tail = await pool.lines.tail(None, after=after, limit=1_000)
                tailed += tail.lines
                after = tail.last_id
            if number < len(coming):
                lines = kept[shard].lines
                last = lines[-1].line_id if lines else 0
                lines.append(line(last + step, f"{shard} {number}\n".encode()))
            # A worker is not asked all the time for nothing.
            pool.clock.sec += 1
        wanted = sorted(one.line for some in kept.values() for one in some.lines)
        assert sorted(followed) == wanted
        assert sorted(one.line for one in tailed) == wanted
        ids = [one.line_id for one in tailed]
        assert ids == sorted(set(ids))

    run(read())
