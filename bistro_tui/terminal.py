"""The terminal and the signals are ours, not Textual's.

Textual stops the whole process on SIGTSTP, dies of SIGTERM without restoring the
terminal, and burns a core when the terminal is gone. The engine lives in the same
process, so none of that may happen here.
"""

import asyncio
import contextlib
import os
import selectors
import signal
import termios
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, cast

from textual import constants
from textual.drivers.linux_driver import LinuxDriver

from bistro_tui.keyboard import Keyboard
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

    def run_input_thread(self) -> None:
        """Take in what is typed until the UI ends; called in a thread of its own.

        A terminal that has gone ends it too: who looks after that is the app.
        """
        keyboard = Keyboard(debug=self._debug)
        with selectors.DefaultSelector() as selector:
            selector.register(self.fileno, selectors.EVENT_READ)
            while not self.exit_event.is_set():
                if selector.select(constants.ESCAPE_DELAY):
                    try:
                        data = os.read(self.fileno, 4096)
                    except OSError:
                        return
                    if not data:
                        return
                    for message in keyboard.take(data, has_alt=self._has_alt_keys()):
                        self.process_message(message)
                else:
                    for message in keyboard.idle():
                        self.process_message(message)

    def _has_alt_keys(self) -> bool:
        return any("alt+" in keys for keys in self._app._keymap.values())


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
