"""The terminal and the signals are ours, not Textual's.

Textual stops the whole process on SIGTSTP, dies of SIGTERM without restoring the
terminal, and burns a core when the terminal is gone. The engine lives in the same
process, so none of that may happen here.
"""

import asyncio
import contextlib
import os
import select
import signal
import termios
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, cast

from textual.drivers.linux_driver import LinuxDriver

from bistro_tui.own_terminal import OwnTerminal

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGTSTP)


class TerminalDriver(LinuxDriver):
    """Textual's driver without its own handling of job control."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as its base
        handlers = {s: signal.getsignal(s) for s in (signal.SIGTSTP, signal.SIGCONT)}
        super().__init__(*args, **kwargs)
        drawn_on: OwnTerminal | None = getattr(self._app, "terminal", None)
        if drawn_on is not None:
            # Typed as a file by Textual, which only writes to it, flushes it and asks
            # for its descriptor.
            self._file = cast("Any", drawn_on)
        for number, handler in handlers.items():
            signal.signal(number, handler)

    def _get_terminal_size(self) -> tuple[int, int]:
        # Textual asks stdout, which may be anything; it reads stdin.
        for descriptor in (2 if self._file is None else self._file.fileno(), 0):
            with contextlib.suppress(OSError):
                columns, lines = os.get_terminal_size(descriptor)
                if columns > 0 and lines > 0:
                    return columns, lines
        return super()._get_terminal_size()


@contextlib.contextmanager
def signals_to(handle: Callable[[int], None]) -> Iterator[None]:
    """Have ``handle`` called for the signals of a terminal program, in this thread.

    It is called between two steps of the interpreter, whatever the event loop does, so
    it must only note or pass on. The handlers from before come back at the end.
    """

    def on_signal(number: int, _: FrameType | None) -> None:
        handle(number)

    before = {number: signal.signal(number, on_signal) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def terminal_is_gone(fd: int = 0) -> bool:
    """Return whether the other end of the terminal was closed."""
    poller = select.poll()
    poller.register(fd, 0)
    try:
        return any(
            event & (select.POLLHUP | select.POLLERR | select.POLLNVAL)
            for _, event in poller.poll(0)
        )
    except OSError:
        return True


def let_go_of_terminal() -> None:
    """Put the null device in the place of fds 0 to 2, if they are a terminal.

    Whatever is read or written afterwards, by whomever, neither fails nor spins.
    """
    null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    try:
        for fd in (0, 1, 2):
            if _was_terminal(fd):
                os.dup2(null, fd)
    finally:
        os.close(null)


def _was_terminal(fd: int) -> bool:
    try:
        os.ttyname(fd)
    except OSError:
        # A closed master makes isatty fail, but the device is still a terminal's.
        try:
            return os.major(os.fstat(fd).st_rdev) in range(136, 144)
        except OSError:
            return False
    return True


@contextlib.contextmanager
def terminal_kept() -> Iterator[None]:
    """Give the terminal back with the modes that it had, whatever happens inside."""
    try:
        modes = termios.tcgetattr(0)
    except termios.error:
        yield
        return
    try:
        yield
    finally:
        with contextlib.suppress(termios.error):
            termios.tcsetattr(0, termios.TCSANOW, modes)


async def until_enter(left: asyncio.Event) -> None:
    """Return when a person presses Enter, the terminal goes, or ``left`` is set."""
    loop = asyncio.get_running_loop()
    entered = asyncio.Event()

    def on_input() -> None:
        try:
            typed = os.read(0, 4096)
        except OSError:
            typed = b""
        if not typed or b"\n" in typed:
            entered.set()

    loop.add_reader(0, on_input)
    waits = [asyncio.ensure_future(event.wait()) for event in (entered, left)]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        loop.remove_reader(0)
        for wait in waits:
            wait.cancel()
