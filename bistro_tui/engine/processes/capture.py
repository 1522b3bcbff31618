"""A task's output on its way to the log: in rows, and never faster than the store."""

import asyncio
from collections.abc import Callable

from bistro_tui.engine.clock import Clock
from bistro_tui.engine.ids import TaskId
from bistro_tui.engine.logs.sink import LogSink, Stream
from bistro_tui.engine.processes.lines import LineCutter, LineQuota, rows_of
from bistro_tui.engine.warden.wire import STDERR, STDOUT

PARTIAL_SEC = 0.2
"""How long an unfinished line waits before it is shown."""
BEHIND_SEC = 0.02
"""How often a log store that is behind is looked at."""


class Gate:
    """Where readers wait while the log store is behind; one timer for all of them."""

    def __init__(self, loop: asyncio.AbstractEventLoop, sink: LogSink) -> None:
        self._loop = loop
        self._sink = sink
        self._waiting: list[Callable[[], None]] = []

    @property
    def is_shut(self) -> bool:
        """Whether readers should stop now."""
        return self._sink.is_behind

    def wait(self, resume: Callable[[], None]) -> None:
        """Have ``resume`` called once the store has caught up."""
        if not self._waiting:
            self._loop.call_later(BEHIND_SEC, self._look)
        self._waiting.append(resume)

    def _look(self) -> None:
        if self.is_shut:
            self._loop.call_later(BEHIND_SEC, self._look)
            return
        waiting, self._waiting = self._waiting, []
        for resume in waiting:
            resume()


class _Line:
    """The unfinished line at the end of one stream."""

    __slots__ = ("cutter", "is_shown", "stream", "task")

    def __init__(self, task: TaskId, stream: Stream) -> None:
        self.task = task
        self.stream = stream
        self.cutter = LineCutter()
        self.is_shown = False


class PartialLines:
    """Shows lines that stay unfinished for a while; one timer for all of them."""

    def __init__(self, loop: asyncio.AbstractEventLoop, sink: LogSink) -> None:
        self._loop = loop
        self._sink = sink
        self._due: dict[_Line, float] = {}
        """In the order in which they are due, for all wait equally long."""
        self._timer: asyncio.TimerHandle | None = None

    def watch(self, line: _Line) -> None:
        """Show what it holds in a moment, unless it is finished by then."""
        if line not in self._due:
            self._due[line] = due = self._loop.time() + PARTIAL_SEC
            if self._timer is None:
                self._timer = self._loop.call_at(due, self._show)

    def take_back(self, line: _Line) -> None:
        """Show it no more: it is the beginning of a row now."""
        line.is_shown = False
        self._sink.partial(line.task, line.stream, b"")

    def forget(self, line: _Line) -> None:
        """There will be no more of it."""
        self._due.pop(line, None)

    def close(self) -> None:
        """Show nothing more."""
        self._due.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _show(self) -> None:
        self._timer = None
        now = self._loop.time()
        for line, due in tuple(self._due.items()):
            if due > now:
                self._timer = self._loop.call_at(due, self._show)
                return
            del self._due[line]
            if text := line.cutter.unfinished:
                line.is_shown = True
                self._sink.partial(line.task, line.stream, text)


class OutputDesk:
    """What all captures of a runner share."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, clock: Clock, sink: LogSink
    ) -> None:
        self.loop = loop
        self.clock = clock
        self.sink = sink
        self.gate = Gate(loop, sink)
        self.partials = PartialLines(loop, sink)

    def write_all(self, task: TaskId, stream: Stream, output: bytes) -> None:
        """Write a whole stream; what an attempt without a capture left at its end."""
        self.sink.write(task, stream, rows_of(output))


class OutputCapture:
    """Takes what one attempt writes, and gives credit for more when there is room."""

    __slots__ = (
        "_credit",
        "_desk",
        "_is_over",
        "_is_waiting",
        "_lines",
        "_owed",
        "_quota",
        "_task",
    )

    def __init__(
        self,
        desk: OutputDesk,
        task: TaskId,
        *,
        quota: LineQuota | None,
        credit: Callable[[int], None],
    ) -> None:
        """``credit`` is told of bytes that were taken, once more may come."""
        self._desk = desk
        self._task = task
        self._quota = quota
        self._credit = credit
        self._lines = {
            STDOUT: _Line(task, Stream.STDOUT),
            STDERR: _Line(task, Stream.STDERR),
        }
        self._owed = 0
        self._is_waiting = False
        self._is_over = False

    def take(self, stream: int, data: bytes) -> None:
        """Write what was read from a stream."""
        line, desk = self._lines[stream], self._desk
        rows = line.cutter.feed(data)
        if rows:
            if self._quota is not None:
                self._quota.spend(len(rows))
            self._write(line, rows)
        if line.cutter.unfinished:
            desk.partials.watch(line)

    def owe(self, size: int) -> None:
        """Count bytes that are to be credited by the next ``settle``."""
        self._owed += size

    def settle(self) -> None:
        """Credit what is owed: now, or when the store and the quota allow it."""
        if self._is_waiting or self._is_over:
            return
        desk, delay = self._desk, 0.0
        if desk.gate.is_shut:
            self._is_waiting = True
            desk.gate.wait(self._resume)
            return
        if self._quota is not None:
            delay = self._quota.wait(desk.clock.now().mono)
        if delay:
            self._is_waiting = True
            desk.loop.call_later(delay, self._resume)
            return
        owed, self._owed = self._owed, 0
        self._credit(owed)

    def finish(self) -> None:
        """Write the unfinished lines; nothing comes after this."""
        self._is_over = True
        for line in self._lines.values():
            self._desk.partials.forget(line)
            if rows := line.cutter.finish():
                self._write(line, rows)

    def _write(self, line: _Line, rows: list[bytes]) -> None:
        self._desk.sink.write(self._task, line.stream, rows)
        if line.is_shown:
            self._desk.partials.take_back(line)

    def _resume(self) -> None:
        self._is_waiting = False
        self.settle()
