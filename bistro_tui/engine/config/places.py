"""Where the values and keys of a config text stand, whatever its format. Pure."""

import enum
import itertools
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple, Protocol, cast

from bistro_tui.engine.config.lexis import BOM, Position
from bistro_tui.engine.config.text import Path


class RepeatedKey(NamedTuple):
    """A key that an object has more than once."""

    path: Path
    first: Position
    last: Position
    """Where the one in force stands."""


class Places(Protocol):
    """Answers where something stands in one text that parses."""

    def locate(self, path: Path, *, at_key: bool = False) -> Position:
        """Return where the value at ``path`` begins, or its key.

        What is missing is found at its nearest parent that exists.
        """

    def repeated_keys(self) -> Iterator[RepeatedKey]:
        """Return every key that some object has twice or more."""


class Form(enum.Enum):
    """How a value is written; it decides how it can be edited."""

    SCALAR = enum.auto()
    FLOW = enum.auto()
    """In brackets: a list, a YAML flow mapping, a TOML inline table."""
    BLOCK = enum.auto()
    """YAML by indentation."""
    HEADER = enum.auto()
    """A TOML table under a ``[header]`` of its own."""
    DOTTED = enum.auto()
    """A TOML table that only dotted keys name."""
    IMPLICIT = enum.auto()
    """A TOML table that only the headers of its parts name."""
    ALIAS = enum.auto()
    """A YAML alias; what it stands for is elsewhere."""


# One for all scalars, of which there may be millions; they cannot be added to.
_NO_MEMBERS = cast("dict[str, Member]", MappingProxyType({}))
_NO_ITEMS = cast("list[Spot]", ())


@dataclass(slots=True)
class Spot:
    """Where one value stands, in characters, and the spots of what is in it."""

    start: int
    end: int
    form: Form = Form.SCALAR
    lead: tuple[int, int] = (0, 0)
    """What opens it: bracket, header, or the dotted key as far as it names it."""
    decorated: bool = False
    """A YAML anchor or tag stands before it."""
    members: "dict[str, Member]" = field(default_factory=lambda: _NO_MEMBERS)
    """Of a repeated key the last one."""
    items: "list[Spot]" = field(default_factory=lambda: _NO_ITEMS)
    unfold: "Callable[[Spot], None] | None" = None
    """Adds what is in it, the first time that somebody looks."""

    def open(self) -> "Spot":
        """Return the spot with everything that is directly in it."""
        unfold, self.unfold = self.unfold, None
        if unfold is not None:
            unfold(self)
        return self


class Member(NamedTuple):
    """One key of an object and its value."""

    key_start: int
    key_end: int
    value: Spot
    is_merged: bool = False
    """It comes from elsewhere by a YAML merge key."""


class Lines:
    """Turns offsets of one text into lines and columns; quick for many of them."""

    def __init__(self, text: str) -> None:
        lengths = (len(line) + 1 for line in text.split("\n"))
        self._starts = [0, *itertools.accumulate(lengths)]
        self._length = len(text)
        self._hidden = 1 if text.startswith(BOM) else 0

    def position(self, offset: int) -> Position:
        """Return the line and column of an offset in characters."""
        offset = max(0, min(offset, self._length))
        line = bisect_right(self._starts, offset)
        column = offset - self._starts[line - 1] + 1
        hidden = self._hidden if line == 1 and column > 1 else 0
        return Position(line, column - hidden)


class SpotPlaces:
    """The places of a text whose spots are known."""

    def __init__(
        self,
        text: str,
        root: Spot,
        repeated: tuple[tuple[Path, int, int], ...] = (),
    ) -> None:
        """Take the spot of the whole value, and the repeated keys with offsets."""
        self.root = root
        self._lines = Lines(text)
        self._repeated = repeated

    def find(self, path: Path) -> tuple[Spot, Member | None]:
        """Return the spot of a value and the member that it is, if it is one.

        What is missing is answered by its nearest parent.
        """
        spot, member = self.root, None
        for step in path:
            spot.open()
            if isinstance(step, int):
                if step >= len(spot.items):
                    return spot, None
                spot, member = spot.items[step], None
            else:
                member = spot.members.get(step)
                if member is None:
                    return spot, None
                spot = member.value
        return spot.open(), member

    def locate(self, path: Path, *, at_key: bool = False) -> Position:
        """Return where the value at ``path`` begins, or its key."""
        spot, member = self.find(path)
        start = member.key_start if member is not None and at_key else spot.start
        return self._lines.position(start)

    def repeated_keys(self) -> Iterator[RepeatedKey]:
        """Return every key that some object has twice or more."""
        for path, first, last in self._repeated:
            position = self._lines.position
            yield RepeatedKey(path, position(first), position(last))
