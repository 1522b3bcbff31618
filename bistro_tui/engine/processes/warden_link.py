"""One warden as the scheduler sees it: a process, a socket, what is under way."""

import asyncio
import contextlib
import fcntl
import signal
import socket
import struct
import subprocess
import termios
from collections import deque
from collections.abc import Callable
from typing import TypeAlias

from bistro_tui.engine.warden.wire import (
    Decoder,
    Message,
    Request,
    Start,
    encode,
)

READ_BYTES = 262_144
_NOTHING = struct.pack("i", 0)
TURN_SEC = 0.001
"""How long messages of one warden are acted on in a turn of the loop."""
MOMENT_SEC = 0.01
"""How long a request that is in no hurry waits for others to go with."""

Hear: TypeAlias = Callable[["WardenLink", Message], Message | None]
"""Acts on a message; returns what is left of it, to be given again."""


class WardenLink:
    """Talks to one warden. All requests of a turn of the loop go out together."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        process: "subprocess.Popen[bytes]",
        connection: socket.socket,
        journal: str,
        *,
        hear: Hear,
        on_heard: Callable[[], None],
        on_end: Callable[["WardenLink"], None],
    ) -> None:
        """``on_heard`` is called after the last message of a turn of the loop.

        ``on_end`` is called once, when all that the warden ever said was heard.
        """
        self.process = process
        self.journal = journal
        """The path of its journal."""
        self.since = loop.time()
        self.capacity = 0
        """Attempts that it can have at once; 0 before it is ready and at its end."""
        self.cgroup = b""
        """The control group that it was offered; empty: none."""
        self.has_ended = False
        self.under_way = 0
        """Attempts that it was given and that are not over."""
        self.has_spoken = False
        """Set by whatever it says."""
        self._room = 0
        """Its capacity while nothing is to be given to it."""
        self._loop = loop
        self._connection = connection
        self._hear = hear
        self._on_heard = on_heard
        self._on_end = on_end
        self._decoder = Decoder()
        self._inbox: deque[Message] = deque()
        self._is_closed = False
        self._is_busy = False
        self._out: list[Request] = []
        self._late: list[Request] = []
        self._moment: asyncio.TimerHandle | None = None
        self._unsent = bytearray()
        loop.add_reader(connection.fileno(), self._readable)

    def send(self, request: Request) -> None:
        """Send a request at the end of this turn of the loop."""
        if self._is_closed:
            return
        if not self._out:
            self._loop.call_soon(self.flush)
        self._out.append(request)

    def send_soon(self, request: Request) -> None:
        """Send a request with the next others, or after a moment."""
        if self._is_closed:
            return
        if not self._out and self._moment is None:
            self._moment = self._loop.call_later(MOMENT_SEC, self.flush)
        self._late.append(request)

    def start(self, request: Start) -> None:
        """Give it an attempt; to be followed by ``flush``."""
        self.under_way += 1
        if not self._is_closed:
            self._out.append(request)

    def flush(self) -> None:
        """Send what is to be sent now, or as soon as there is room for it."""
        if self._is_closed or not (self._out or self._late):
            return
        frame = self._frame()
        if self._unsent:
            self._unsent += frame
            return
        sent = self._write(frame)
        if sent < len(frame):
            self._unsent += frame[sent:]
            self._loop.add_writer(self._connection.fileno(), self._writable)

    def is_behind(self) -> bool:
        """Whether it has not read all that it was sent; it does so at once."""
        if self._is_closed:
            return False
        try:
            unread = fcntl.ioctl(self._connection, termios.TIOCOUTQ, _NOTHING)
        except OSError:
            # Not told by every system.
            return bool(self._unsent)
        return bool(self._unsent) or unread != _NOTHING

    def set_aside(self) -> None:
        """Have no room for attempts, until ``take_back``."""
        self._room, self.capacity = max(self._room, self.capacity), 0

    def take_back(self) -> None:
        """Have room again."""
        self.capacity, self._room = max(self._room, self.capacity), 0

    def lose(self) -> None:
        """Hear no more of it, as if it were gone."""
        if not self._is_closed:
            self.has_ended, self.capacity = True, 0
            self._hang_up()
            if not self._is_busy:
                self._on_end(self)

    def wake(self) -> None:
        """Have it go on in case somebody has stopped it."""
        # Popen looks first, so the signal cannot reach anybody else.
        with contextlib.suppress(OSError):
            self.process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        """Say what is left to say and hang up. The warden then ends what it has."""
        if self._is_closed:
            return
        self._connection.setblocking(True)
        self._connection.settimeout(0.2)
        with contextlib.suppress(OSError):
            self._connection.sendall(self._unsent)
            self._connection.sendall(self._frame())
        self._hang_up()

    def _hang_up(self) -> None:
        self._is_closed = True
        if self._moment is not None:
            self._moment.cancel()
        self._out.clear()
        self._late.clear()
        self._unsent.clear()
        self._loop.remove_reader(self._connection.fileno())
        self._loop.remove_writer(self._connection.fileno())
        self._connection.close()

    # In.

    def _readable(self) -> None:
        try:
            chunk = self._connection.recv(READ_BYTES)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            chunk = b""
        if not chunk:
            self.lose()
            return
        self.has_spoken = True
        self._inbox.extend(self._decoder.feed(chunk))
        if not self._is_busy:
            self._act()

    def _act(self) -> None:
        """Act on what has come; what is left when time is up comes next turn."""
        inbox, loop, hear = self._inbox, self._loop, self._hear
        until = loop.time() + TURN_SEC
        try:
            while inbox:
                rest = hear(self, inbox.popleft())
                if rest is not None:
                    inbox.appendleft(rest)
                if inbox and loop.time() >= until:
                    break
        finally:
            self._on_heard()
            if inbox or self._is_busy:
                self._go_on()

    def _go_on(self) -> None:
        if self._inbox:
            if not self._is_busy:
                self._is_busy = True
                if not self._is_closed:
                    self._loop.remove_reader(self._connection.fileno())
            self._loop.call_soon(self._act)
            return
        self._is_busy = False
        if self.has_ended:
            self._on_end(self)
        elif not self._is_closed:
            self._loop.add_reader(self._connection.fileno(), self._readable)

    # Out.

    def _frame(self) -> bytes:
        requests = self._out
        self._out = []
        if self._late:
            requests += self._late
            self._late = []
        if self._moment is not None:
            self._moment.cancel()
            self._moment = None
        return encode(requests)

    def _writable(self) -> None:
        del self._unsent[: self._write(self._unsent)]
        if not self._unsent:
            self._loop.remove_writer(self._connection.fileno())

    def _write(self, frame: bytes | bytearray) -> int:
        """Return how many bytes are gone for good."""
        try:
            return self._connection.send(frame)
        except (BlockingIOError, InterruptedError):
            return 0
        except OSError:
            # It is gone; reading says so, once all that it said has been read.
            return len(frame)
