"""What can become of a request to the other side. Pure."""

from dataclasses import dataclass
from typing import TypeAlias

from bistro_tui.engine.remote.messages import Reply


@dataclass(frozen=True, slots=True)
class Refused:
    """The other side has definitely not done it, and says why."""

    text: str


@dataclass(frozen=True, slots=True)
class NotSent:
    """It never left this program: it is definitely not done."""

    text: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """It may be done, it may still be, or never: nobody knows."""

    text: str


Outcome: TypeAlias = Reply | Refused | NotSent | Unknown
