"""What the program says to people: plain lines on stderr, made safe to show."""

import os
import sys

import click

from bistro_tui.present.clean import clean_lines


class WrongUse(click.UsageError):
    """A wrong command line whose message says by itself what to do instead."""


def say(message: str) -> None:
    """Write a message to stderr; foreign text in it cannot drive the terminal."""
    try:
        sys.stderr.write("\n".join(clean_lines(message)) + "\n")
        sys.stderr.flush()
    except (OSError, ValueError):
        # Nobody listens any more (closed terminal); there is no other place to say it.
        pass


def print_data(text: str) -> bool:
    """Write data to stdout and return whether more can be written.

    That nobody reads it says nothing of how the work went.
    """
    if sys.stdout is None:
        return False
    try:
        print(text, flush=True)
    except BrokenPipeError:
        _point_stdout_nowhere()
    except OSError as error:
        say(f"stdout could not be written: {error.strerror}")
        _point_stdout_nowhere()
    else:
        return True
    return False


def _point_stdout_nowhere() -> None:
    # The interpreter's own flush at the end would complain once more.
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)
