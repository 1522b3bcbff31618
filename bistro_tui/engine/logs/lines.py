"""Reading lines, wherever they are kept."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Protocol

from bistro_tui.engine.clock import Clock
from bistro_tui.engine.ids import InvocationId, TaskId
from bistro_tui.engine.logs.deadline import Deadline
from bistro_tui.engine.logs.last_words import LastWords, last_words
from bistro_tui.engine.logs.places import line_id_in
from bistro_tui.engine.logs.query import LAST_ID, LogQuery, QueryPage
from bistro_tui.engine.logs.reader import LogReader
from bistro_tui.engine.logs.rows import LogTail, Written
from bistro_tui.engine.logs.spans import Span, span_of, span_of_events
from bistro_tui.engine.logs.unstored import Unstored, read_page_with
from bistro_tui.engine.logs.writer import LogWriter


class Lines(Protocol):
    """Answers on the engine's loop; each may raise sqlite3.Error."""

    async def page(
        self,
        asked: LogQuery,
        *,
        attempt: InvocationId | None = None,
        is_running: bool = False,
    ) -> QueryPage:
        """Return the next page of an answer, also of what is not in a store yet.

        ``attempt``: only its lines, of the one job and node asked for; ``is_running``
        tells whether it is running.
        """
        ...

    async def tail(self, task: TaskId | None, *, after: int, limit: int) -> LogTail:
        """Return up to ``limit`` newest output lines with an id above ``after``.

        ``task`` None merges all tasks.
        """
        ...

    async def last_words(self, tasks: Sequence[TaskId]) -> list[LastWords]:
        """Return how the last attempt at each ended, and the last that it said."""
        ...

    def refusal(self) -> str:
        """Return why nothing can be said of the lines of tasks; empty: it can."""
        ...


class StoreLines:
    """The lines of one store and its writer."""

    def __init__(
        self,
        writer: LogWriter,
        reader: LogReader,
        *,
        clock: Clock,
        keeps_attempts: bool = True,
    ) -> None:
        """``keeps_attempts``: whether the store has records of what is over."""
        self._writer = writer
        self._reader = reader
        self._clock = clock
        self._keeps_attempts = keeps_attempts

    async def page(
        self,
        asked: LogQuery,
        *,
        attempt: InvocationId | None = None,
        is_running: bool = False,
    ) -> QueryPage:
        """Return the next page of an answer, within 0.2 s of when it is its turn."""
        if asked.line_id is not None and asked.line_id > LAST_ID:
            # A place among lines of several stores, from before this was the only one.
            asked = replace(asked, line_id=min(line_id_in(asked.line_id), LAST_ID))
        unstored = self._writer.unstored()
        if attempt is None:
            return await self._reader.run(
                lambda connection: read_page_with(
                    connection, asked, unstored, Deadline(self._clock)
                )
            )
        return await self._reader.run(
            partial(self._page_of_attempt, asked, attempt, is_running, unstored)
        )

    async def tail(self, task: TaskId | None, *, after: int, limit: int) -> LogTail:
        """Return the newest output lines, and those that are not finished."""
        return await self._writer.tail(task, after=after, limit=limit)

    async def last_words(self, tasks: Sequence[TaskId]) -> list[LastWords]:
        """Return the last words of each, in a tenth of a millisecond for one."""
        queued = _by_task(self._writer.unstored(), frozenset(tasks))
        return await self._reader.run(partial(last_words, tasks=tasks, queued=queued))

    def refusal(self) -> str:
        """Return nothing: it is here."""
        return ""

    def _page_of_attempt(
        self,
        asked: LogQuery,
        attempt: InvocationId,
        is_running: bool,
        unstored: Unstored,
        connection: sqlite3.Connection,
    ) -> QueryPage:
        deadline = Deadline(self._clock)
        task = TaskId(asked.jobs[0], asked.nodes[0])
        queued = unstored.written
        if self._keeps_attempts:
            span = span_of(
                connection, task, attempt, is_running=is_running, queued=queued
            )
        else:
            span = span_of_events(connection, task, attempt, queued=queued)
        return read_page_with(connection, _within(asked, span), unstored, deadline)


def _within(asked: LogQuery, span: Span) -> LogQuery:
    low, high = max(asked.lowest, span.low), min(asked.highest, span.high)
    begin, end = (low, high) if asked.ascending else (high, low)
    return replace(asked, line_id=begin, stop_id=end)


def _by_task(
    unstored: Unstored, tasks: Iterable[TaskId]
) -> Mapping[TaskId, Sequence[Written]]:
    found: dict[TaskId, list[Written]] = {}
    for one in unstored.written if tasks else ():
        if one.task in tasks:
            found.setdefault(one.task, []).append(one)
    return found
