"""Reading a task's stdout and stderr: bounded, in rows, never faster than the store."""

import array
import asyncio
import contextlib
import fcntl
import os
import termios
from collections.abc import Callable, Mapping

from bistro_tui.engine.clock import Clock
from bistro_tui.engine.ids import TaskId
from bistro_tui.engine.logs.sink import LogSink, Stream
from bistro_tui.engine.processes.lines import LineCutter, LineQuota

READ_BYTES = 16_384
"""Most bytes that one turn of the loop reads from one pipe."""
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


class _Pipe:
    """One stream: its descriptor while it is open, and its unfinished line."""

    def __init__(self, stream: Stream, descriptor: int) -> None:
        self.stream = stream
        self.descriptor = descriptor
        self.is_open = True
        self.cutter = LineCutter()
        self.timer: asyncio.TimerHandle | None = None
        self.is_partial_shown = False


class OutputCapture:
    """Reads the two pipes of one attempt into the log until both are closed."""

    def __init__(
        self,
        *,
        loop: asyncio.AbstractEventLoop,
        clock: Clock,
        gate: Gate,
        sink: LogSink,
        task: TaskId,
        quota: LineQuota,
        descriptors: Mapping[Stream, int],
        on_closed: Callable[[], None],
        on_error: Callable[[str], None],
    ) -> None:
        """Begin to read. The descriptors belong to the capture from here on.

        ``on_closed`` is called once, when every writer has closed both pipes or
        ``finish`` was called; ``on_error`` when a pipe cannot be read.
        """
        self._loop = loop
        self._clock = clock
        self._gate = gate
        self._sink = sink
        self._task = task
        self._quota = quota
        self._on_closed = on_closed
        self._on_error = on_error
        self._pipes = [_Pipe(stream, fd) for stream, fd in descriptors.items()]
        self._is_paused = True
        self._resume()

    @property
    def is_closed(self) -> bool:
        """Whether there is nothing more to read."""
        return not any(pipe.is_open for pipe in self._pipes)

    def finish(self) -> None:
        """Take what lies in the pipes now, and close them whoever still writes.

        A paused task cannot write more than its pipes hold, so this is bounded.
        """
        for pipe in self._pipes:
            if pipe.is_open:
                self._take_what_is_there(pipe)
                self._close(pipe)

    def _readable(self, pipe: _Pipe) -> None:
        chunk = self._read(pipe, READ_BYTES)
        if chunk is None:
            return
        if not chunk:
            self._close(pipe)
            return
        self._take(pipe, chunk)
        if self._gate.is_shut:
            self._pause()
            self._gate.wait(self._resume)
        elif delay := self._quota.wait(self._clock.now().mono):
            self._pause()
            self._loop.call_later(delay, self._resume)

    def _read(self, pipe: _Pipe, count: int) -> bytes | None:
        """Return bytes, b"" at the end, or None when there are none yet."""
        try:
            return os.read(pipe.descriptor, count)
        except (BlockingIOError, InterruptedError):
            return None
        except OSError as error:
            self._on_error(f"{pipe.stream}: {error.strerror}")
            return b""

    def _take(self, pipe: _Pipe, chunk: bytes) -> None:
        rows = pipe.cutter.feed(chunk)
        if rows:
            self._quota.spend(len(rows))
            self._write(pipe, rows)
        if pipe.cutter.unfinished and pipe.timer is None:
            pipe.timer = self._loop.call_later(PARTIAL_SEC, self._show_partial, pipe)

    def _write(self, pipe: _Pipe, rows: list[bytes]) -> None:
        self._sink.write(self._task, pipe.stream, rows)
        if pipe.is_partial_shown:
            # It is the beginning of a row now, and must not be seen twice.
            pipe.is_partial_shown = False
            self._sink.partial(self._task, pipe.stream, b"")

    def _show_partial(self, pipe: _Pipe) -> None:
        pipe.timer = None
        if text := pipe.cutter.unfinished:
            pipe.is_partial_shown = True
            self._sink.partial(self._task, pipe.stream, text)

    def _pause(self) -> None:
        self._is_paused = True
        for pipe in self._pipes:
            if pipe.is_open:
                self._loop.remove_reader(pipe.descriptor)

    def _resume(self) -> None:
        if self._is_paused:
            self._is_paused = False
            for pipe in self._pipes:
                if pipe.is_open:
                    self._loop.add_reader(pipe.descriptor, self._readable, pipe)

    def _take_what_is_there(self, pipe: _Pipe) -> None:
        left = _bytes_waiting(pipe.descriptor)
        while left > 0:
            chunk = self._read(pipe, min(left, READ_BYTES))
            if not chunk:
                return
            left -= len(chunk)
            self._take(pipe, chunk)

    def _close(self, pipe: _Pipe) -> None:
        pipe.is_open = False
        self._loop.remove_reader(pipe.descriptor)
        os.close(pipe.descriptor)
        if pipe.timer is not None:
            pipe.timer.cancel()
            pipe.timer = None
        if rows := pipe.cutter.finish():
            self._write(pipe, rows)
        if self.is_closed:
            self._on_closed()


def _bytes_waiting(descriptor: int) -> int:
    count = array.array("i", [0])
    with contextlib.suppress(OSError):
        fcntl.ioctl(descriptor, termios.FIONREAD, count)
    return count[0]
