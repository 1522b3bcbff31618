"""A worker answers for the lines of its tasks from its own store."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bistro_tui.engine.ids import InvocationId
from bistro_tui.engine.logs.patterns import LONGEST_REGEX
from bistro_tui.engine.logs.query import PAGE_BYTES, PAGE_LINES
from bistro_tui.engine.logs.sink import Stream
from bistro_tui.engine.logs.store import LogStore
from bistro_tui.engine.logs.writer import LogWriter
from bistro_tui.engine.remote.messages import LogLines, LogTail, QueryLogs, ReadLog
from bistro_tui.engine.worker import log_answers
from bistro_tui.engine.worker.log_answers import CannotAnswer, LogAnswers
from tests.engine.logs.builders import SECOND, ManualClock, task

FIRST = InvocationId(SECOND, 1)
SECOND_ONE = InvocationId(SECOND + 500, 2)


class Opened:
    """A worker's log, and who answers for it."""

    def __init__(self, writer: LogWriter, store: LogStore, clock: ManualClock) -> None:
        self.writer = writer
        self.store = store
        self.clock = clock
        self.answers = LogAnswers(
            writer, store.reader, clock=clock, runs=lambda one: one == task("runs")
        )

    def event(self, event: str, of: InvocationId) -> None:
        """Write a row as the runner does."""
        text = json.dumps(
            {
                "event": event,
                "invocation_start_time": of.start_time,
                "invocation_rand": of.rand,
            }
        )
        self.writer.write(task(), Stream.STATUSES, (text.encode() + b"\n",))

    async def lines(self, **values: Any) -> LogLines:
        found = await self.answers.answer(question(**values))
        assert isinstance(found, LogLines)
        return found

    async def tail(self, **values: Any) -> LogTail:
        base: dict[str, Any] = {"task": None, "after": 0, "limit": 10}
        asked = ReadLog(**{**base, **values})
        found = await self.answers.answer(asked)
        assert isinstance(found, LogTail)
        return found


def question(**values: Any) -> QueryLogs:
    base: dict[str, Any] = {
        "log_types": ("stdout", "stderr"),
        "jobs": (),
        "nodes": (),
        "line_id": None,
        "ascending": True,
        "limit": PAGE_LINES,
        "regex": "",
        "text": "",
    }
    return QueryLogs(**{**base, **values})


def texts(found: LogLines | LogTail) -> list[bytes]:
    return [line.line for _, line in found.lines]


@pytest.fixture
async def opened(tmp_path: Path) -> AsyncIterator[Opened]:
    clock = ManualClock()
    store = await LogStore.open(tmp_path / "task_logs.sql3", clock=clock)
    writer = await LogWriter.open(store, clock=clock, on_trouble=lambda _: None)
    run = asyncio.ensure_future(writer.run())
    try:
        yield Opened(writer, store, clock)
    finally:
        run.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await run
        await writer.close()


async def test_lines_of_both_streams_by_id_stored_or_not(opened: Opened) -> None:
    opened.writer.write(task(), Stream.STDOUT, (b"one\n", b"\xff\n"))
    await opened.writer.flush()
    opened.writer.write(task("n2"), Stream.STDERR, (b"three\n",))
    found = await opened.lines()
    assert texts(found) == [b"one\n", b"\xff\n", b"three\n"]
    assert [name for name, _ in found.lines] == ["stdout", "stdout", "stderr"]
    assert found.next_line_id is None
    assert found.last_id == found.lines[-1][1].line_id
    assert found.lines[2][1].node == "n2"
    assert texts(await opened.lines(ascending=False, limit=1)) == [b"three\n"]
    assert texts(await opened.lines(nodes=("n2",))) == [b"three\n"]
    assert texts(await opened.lines(log_types=("stderr",))) == [b"three\n"]


async def test_a_page_goes_on_where_the_one_before_ended(opened: Opened) -> None:
    opened.writer.write(task(), Stream.STDOUT, [b"%d\n" % n for n in range(1_500)])
    first = await opened.lines(limit=5_000)
    assert len(first.lines) == PAGE_LINES
    rest = await opened.lines(line_id=first.next_line_id)
    assert texts(first) + texts(rest) == [b"%d\n" % n for n in range(1_500)]
    end = rest.lines[0][1].line_id
    part = await opened.lines(line_id=end - 2, stop_id=end)
    assert len(part.lines) == 3
    assert part.next_line_id is None


async def test_pages_and_tails_of_long_lines_have_a_mebibyte(opened: Opened) -> None:
    opened.writer.write(task(), Stream.STDOUT, [b"x" * 65_000] * 40)
    page = await opened.lines()
    tail = await opened.tail(limit=40)
    for found in (page, tail):
        assert 1 < len(found.lines) <= PAGE_BYTES // 65_000
    assert page.next_line_id is not None
    assert tail.lines[-1][1].line_id == tail.last_id


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"regex": "^a.c$"}, [b"abc\n"]),
        ({"regex": "^a.c$", "ignores_case": True}, [b"abc\n", b"ABC\n"]),
        ({"text": "b"}, [b"abc\n"]),
        ({"text": "b", "ignores_case": True}, [b"abc\n", b"ABC\n"]),
        ({"text": "."}, []),
    ],
)
async def test_lines_are_searched_here(
    opened: Opened, wanted: dict[str, object], found: list[bytes]
) -> None:
    opened.writer.write(task(), Stream.STDOUT, (b"abc\n", b"ABC\n", b"x\n"))
    assert texts(await opened.lines(**wanted)) == found


@pytest.mark.parametrize(
    ("wanted", "text"),
    [
        ({"log_types": ("nothing",)}, "nothing"),
        ({"regex": "("}, "missing"),
        ({"regex": "x" * (LONGEST_REGEX + 1)}, "more than"),
        ({"regex": "(x{1000}){1000}"}, "invalid rep"),
        ({"regex": "a", "text": "a"}, "together"),
        ({"invocation": FIRST}, "one job and one node"),
    ],
)
async def test_what_cannot_be_answered_is_refused(
    opened: Opened, wanted: dict[str, object], text: str
) -> None:
    with pytest.raises(CannotAnswer, match=text):
        await opened.answers.answer(question(**wanted))


@pytest.mark.parametrize("skew", [-600, 0, 600, 10_000_000])
async def test_lines_of_an_attempt_are_found_though_clocks_differ(
    opened: Opened, skew: int
) -> None:
    opened.clock.wall += skew
    for number, attempt in enumerate((FIRST, SECOND_ONE)):
        opened.event("running", attempt)
        opened.writer.write(task(), Stream.STDOUT, (b"%d\n" % number,))
        opened.event("got_status", attempt)
        await opened.writer.flush()
    one = task()
    for number, attempt in enumerate((FIRST, SECOND_ONE)):
        found = await opened.lines(
            jobs=(one.job,), nodes=(one.node,), invocation=attempt
        )
        assert texts(found) == [b"%d\n" % number]
    unknown = await opened.lines(
        jobs=(one.job,), nodes=(one.node,), invocation=InvocationId(SECOND, 3)
    )
    assert unknown.lines == ()
    assert unknown.next_line_id is None


async def test_a_tail_has_what_is_new_and_what_is_not_finished(opened: Opened) -> None:
    one = task("runs")
    opened.writer.write(one, Stream.STDOUT, (b"a\n", b"b\n"))
    opened.writer.write(task(), Stream.STDOUT, (b"other\n",))
    opened.writer.partial(one, Stream.STDERR, b"50 %")
    tail = await opened.tail(task=one)
    assert texts(tail) == [b"a\n", b"b\n"]
    assert tail.partial == {"stderr": b"50 %"}
    assert tail.is_running
    assert not (await opened.tail(task=task())).is_running
    opened.writer.write(one, Stream.STDOUT, (b"c\n",))
    assert texts(await opened.tail(task=one, after=tail.last_id)) == [b"c\n"]
    assert texts(await opened.tail()) == [b"a\n", b"b\n", b"other\n", b"c\n"]
    assert texts(await opened.tail(after=-5, limit=-1)) == []


async def test_a_store_that_cannot_be_read_is_a_refusal(opened: Opened) -> None:
    await opened.store.reader.close()
    with pytest.raises(CannotAnswer, match="the log store cannot be read"):
        await opened.answers.answer(question())


async def test_of_too_many_questions_at_once_some_are_refused(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_answers, "MOST_WAITING", 2)
    found = await asyncio.gather(
        *(opened.answers.answer(question()) for _ in range(3)), return_exceptions=True
    )
    assert [type(one) for one in found] == [LogLines, LogLines, CannotAnswer]
    assert texts(await opened.lines()) == []
