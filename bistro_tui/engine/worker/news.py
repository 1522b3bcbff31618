"""What a scheduler is told without asking: what tasks print, use, and that they began.

Each of it is of this moment only, so what was not told in time is not told at all.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from bistro_tui.engine.ids import InvocationId, TaskId
from bistro_tui.engine.logs.rows import StoredLine
from bistro_tui.engine.logs.sink import LogSink, Stream
from bistro_tui.engine.remote.messages import (
    HEALTH_CHECK,
    LastLines,
    LogLine,
    TaskStarted,
    TaskUsage,
)
from bistro_tui.engine.remote.messages import News as Told

EVERY_SEC = 0.5
"""News of so long go together."""
_MOST_ROWS = 1_000
"""Last lines at a time; other tasks are told of when they print again."""
_MOST_BYTES = 2**20


class News:
    """Collects it; somebody must run ``run``."""

    def __init__(
        self,
        *,
        tell: Callable[[Told], None],
        newest: Callable[[TaskId], Awaitable[StoredLine | None]],
        runs: Callable[[TaskId], bool],
    ) -> None:
        """``newest`` gives the newest line of a task, ``runs`` whether it still runs.

        Short tasks are told of once, by their ends.
        """
        self._tell = tell
        self._newest = newest
        self._runs = runs
        self._started: dict[InvocationId, tuple[TaskId, int]] = {}
        self._usage: tuple[tuple[InvocationId, int, float, int], ...] = ()
        self._printed: set[TaskId] = set()
        self._wake = asyncio.Event()

    def started(self, task: TaskId, invocation: InvocationId, pid: int) -> None:
        """An attempt has a process."""
        self._started[invocation] = task, pid
        self._wake.set()

    def usage(self, rows: tuple[tuple[InvocationId, int, float, int], ...]) -> None:
        """Attempts use so much now."""
        self._usage += rows
        self._wake.set()

    def printed(self, task: TaskId) -> None:
        """A task has printed a whole line."""
        self._printed.add(task)
        self._wake.set()

    async def run(self) -> None:
        """Tell it, for ever."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            await self._tell_all()
            await asyncio.sleep(EVERY_SEC)

    async def _tell_all(self) -> None:
        started, self._started = self._started, {}
        for invocation, (task, pid) in started.items():
            if self._runs(task):
                self._tell(TaskStarted(invocation, pid))
        usage, self._usage = self._usage, ()
        if usage:
            self._tell(TaskUsage(tuple({row[0]: row for row in usage}.values())))
        printed, self._printed = self._printed, set()
        rows: list[tuple[TaskId, str, LogLine]] = []
        size = 0
        for task in printed:
            if len(rows) >= _MOST_ROWS or size >= _MOST_BYTES:
                break
            if self._runs(task):
                line = await self._newest(task)
                if line is not None:
                    number, (job, node), stream, text = line
                    size += len(text)
                    rows.append((task, stream.value, LogLine(number, job, node, text)))
        if rows:
            self._tell(LastLines(tuple(rows)))


class WatchedSink:
    """A LogSink that hands on, and takes note of who prints."""

    def __init__(self, sink: LogSink, printed: Callable[[TaskId], None]) -> None:
        self._sink = sink
        self._printed = printed

    @property
    def is_behind(self) -> bool:
        """Whether writers should stop reading until the store has caught up."""
        return self._sink.is_behind

    def write(self, task: TaskId, stream: Stream, lines: Sequence[bytes]) -> None:
        """Hand on whole lines; those of health checks nobody wants to read."""
        if task.job == HEALTH_CHECK:
            return
        self._sink.write(task, stream, lines)
        if lines and stream is not Stream.STATUSES:
            self._printed(task)

    def partial(self, task: TaskId, stream: Stream, text: bytes) -> None:
        """Hand on an unfinished line."""
        self._sink.partial(task, stream, text)
