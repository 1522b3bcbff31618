"""One attempt from its process to its end.

The order at the end is the point: main process gone, output drained, what is left of
the process tree killed, main process reaped, status file read. Until it is reaped its
number cannot mean another process, group or session.
"""

import array
import contextlib
import fcntl
import os
import signal
import termios
from typing import Protocol

from bistro_tui.engine.warden.cgroups import Cgroup
from bistro_tui.engine.warden.loop import Loop, Timer
from bistro_tui.engine.warden.spawn import Child
from bistro_tui.engine.warden.untaken import Untaken
from bistro_tui.engine.warden.wire import (
    KILL,
    STDERR,
    STDOUT,
    TERM_WAIT_KILL,
    WINDOW,
    Exited,
    Output,
    Start,
)

DRAIN_SEC = 2.0
"""How long a descendant may keep the pipes after the main process has ended."""
CHUNK = 32_768
"""Most bytes that one turn of the loop reads from one pipe."""
MOST_AT_END = 1 << 20
"""Most bytes that are read at once when the main process has ended: a pipe's most."""
POLL_SEC = 0.02
"""How often a process is looked at that there is no descriptor for."""
FIRST_LOOK_SEC, LAST_LOOK_SEC = 0.002, 1.0
"""How long a killed process is given to go before the next look, growing."""
STUBBORN_SEC = 5.0
"""When a person is told of one that does not go."""


class Host(Protocol):
    """What an attempt needs of the warden."""

    loop: Loop

    def output(self, message: Output) -> bool:
        """Pass on what an attempt wrote; False if there is nobody to take it."""
        ...

    def exited(self, message: Exited) -> None:
        """Tell that a main process has ended and its pipes are still held."""
        ...

    def end_survivors(self, attempt: "Attempt") -> bool:
        """Kill what is left of its tree; whether there was, or may have been, any."""
        ...

    def stubborn(self, attempt: "Attempt") -> None:
        """Tell that its processes do not even go when killed."""
        ...

    def over(self, attempt: "Attempt") -> None:
        """Take note that nothing is left of the attempt but its zombie."""
        ...


class Attempt:
    """The processes of one attempt and their output."""

    __slots__ = (
        "_drain",
        "_host",
        "_is_ending",
        "_is_paused",
        "_is_watched",
        "_kill",
        "_look",
        "_looked_for",
        "_pidfd",
        "_pipes",
        "_timeout",
        "_window",
        "born",
        "cgroup",
        "is_killed_at_once",
        "killed",
        "main_has_ended",
        "pid",
        "rest",
        "start",
        "timed_out",
        "untaken",
    )

    def __init__(self, host: Host, start: Start, child: Child, born: float) -> None:
        """``born``: monotonic second of its start."""
        self.start = start
        self.pid = child.pid
        self.born = born
        self.cgroup: Cgroup | None = None
        self.killed = False
        self.timed_out = False
        self.is_killed_at_once = False
        self.main_has_ended = False
        self.rest: dict[int, bytes] = {STDOUT: b"", STDERR: b""}
        """Output that nobody was told of, by stream."""
        self.untaken = Untaken()
        self._host = host
        self._pipes = {STDOUT: child.stdout, STDERR: child.stderr}
        self._window = WINDOW
        self._is_watched = False
        self._is_paused = False
        self._is_ending = False
        self._kill: Timer | None = None
        self._drain: Timer | None = None
        self._timeout: Timer | None = None
        self._look = FIRST_LOOK_SEC
        self._looked_for = 0.0
        self._pidfd = -1
        try:
            self._pidfd = os.pidfd_open(child.pid)
        except (OSError, AttributeError):
            # Not now: it may have ended, and nobody knows of this attempt yet.
            host.loop.later(0, self._poll)
        else:
            host.loop.watch(self._pidfd, self._main_ended)
        if start.timeout > 0:
            self._timeout = host.loop.later(start.timeout, self._time_is_up)

    @property
    def number(self) -> int:
        """What it is called in messages."""
        return self.start.number

    # Its output.

    def mature(self) -> None:
        """Begin to pass its output on. What is over sooner is told of at its end."""
        if not self._is_watched and not self._is_ending:
            self._is_watched = True
            for stream, descriptor in self._pipes.items():
                self._watch(stream, descriptor)

    def credit(self, size: int) -> None:
        """Let so many bytes more be passed on."""
        self._window += size
        self.untaken.credit(size)
        self._resume()

    def nobody_listens(self) -> None:
        """Keep the end of what it writes from now on; a task must not block on it."""
        self.rest = {
            stream: self.untaken.of(stream) + rest for stream, rest in self.rest.items()
        }
        self.untaken.clear()
        self._window = 1 << 62
        self.mature()
        self._resume()

    def _watch(self, stream: int, descriptor: int) -> None:
        if not self._is_paused:
            self._host.loop.watch(descriptor, lambda: self._readable(stream))

    def _pause(self) -> None:
        self._is_paused = True
        for descriptor in self._pipes.values():
            self._host.loop.unwatch(descriptor)

    def _resume(self) -> None:
        if self._is_paused and self._window > 0 and not self._is_ending:
            self._is_paused = False
            for stream, descriptor in self._pipes.items():
                self._watch(stream, descriptor)

    def _readable(self, stream: int) -> None:
        data = self._read(stream, min(CHUNK, self._window))
        if data is None:
            return
        if not data:
            self._close(stream)
            if self.main_has_ended and not self._pipes:
                self._end()
            return
        self._pass_on(stream, data)

    def _pass_on(self, stream: int, data: bytes) -> None:
        if self._host.output(Output(self.start.number, stream, data)):
            self.untaken.add(stream, data)
            self._window -= len(data)
            if self._window <= 0:
                self._pause()
        else:
            self.rest[stream] = (self.rest[stream] + data)[-MOST_AT_END:]

    def _read(self, stream: int, size: int) -> bytes | None:
        """Return bytes, b"" at the end, or None when there are none yet."""
        try:
            return os.read(self._pipes[stream], size)
        except (BlockingIOError, InterruptedError):
            return None
        except OSError:
            return b""

    def _close(self, stream: int) -> None:
        descriptor = self._pipes.pop(stream)
        self._host.loop.unwatch(descriptor)
        os.close(descriptor)

    def _take_what_is_there(self, stream: int, most: int) -> None:
        """Read up to ``most`` bytes into ``rest``; close the pipe at its end."""
        found = [self.rest[stream]]
        while most > 0:
            data = self._read(stream, min(most, 65_536))
            if data is None:
                break
            if not data:
                self._close(stream)
                break
            most -= len(data)
            found.append(data)
        self.rest[stream] = b"".join(found)

    # Its end.

    def kill(self, method: int, wait: float) -> None:
        """Begin to end it; asked again, it never gets slower."""
        if self._is_ending:
            return
        if self.main_has_ended:
            # Only descendants are left; nobody wants to wait for their output now.
            self._end()
            return
        self.killed = True
        self._kill_by(method, wait)

    def _time_is_up(self) -> None:
        self._timeout = None
        if not self.killed:
            self.timed_out = True
        self._kill_by(self.start.kill_method, self.start.kill_wait)

    def _kill_by(self, method: int, wait: float) -> None:
        if method == KILL or (method == TERM_WAIT_KILL and wait <= 0):
            self._kill_now()
            return
        self._signal(signal.SIGTERM)
        # A stopped process would keep the SIGTERM waiting.
        self._signal(signal.SIGCONT)
        if method == TERM_WAIT_KILL:
            timer = self._host.loop.later(wait, self._kill_now)
            if self._kill is not None and self._kill.due < timer.due:
                timer.cancel()
            else:
                self._cancel(self._kill)
                self._kill = timer

    def _kill_now(self) -> None:
        self._cancel(self._kill)
        self._kill = None
        self.is_killed_at_once = True
        self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        if not self.main_has_ended:
            # EPERM: nothing of the group is left that we may signal (setuid programs).
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, number)

    def _poll(self) -> None:
        if os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG):
            self._main_ended()
        else:
            self._host.loop.later(POLL_SEC, self._poll)

    def _main_ended(self) -> None:
        loop = self._host.loop
        if self._pidfd >= 0:
            loop.unwatch(self._pidfd)
            os.close(self._pidfd)
        self.main_has_ended = True
        self._cancel(self._kill)
        self._cancel(self._timeout)
        # Also what there is no credit for: unread, a pipe would seem to be held.
        for stream in tuple(self._pipes):
            self._take_what_is_there(stream, MOST_AT_END)
        if not self._pipes or self.is_killed_at_once:
            self._end()
            return
        self._drain = loop.later(DRAIN_SEC, self._end)
        for stream in self.rest:
            data, self.rest[stream] = self.rest[stream], b""
            if data:
                self._pass_on(stream, data)
        self.mature()
        code, number, core = how_it_ended(self.pid)
        self._host.exited(Exited(self.start.number, code, number, core))

    def _end(self) -> None:
        """Kill what is left of the process tree, then take the rest of the output."""
        self._is_ending = True
        self._cancel(self._drain)
        if self._host.end_survivors(self):
            self._looked_for += self._look
            if self._looked_for - self._look < STUBBORN_SEC <= self._looked_for:
                self._host.stubborn(self)
            self._drain = self._host.loop.later(self._look, self._end)
            self._look = min(2 * self._look, LAST_LOOK_SEC)
            return
        for stream, descriptor in tuple(self._pipes.items()):
            self._host.loop.unwatch(descriptor)
            # Whoever still writes is none of ours, and may do so for ever.
            self._take_what_is_there(stream, _bytes_waiting(descriptor))
            if stream in self._pipes:
                self._close(stream)
        self._host.over(self)

    @staticmethod
    def _cancel(timer: Timer | None) -> None:
        if timer is not None:
            timer.cancel()


def how_it_ended(pid: int) -> tuple[int, int, bool]:
    """Return code, signal and whether there is a core, leaving the zombie.

    A code of -1 and no signal: nobody knows.
    """
    try:
        found = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT | os.WNOHANG)
    except ChildProcessError:
        found = None
    if found is None:
        return -1, 0, False
    if found.si_code == os.CLD_EXITED:
        return found.si_status, 0, False
    return -1, found.si_status, found.si_code == os.CLD_DUMPED


def _bytes_waiting(descriptor: int) -> int:
    count = array.array("i", [0])
    with contextlib.suppress(OSError):
        fcntl.ioctl(descriptor, termios.FIONREAD, count)
    return count[0]
