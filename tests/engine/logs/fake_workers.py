"""Workers and an own store that have their lines in lists."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from bistro_tui.engine.ids import InvocationId, TaskId
from bistro_tui.engine.logs.asking_peers import query_of, told
from bistro_tui.engine.logs.last_words import LastWords
from bistro_tui.engine.logs.merged_lines import MergedLines
from bistro_tui.engine.logs.patterns import Wanted
from bistro_tui.engine.logs.peers import PeerAway
from bistro_tui.engine.logs.query import OUTPUT, THE_END, LogQuery, QueryPage
from bistro_tui.engine.logs.rows import LogTail, StoredLine
from bistro_tui.engine.logs.sink import Stream
from bistro_tui.engine.moment import Now
from bistro_tui.engine.remote import messages
from tests.engine.logs.builders import SECOND

STEP = 3
"""Lines that a store of these looks at for one page: it may be empty."""


@dataclass
class Kept:
    """Lines of one store, answered as real ones do."""

    lines: list[StoredLine] = field(default_factory=list)
    is_searched: bool = False
    """Whether a page ends after ``STEP`` ids, whatever it has found."""
    partial: dict[Stream, bytes] = field(default_factory=dict)

    def page(self, asked: LogQuery) -> QueryPage:
        there = sorted(
            (
                line
                for line in self.lines
                if line.stream in asked.streams
                and asked.lowest <= line.line_id <= asked.highest
            ),
            key=lambda line: line.line_id,
            reverse=not asked.ascending,
        )
        ids = list(dict.fromkeys(line.line_id for line in there))
        seen = set(ids[:STEP] if self.is_searched else ids)
        found: list[StoredLine] = []
        next_line_id = ids[STEP] if len(seen) < len(ids) else THE_END
        for line in there:
            is_another = bool(found) and line.line_id != found[-1].line_id
            if line.line_id in seen and self._is_wanted(line, asked):
                if len(found) >= asked.limit and is_another:
                    next_line_id = line.line_id
                    break
                found.append(line)
        last = max((line.line_id for line in self.lines), default=0)
        return QueryPage(lines=tuple(found), next_line_id=next_line_id, last_id=last)

    def tail(self, task: TaskId | None, after: int, limit: int) -> LogTail:
        found = sorted(
            line
            for line in self.lines
            if line.line_id > after
            and line.stream in OUTPUT
            and task in (None, line.task)
        )
        last = max((line.line_id for line in self.lines), default=0)
        return LogTail(
            lines=tuple(found[max(0, len(found) - limit) :]),
            last_id=max(after, last),
            partial=dict(self.partial) if task is not None else {},
        )

    def _is_wanted(self, line: StoredLine, asked: LogQuery) -> bool:
        return (
            (not asked.jobs or line.task.job in asked.jobs)
            and (not asked.nodes or line.task.node in asked.nodes)
            and (asked.pattern is None or asked.pattern.matches(line.line))
        )


class Own:
    """``Lines`` of this process."""

    def __init__(self, kept: Kept | None = None) -> None:
        self.kept = kept or Kept()
        self.words: dict[TaskId, LastWords] = {}

    async def page(
        self,
        asked: LogQuery,
        *,
        attempt: InvocationId | None = None,
        is_running: bool = False,
    ) -> QueryPage:
        return self.kept.page(asked)

    async def tail(self, task: TaskId | None, *, after: int, limit: int) -> LogTail:
        return self.kept.tail(task, after, limit)

    async def last_words(self, tasks: Sequence[TaskId]) -> list[LastWords]:
        return [self.words.get(task, LastWords("", b"", 0, False)) for task in tasks]

    def refusal(self) -> str:
        return ""


class Worker:
    """A LogPeer."""

    def __init__(self, shard: str, kept: Kept | None = None) -> None:
        self.shard = shard
        self.kept = kept or Kept()
        self.is_queryable = True
        self.is_lost = False
        self.newest_id = 0
        self.fails: str | None = None
        """Why it does not answer; empty: it is silent."""
        self.asked: list[messages.QueryLogs | messages.ReadLog] = []
        self.answer: messages.LogLines | messages.LogTail | None = None
        """What it says whatever it is asked."""

    async def query(self, question: messages.QueryLogs) -> messages.LogLines:
        self.asked.append(question)
        await self._fail()
        if isinstance(self.answer, messages.LogLines):
            return self.answer
        wanted = Wanted(question.text, question.regex, question.ignores_case)
        page = self.kept.page(replace(query_of(question), pattern=wanted.pattern()))
        end = page.next_line_id
        return messages.LogLines(
            lines=tuple(map(told, page.lines)),
            next_line_id=None if end == THE_END else end,
            last_id=page.last_id,
        )

    async def read(self, question: messages.ReadLog) -> messages.LogTail:
        self.asked.append(question)
        await self._fail()
        if isinstance(self.answer, messages.LogTail):
            return self.answer
        tail = self.kept.tail(question.task, question.after, question.limit)
        return messages.LogTail(
            lines=tuple(map(told, tail.lines)),
            partial={stream.value: text for stream, text in tail.partial.items()},
            is_running=bool(tail.partial),
            last_id=tail.last_id,
        )

    async def _fail(self) -> None:
        if self.fails == "":
            await asyncio.Event().wait()
        if self.fails is not None:
            raise PeerAway(self.fails)


@dataclass
class Clock:
    sec: float = 1000.0

    def now(self) -> Now:
        return Now(wall=SECOND + self.sec, mono=self.sec)


class Pool:
    """Some workers, and what reads their lines and ours."""

    def __init__(
        self, *workers: Worker, own: Own | None = None, has_own_tasks: bool = True
    ) -> None:
        self.workers = list(workers)
        self.own = own or Own()
        self.clock = Clock()
        self.places: dict[TaskId, set[str]] = {}
        self.lines = MergedLines(
            self.own,
            lambda: self.workers,
            clock=self.clock,
            workers_of=self._workers_of,
            own_shard="local",
            has_own_tasks=has_own_tasks,
        )

    async def _workers_of(self, task: TaskId) -> Iterable[str]:
        return self.places.get(task, ())
