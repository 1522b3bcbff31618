"""What is told without being asked."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from bistro_tui.engine.ids import InvocationId, JobName, NodeName, TaskId
from bistro_tui.engine.logs.rows import StoredLine
from bistro_tui.engine.logs.sink import Stream
from bistro_tui.engine.remote.messages import (
    LastLines,
    LogLine,
    TaskStarted,
    TaskUsage,
)
from bistro_tui.engine.remote.messages import News as Told
from bistro_tui.engine.worker import news as module
from bistro_tui.engine.worker.news import News, WatchedSink
from tests.engine.processes.builders import RecordingSink
from tests.engine.worker.scripted import until

EVERY = 0.05


def a_task(number: int) -> TaskId:
    return TaskId(JobName("etl"), NodeName(f"n{number}"))


def an_attempt(number: int) -> InvocationId:
    return InvocationId(1, number)


@dataclass
class Heard:
    """News whose words are kept, of tasks whose newest lines are given."""

    said: list[Told] = field(default_factory=list)
    running: set[TaskId] = field(default_factory=set)
    lines: dict[TaskId, bytes] = field(default_factory=dict)
    asked: list[TaskId] = field(default_factory=list)
    news: News = field(init=False)

    def __post_init__(self) -> None:
        self.news = News(
            tell=self.said.append,
            newest=self.newest,
            runs=self.running.__contains__,
        )

    async def newest(self, task: TaskId) -> StoredLine | None:
        self.asked.append(task)
        text = self.lines.get(task)
        return None if text is None else StoredLine(7, task, Stream.STDOUT, text)


@asynccontextmanager
async def telling(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Heard]:
    monkeypatch.setattr(module, "EVERY_SEC", EVERY)
    told = Heard()
    running = asyncio.ensure_future(told.news.run())
    try:
        yield told
    finally:
        running.cancel()


async def test_a_process_is_told_of_unless_its_task_is_over_by_then(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with telling(monkeypatch) as told:
        told.running |= {a_task(1)}
        told.news.started(a_task(1), an_attempt(1), 100)
        told.news.started(a_task(2), an_attempt(2), 200)
        await until(lambda: told.said)
        assert told.said == [TaskStarted(an_attempt(1), 100)]


async def test_only_the_newest_use_of_an_attempt_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with telling(monkeypatch) as told:
        told.news.usage(((an_attempt(1), 10, 0.1, 1), (an_attempt(2), 20, 0.2, 2)))
        told.news.usage(((an_attempt(1), 11, 0.3, 1),))
        await until(lambda: told.said)
        rows = ((an_attempt(1), 11, 0.3, 1), (an_attempt(2), 20, 0.2, 2))
        assert told.said == [TaskUsage(rows)]


async def test_a_task_that_prints_on_and_on_is_asked_for_its_line_now_and_then(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with telling(monkeypatch) as told:
        task, short = a_task(1), a_task(2)
        told.running |= {task}
        told.lines = {task: b"newest\n", short: b"over\n"}
        sink = WatchedSink(RecordingSink(), told.news.printed)
        loop = asyncio.get_running_loop()
        end = loop.time() + 3 * EVERY
        while loop.time() < end:
            sink.write(task, Stream.STDOUT, (b"line\n",))
            sink.write(short, Stream.STDERR, (b"line\n",))
            await asyncio.sleep(0)
        await until(lambda: told.said)
        assert 1 <= len(told.asked) <= 5
        assert set(told.asked) == {task}
        line = LogLine(7, task.job, task.node, b"newest\n")
        assert told.said[0] == LastLines(((task, "stdout", line),))


async def test_what_is_not_printed_is_no_news(monkeypatch: pytest.MonkeyPatch) -> None:
    inner = RecordingSink()
    async with telling(monkeypatch) as told:
        task = a_task(1)
        told.running |= {task}
        sink = WatchedSink(inner, told.news.printed)
        sink.write(task, Stream.STATUSES, (b"{}\n",))
        sink.write(task, Stream.STDOUT, ())
        sink.partial(task, Stream.STDOUT, b"unfini")
        await asyncio.sleep(2 * EVERY)
        assert told.said == []
    # All of it went on to who keeps it.
    assert inner.rows == [(task, Stream.STATUSES, b"{}\n")]
    assert inner.partials == [(task, Stream.STDOUT, b"unfini")]
    inner.behind = True
    assert sink.is_behind
