"""What of a message is believed at all: numbers and lengths that things can have. Pure.

A message beyond them is none: it is found while it is decoded, before anything is made
of it, and ends the link. All that a config allows is within them.
"""

from typing import Annotated, TypeAlias, TypeVar

import msgspec

LARGEST = 2**63 - 1
"""Of SQLite's integers, and of those of a config."""

Int64: TypeAlias = Annotated[int, msgspec.Meta(ge=-LARGEST - 1, le=LARGEST)]
Count: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=LARGEST)]
Pid: TypeAlias = Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]
Amount: TypeAlias = Annotated[float, msgspec.Meta(ge=0, le=1e18)]
"""A number that is one, from 0 on."""
Seconds: TypeAlias = Annotated[float, msgspec.Meta(ge=0)]
"""A length of time, which may be for ever."""
Wall: TypeAlias = Annotated[float, msgspec.Meta(ge=-1e11, le=1e11)]
"""A wall second of the next thousand years."""

Name: TypeAlias = Annotated[str, msgspec.Meta(max_length=255)]
"""Of a host, or of something in it."""
StatusText: TypeAlias = Annotated[str, msgspec.Meta(max_length=2**20)]
"""A task reports no more than 64 KiB, which may be longer once it is JSON."""

MOST_TASKS = 10_000
"""That one worker can have at once; more it does not take."""
MOST_LINES = 5_000
"""In one answer."""

_T = TypeVar("_T")
Tasks: TypeAlias = Annotated[tuple[_T, ...], msgspec.Meta(max_length=MOST_TASKS)]
Lines: TypeAlias = Annotated[tuple[_T, ...], msgspec.Meta(max_length=MOST_LINES)]
MOST_LEVELS = 1_000
"""Of which an attempt takes something."""
MOST_RESOURCES = 1_000
"""That it takes of one of them."""
LONGEST_PATH = 100
"""Nodes from which it takes something."""
LARGEST_TASK_BYTES = 2**20
"""Of all its names: a worker says them again, beside a status."""
Needs: TypeAlias = Annotated[
    dict[str, Annotated[dict[str, Count], msgspec.Meta(max_length=MOST_RESOURCES)]],
    msgspec.Meta(max_length=MOST_LEVELS),
]
Path: TypeAlias = Annotated[tuple[_T, ...], msgspec.Meta(max_length=LONGEST_PATH)]
Few: TypeAlias = Annotated[tuple[_T, ...], msgspec.Meta(max_length=1_000)]


LONGEST_TEXT = 1_000
"""Characters of what the other side says to people that are kept."""
Words: TypeAlias = Annotated[str, msgspec.Meta(max_length=LONGEST_TEXT)]
"""For people. May hold what no terminal should be told."""


def sendable(text: str) -> str:
    """Return ``text`` as a message can have it: it may name a path that is no UTF-8.

    What cannot be sent would be tried for ever.
    """
    return text.encode(errors="replace").decode()


def for_people(text: str) -> str:
    """Return it as one line that any terminal can show."""
    line = " ".join(text[:LONGEST_TEXT].split())
    return "".join(
        one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in line
    )


def is_int64(number: int) -> bool:
    """Return whether it is one that can be stored."""
    return -LARGEST - 1 <= number <= LARGEST
