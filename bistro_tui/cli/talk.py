"""What the program says to people: plain lines on stderr, made safe to show."""

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
