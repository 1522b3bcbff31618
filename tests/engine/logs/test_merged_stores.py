"""Lines of real stores, of this host and of workers, are read as those of one."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bistro_tui.engine.ids import TaskId
from bistro_tui.engine.logs.lines import StoreLines
from bistro_tui.engine.logs.merged_lines import MergedLines
from bistro_tui.engine.logs.patterns import Pattern
from bistro_tui.engine.logs.query import THE_END, LogQuery
from bistro_tui.engine.logs.sink import Stream
from bistro_tui.engine.logs.store import LogStore
from bistro_tui.engine.logs.writer import LogWriter
from bistro_tui.engine.remote.messages import LogLines, LogTail, QueryLogs, ReadLog
from bistro_tui.engine.worker.log_answers import LogAnswers
from tests.engine.logs.builders import ManualClock, task


class Worker:
    """A LogPeer without a wire between."""

    is_queryable = True
    is_lost = False
    newest_id = 0

    def __init__(self, shard: str, answers: LogAnswers) -> None:
        self.shard = shard
        self._answers = answers

    async def query(self, question: QueryLogs) -> LogLines:
        found = await self._answers.answer(question)
        assert isinstance(found, LogLines)
        return found

    async def read(self, question: ReadLog) -> LogTail:
        found = await self._answers.answer(question)
        assert isinstance(found, LogTail)
        return found


@asynccontextmanager
async def writer_in(
    path: Path, clock: ManualClock
) -> AsyncIterator[tuple[LogWriter, LogStore]]:
    path.mkdir()
    store = await LogStore.open(path / "task_logs.sql3", clock=clock)
    writer = await LogWriter.open(store, clock=clock, on_trouble=lambda _: None)
    run = asyncio.ensure_future(writer.run())
    try:
        yield writer, store
    finally:
        run.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await run
        await writer.close()


class Hosts:
    """Three hosts whose clocks are the same, so that their ids are."""

    def __init__(self, lines: MergedLines, writers: Sequence[LogWriter]) -> None:
        self.lines = lines
        self.writers = writers

    async def all(self, asked: LogQuery) -> list[bytes]:
        found: list[bytes] = []
        while True:
            page = await self.lines.page(asked)
            assert page.unasked == ()
            found += [line.line for line in page.lines]
            if page.next_line_id == THE_END:
                return found
            asked = LogQuery(
                line_id=page.next_line_id,
                ascending=asked.ascending,
                limit=asked.limit,
                pattern=asked.pattern,
            )


@pytest.fixture
async def hosts(tmp_path: Path) -> AsyncIterator[Hosts]:
    clock = ManualClock()

    async def nowhere(_: TaskId) -> Iterable[str]:
        return ()

    async with (
        writer_in(tmp_path / "own", clock) as (own, own_store),
        writer_in(tmp_path / "a", clock) as (a, a_store),
        writer_in(tmp_path / "b", clock) as (b, b_store),
    ):
        workers = [
            Worker(
                shard,
                LogAnswers(one, store.reader, clock=clock, runs=lambda _: False),
            )
            for shard, one, store in (("a", a, a_store), ("b", b, b_store))
        ]
        lines = MergedLines(
            StoreLines(own, own_store.reader, clock=clock),
            lambda: workers,
            clock=clock,
            workers_of=nowhere,
            own_shard="local",
            has_own_tasks=True,
        )
        yield Hosts(lines, (own, a, b))


async def write(hosts: Hosts, numbers: Iterable[int]) -> list[bytes]:
    """Write some lines everywhere, some of which wait to be stored."""
    names = ("own", "a", "b")
    written: list[bytes] = []
    for number in numbers:
        for name, writer in zip(names, hosts.writers, strict=True):
            line = f"{name} {number}\n".encode()
            stream = Stream.STDERR if number % 3 else Stream.STDOUT
            writer.write(task(f"n{number % 2}"), stream, (line,))
            written.append(line)
        if number == 7:
            for writer in hosts.writers:
                await writer.flush()
    return written


@pytest.mark.parametrize("limit", [1, 3, 1_000])
@pytest.mark.parametrize("wanted", ["", "[ab] [0-9]*5"])
async def test_every_line_comes_once_in_either_direction(
    hosts: Hosts, monkeypatch: pytest.MonkeyPatch, limit: int, wanted: str
) -> None:
    # Not even a page in which nothing is found is taken for the end.
    monkeypatch.setattr(
        "bistro_tui.engine.logs.deadline.Deadline.is_over", lambda _: True
    )
    pattern = Pattern.regex(wanted)
    written = [
        line
        for line in await write(hosts, range(30))
        if pattern is None or pattern.matches(line)
    ]
    up = await hosts.all(LogQuery(ascending=True, limit=limit, pattern=pattern))
    down = await hosts.all(LogQuery(limit=limit, pattern=pattern))
    assert sorted(up) == sorted(written)
    assert down == up[::-1]
    numbers = [int(line.split()[1]) for line in up]
    assert numbers == sorted(numbers)


async def test_who_reads_on_hears_every_line_once(hosts: Hosts) -> None:
    tail = await hosts.lines.tail(task("n1"), after=0, limit=100)
    heard: list[bytes] = []
    written: list[bytes] = []
    for begin in range(0, 30, 5):
        written += await write(hosts, range(begin, begin + 5))
        tail = await hosts.lines.tail(task("n1"), after=tail.last_id, limit=100)
        heard += [line.line for line in tail.lines]
    assert sorted(heard) == sorted(line for line in written if int(line.split()[1]) % 2)
