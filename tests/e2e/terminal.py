"""A real terminal for the program: a pty whose other end is an emulator."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from collections.abc import Callable, Mapping

import pyte

from tests.e2e.program import PROGRAM, Place

_MODES = re.compile(rb"\x1b\[\?([\d;]+)([hl])")
_CURSOR, _WRAP = 25, 7
_KEYS_PUSHED, _KEYS_POPPED = b"\x1b[>25u", b"\x1b[<u"


class Terminal:
    """Runs the program on a pty of its own and shows what a person would see."""

    def __init__(
        self,
        place: Place,
        *arguments: object,
        columns: int = 140,
        lines: int = 42,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.raw = b""
        self.screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self.screen)
        self._code: int | None = None
        # As it is before the program can change it.
        self._fd, its_end = pty.openpty()
        self.resize(columns, lines)
        self._flags = termios.tcgetattr(self._fd)
        self.began = time.monotonic()
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self._fd)
            os.login_tty(its_end)
            os.chdir(place.path)
            words = [PROGRAM, *map(str, arguments)]
            os.execve(PROGRAM, words, place.environment() | dict(env or {}))
        os.close(its_end)

    def resize(self, columns: int, lines: int) -> None:
        self.screen.resize(lines, columns)
        size = struct.pack("HHHH", lines, columns, 0, 0)
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, size)

    @property
    def text(self) -> str:
        return "\n".join(self.screen.display)

    def press(self, keys: str) -> None:
        os.write(self._fd, keys.encode())

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def assert_given_back(self) -> None:
        """Check that the terminal is as it was before, as far as bytes tell."""
        assert self.not_given_back() == []

    def not_given_back(self) -> list[object]:
        """Return what is not as it was before."""
        modes: dict[int, bool] = {}
        for numbers, what in _MODES.findall(self.raw):
            modes |= dict.fromkeys(map(int, numbers.split(b";")), what == b"h")
        wrong: list[object] = [
            mode for mode, is_on in modes.items() if is_on != (mode in (_CURSOR, _WRAP))
        ]
        if termios.tcgetattr(self._fd) != self._flags:
            wrong.append(termios.tcgetattr(self._fd))
        if self.raw.count(_KEYS_PUSHED) != self.raw.count(_KEYS_POPPED):
            wrong.append("keys")
        return wrong

    def hang_up(self) -> None:
        """Close the terminal as a dropped connection does."""
        os.close(self._fd)
        self._fd = -1

    def wait_for(
        self, what: str | Callable[[str], bool], *, seconds: float = 60
    ) -> str:
        """Return the screen as soon as it shows that; fail after ``seconds``."""
        is_there = (lambda text: what in text) if isinstance(what, str) else what
        deadline = time.monotonic() + seconds
        while not is_there(self.text):
            left = deadline - time.monotonic()
            if left <= 0 or not self._read(left):
                raise AssertionError(f"never showed {what!r}; the screen:\n{self.text}")
        return self.text

    def wait_until(self, condition: Callable[[], bool], *, seconds: float = 60) -> None:
        """Return as soon as that is so, taking in what is shown meanwhile."""
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise AssertionError(f"it never came true; the screen:\n{self.text}")
            self._read(0.02)

    def look(self, seconds: float) -> str:
        """Take in what is shown for so long."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0 and self._read(left):
            pass
        return self.text

    def wait_for_end(self, *, seconds: float = 60) -> int:
        """Return the exit code; what is still on the screen can be read afterwards."""
        deadline = time.monotonic() + seconds
        while self._fd >= 0 and self._read(max(0.0, deadline - time.monotonic())):
            pass
        return self._end_by(deadline)

    def wait_for_end_unread(self, *, seconds: float) -> int:
        """Return the exit code, taking in nothing that is shown meanwhile."""
        return self._end_by(time.monotonic() + seconds)

    def _end_by(self, deadline: float) -> int:
        while self._code is None:
            done, status = os.waitpid(self.pid, os.WNOHANG)
            if done:
                self._code = os.waitstatus_to_exitcode(status)
            elif time.monotonic() > deadline:
                raise AssertionError(f"still runs; the screen:\n{self.text}")
            else:
                time.sleep(0.01)
        return self._code

    def close(self) -> None:
        if self._code is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        if self._fd >= 0:
            os.close(self._fd)

    def _read(self, seconds: float) -> bool:
        """Take in some output; False when there is no more or none came in time."""
        ready, _, _ = select.select([self._fd], [], [], seconds)
        if not ready:
            return False
        try:
            data = os.read(self._fd, 65536)
        except OSError:  # Linux says EIO where others say end of file.
            return False
        self.raw += data
        self._stream.feed(data)
        return bool(data)
