"""The screen is drawn through a door of its own; what others write does not reach it.

A library's warning, or a line that C code writes to fd 1 or 2, would tear the picture.
While the screen is shown those two lead to a file, and what comes there is logged. A
terminal that takes nothing holds up who draws, and at the end not even that.
"""

import contextlib
import fcntl
import logging
import os
import select
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bistro_tui.present.clean import clean_lines

__all__ = ["OwnTerminal", "own_terminal"]

_LOG = logging.getLogger("bistro_tui.ui")

_LOOK_MS = 100
_PATIENCE_LOOKS = 20
_MOST_STRAY_BYTES = 64 * 1024
"""Of what was written astray between two looks; the rest is only counted."""


class OwnTerminal:
    """A file for Textual's writer thread, which an error would end.

    Without that thread the queue before it fills, and whoever draws waits for ever.
    """

    def __init__(self, fd: int, strays: int | None) -> None:
        self._fd = fd
        self._strays = strays
        encoding = getattr(sys.__stderr__, "encoding", None)
        self._encoding: str = encoding or "utf-8"
        # No Event: a signal handler must not wait for the lock that it interrupted.
        self._is_in_a_hurry = False
        self._given_up = False

    def hurry(self) -> None:
        """Wait for a terminal that takes nothing for two seconds more and no longer.

        May be called from any thread and in a signal handler.
        """
        self._is_in_a_hurry = True

    def write(self, text: str) -> int:
        """Write it all, as slowly as the terminal takes it; errors are not told."""
        left = memoryview(text.encode(self._encoding, "replace"))
        while left:
            try:
                left = left[os.write(self._fd, left) :]
            except BlockingIOError:
                if not self._has_room():
                    break
            except OSError:
                break
        return len(text)

    def flush(self) -> None:
        """Do nothing: nothing is kept back."""

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._fd

    def _has_room(self) -> bool:
        poll = select.poll()
        poll.register(self._fd, select.POLLOUT)
        looks = 0
        while not self._given_up:
            if poll.poll(_LOOK_MS):
                return True
            looks += self._is_in_a_hurry
            self._given_up = looks >= _PATIENCE_LOOKS
        return False

    def log_strays(self) -> None:
        """Log what was written to fds 1 and 2 since the last time."""
        if self._strays is None:
            return
        with contextlib.suppress(OSError):
            size = os.fstat(self._strays).st_size
            if not size:
                return
            found = os.pread(self._strays, _MOST_STRAY_BYTES, 0)
            os.ftruncate(self._strays, 0)
            for line in clean_lines(found.rstrip(b"\n")):
                _LOG.warning("written to the terminal: %s", line)
            if size > len(found):
                _LOG.warning("and %d bytes more", size - len(found))


@contextlib.contextmanager
def own_terminal(strays_in: Path | None) -> Iterator[OwnTerminal | None]:
    """Have the terminal to ourselves inside the block; None where stderr is none.

    ``strays_in``: the directory for the file, which has no name; None: where temporary
    files go.
    """
    try:
        name = os.ttyname(2)
    except OSError:
        yield None
        return
    fd = _opened(name)
    strays = _nameless(strays_in)
    former = {number: os.dup(number) for number in (1, 2) if os.isatty(number)}
    ours = OwnTerminal(fd, strays)
    try:
        _flush()
        for number in former:
            os.dup2(ours.fileno() if strays is None else strays, number)
        yield ours
    finally:
        _flush()
        for number, was in former.items():
            os.dup2(was, number)
            os.close(was)
        ours.log_strays()
        os.close(fd)
        if strays is not None:
            os.close(strays)


def _opened(name: str) -> int:
    """Return the terminal, opened anew: only so can it be one that never blocks.

    What blocks is common to all that share one opening, also to the shell.
    """
    flags = os.O_WRONLY | os.O_NOCTTY | os.O_CLOEXEC | os.O_NONBLOCK
    try:
        return os.open(name, flags)
    except OSError:
        return os.dup(2)


def _nameless(directory: Path | None) -> int | None:
    for place in (directory, None):
        with contextlib.suppress(OSError):
            fd, name = tempfile.mkstemp(dir=place)
            os.unlink(name)
            # Two write there, each by its own descriptor, and it is cut meanwhile.
            flags = fcntl.fcntl(fd, fcntl.F_GETFL)
            fcntl.fcntl(fd, fcntl.F_SETFL, flags | os.O_APPEND)
            return fd
    return None


def _flush() -> None:
    for stream in (sys.__stdout__, sys.__stderr__):
        if stream is not None:
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
