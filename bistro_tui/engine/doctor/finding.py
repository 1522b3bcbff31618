"""What the doctor says of one point."""

import enum
from dataclasses import dataclass


class State(enum.StrEnum):
    """How well a point is."""

    OK = "ok"
    WEAK = "weak"
    """Everything works, but less well or less safely than it could."""
    BAD = "bad"
    """Something will not work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of the answer. Its text may hold foreign names, raw."""

    what: str
    state: State
    text: str
    remedy: str = ""
    """What to do about it; empty when nothing has to be done."""


def ok(what: str, text: str) -> Finding:
    """Return a finding that is fine."""
    return Finding(what=what, state=State.OK, text=text)


def weak(what: str, text: str, remedy: str) -> Finding:
    """Return a finding that could be better."""
    return Finding(what=what, state=State.WEAK, text=text, remedy=remedy)


def bad(what: str, text: str, remedy: str) -> Finding:
    """Return a finding that stands in the way."""
    return Finding(what=what, state=State.BAD, text=text, remedy=remedy)
