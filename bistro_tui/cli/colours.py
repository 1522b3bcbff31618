"""Colours for people at a terminal; a pipe, a file or ``NO_COLOR`` gets none."""

import os
import sys

BOLD, DIM = "1", "2"
RED, GREEN, YELLOW, BLUE = "31", "32", "33", "34"

_BY_REASON = {
    "running": BLUE,
    "done": GREEN,
    "failed": RED,
    "job_invalid": RED,
    "config_error": RED,
    "backoff": YELLOW,
    "paused": YELLOW,
    "recovering": YELLOW,
    "resource": YELLOW,
    "worker": YELLOW,
    "dependency": YELLOW,
    "job_disabled": DIM,
    "node_disabled": DIM,
    "avoided": DIM,
    "scheduler_disabled": DIM,
}


def has_colours() -> bool:
    """Return whether stdout is a terminal that shows colours, and they are wanted."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM", "") in ("", "dumb"):
        return False
    try:
        return sys.stdout is not None and sys.stdout.isatty()
    except ValueError:
        return False


def painted(text: str, colour: str) -> str:
    """Return clean text in a colour; as it is where the colour is ""."""
    return f"\x1b[{colour}m{text}\x1b[0m" if colour else text


def of_reason(word: str) -> str:
    """Return the colour of a reason word; "" where it has none."""
    return _BY_REASON.get(word, "")
