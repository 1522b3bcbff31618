"""What a worker answers who asks for the lines of its tasks."""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import replace

from bistro_tui.engine.clock import Clock
from bistro_tui.engine.ids import TaskId
from bistro_tui.engine.logs.asking_peers import MOST_TAIL_LINES, query_of, told
from bistro_tui.engine.logs.lines import StoreLines
from bistro_tui.engine.logs.patterns import LONGEST_REGEX, Pattern, Wanted
from bistro_tui.engine.logs.query import PAGE_BYTES, THE_END
from bistro_tui.engine.logs.reader import LogReader
from bistro_tui.engine.logs.rows import StoredLine
from bistro_tui.engine.logs.writer import LogWriter
from bistro_tui.engine.remote.messages import LogLines, LogTail, QueryLogs, ReadLog
from bistro_tui.engine.sqlite import in_words

MOST_WAITING = 64
"""Questions that are being answered; of more, none is taken."""


class CannotAnswer(Exception):
    """The question is none, or the store cannot be read; the text says which."""


class LogAnswers:
    """Reads the worker's own store, on the threads of its reader."""

    def __init__(
        self,
        writer: LogWriter,
        reader: LogReader,
        *,
        clock: Clock,
        runs: Callable[[TaskId], bool],
    ) -> None:
        """``runs`` tells whether an attempt at a task is running here."""
        self._lines = StoreLines(writer, reader, clock=clock, keeps_attempts=False)
        self._runs = runs
        self._waiting = 0

    async def answer(self, question: QueryLogs | ReadLog) -> LogLines | LogTail:
        """Return the answer to either. Raises CannotAnswer."""
        if self._waiting >= MOST_WAITING:
            raise CannotAnswer("too many questions about logs at once")
        self._waiting += 1
        try:
            if isinstance(question, QueryLogs):
                return await self._page(question)
            return await self._tail(question)
        except sqlite3.Error as error:
            raise CannotAnswer(
                f"the log store cannot be read: {in_words(error)}"
            ) from None
        except OverflowError:
            raise CannotAnswer("no line and no attempt has such a number") from None
        finally:
            self._waiting -= 1

    async def _page(self, question: QueryLogs) -> LogLines:
        try:
            asked = query_of(question)
            pattern = await _pattern(question)
        except ValueError as error:
            raise CannotAnswer(str(error)) from None
        asked = replace(asked, pattern=pattern)
        page = await self._lines.page(asked, attempt=question.invocation)
        return LogLines(
            lines=tuple(map(told, page.lines)),
            next_line_id=None if page.next_line_id == THE_END else page.next_line_id,
            last_id=page.last_id,
        )

    async def _tail(self, question: ReadLog) -> LogTail:
        limit = min(max(question.limit, 0), MOST_TAIL_LINES)
        task = question.task
        found = await self._lines.tail(task, after=max(0, question.after), limit=limit)
        return LogTail(
            lines=tuple(map(told, _newest(found.lines))),
            partial={stream.value: text for stream, text in found.partial.items()},
            is_running=task is not None and self._runs(task),
            last_id=found.last_id,
        )


async def _pattern(question: QueryLogs) -> Pattern | None:
    """Return what is searched for. Made in a thread: the first loads the library."""
    text, regex = question.text, question.regex
    if not text and not regex:
        return None
    if text and regex:
        raise ValueError("text and regex cannot be given together")
    if len(text or regex) > LONGEST_REGEX:
        raise ValueError(f"what is searched for has more than {LONGEST_REGEX} letters")
    wanted = Wanted(text=text, regex=regex, ignores_case=question.ignores_case)
    return await asyncio.to_thread(wanted.pattern)


def _newest(lines: Sequence[StoredLine]) -> Sequence[StoredLine]:
    """Return the last lines that are not too long together, and at least one."""
    size = 0
    for number, line in enumerate(reversed(lines)):
        size += len(line.line)
        if size > PAGE_BYTES and number:
            return lines[len(lines) - number :]
    return lines
