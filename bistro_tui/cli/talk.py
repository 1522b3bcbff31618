"""What the program says to people: plain lines on stderr, made safe to show."""

import os
import select
import sys
from collections.abc import Callable

import click

from bistro_tui.present.clean import clean_lines


class WrongUse(click.UsageError):
    """A wrong command line whose message says by itself what to do instead."""


class StdoutLost(Exception):
    """Data could not be written to stdout, though somebody might have read it."""


def say(message: str) -> None:
    """Write a message to stderr; foreign text in it cannot drive the terminal.

    Where it cannot be written it is lost: there is no other place to say it.
    """
    if sys.stderr is None:
        return
    try:
        sys.stderr.write("\n".join(clean_lines(message)) + "\n")
        sys.stderr.flush()
    except (OSError, ValueError):
        # Nobody listens any more (closed terminal).
        pass


def print_data(text: str, *, end: str = "\n") -> bool:
    """Write data to stdout and return whether more can be written.

    That nobody reads it says nothing of how the work went. Raises StdoutLost where
    there is no room for it.
    """
    return _written(lambda: print(text, end=end, flush=True))


def print_raw(data: bytes) -> bool:
    """Write bytes to stdout as they are; return whether more can be written.

    Raises StdoutLost.
    """

    def write() -> None:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()

    return _written(write)


def is_stdout_read() -> bool:
    """Return whether anybody can still read what is written to stdout."""
    if sys.stdout is None:
        return False
    try:
        poll = select.poll()
        poll.register(sys.stdout.fileno(), 0)
        return not any(event & select.POLLERR for _, event in poll.poll(0))
    except (OSError, ValueError):
        return True


def lost_stdout(error: OSError) -> StdoutLost:
    """Return what to raise after that error of stdout; it takes nothing any more."""
    _point_stdout_nowhere()
    return StdoutLost(f"stdout could not be written: {error.strerror}")


def _written(write: Callable[[], None]) -> bool:
    if sys.stdout is None:
        return False
    try:
        write()
    except BrokenPipeError:
        _point_stdout_nowhere()
    except OSError as error:
        raise lost_stdout(error) from None
    else:
        return True
    return False


def _point_stdout_nowhere() -> None:
    # The interpreter's own flush at the end would complain once more.
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)
