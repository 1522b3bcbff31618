"""Signals that ask something of a program, until nothing can be asked of it any more.

What asyncio is told of signals ends with its loop, and what Python is told of them a
little before the process: one that comes then ends the process, whatever exit code it
owed. So they are ignored from the moment at which there is nothing left to ask.
"""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress


class LoopSignals:
    """Calls on a loop what signals ask for. To be used in the main thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._numbers: list[int] = []

    def call(self, number: int, asked: Callable[[], object]) -> None:
        """Have that signal call ``asked``, each time, in a later turn of the loop."""
        signal.signal(number, lambda *_: self._loop.call_soon_threadsafe(asked))
        # Calls of the system that it comes in are gone on with.
        signal.siginterrupt(number, False)
        self._numbers.append(number)

    def end(self) -> None:
        """Ignore all of them from now on."""
        ignore(self._numbers)


@contextmanager
def signals_on_this_loop() -> Iterator[LoopSignals]:
    """Give what the running loop can be asked by signals; ignore these in the end."""
    loop = asyncio.get_running_loop()
    with contextlib.ExitStack() as stack:
        heard, woken = socket.socketpair()
        for end in (heard, woken):
            stack.enter_context(end)
            end.setblocking(False)

        def take() -> None:
            with suppress(BlockingIOError):
                heard.recv(4096)

        # The kernel may give a signal to a thread that does not run Python's part.
        loop.add_reader(heard, take)
        stack.callback(loop.remove_reader, heard)
        former = signal.set_wakeup_fd(woken.fileno(), warn_on_full_buffer=False)
        stack.callback(signal.set_wakeup_fd, former)
        found = LoopSignals(loop)
        stack.callback(found.end)
        yield found


def ignore(numbers: Iterable[int]) -> None:
    """Let nothing come of these signals from now on."""
    for number in numbers:
        signal.signal(number, signal.SIG_IGN)
