"""What a key of a config is: the form of the tables of all keys. Pure.

The tables are ``settings_keys``, ``source_keys``, ``job_keys`` and ``shared_keys``.
From them come the warnings of unknown keys, the JSON Schema and the reference.
"""

import enum
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from bistro_tui.engine.config.model import Json


class Kind(enum.StrEnum):
    """Values of one kind; the value names the kind in the reference."""

    BOOL = "boolean"
    INT = "whole number"
    COUNT = "whole number ≥ 0"
    NUMBER = "number"
    SECONDS = "seconds > 0"
    TEXT = "text"
    PROGRAM = "program"
    PATTERN = "regex"
    ANY = "anything"
    NOTHING = "empty"
    BACKOFF = "array of seconds"
    ORPHAN_DELAY = "boolean or seconds"
    MANUAL_NODE = "text, array or object"
    CRON = "cron item"


@dataclass(frozen=True, slots=True)
class Words:
    """One of these texts."""

    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ArrayOf:
    """An array; every item is of that type."""

    item: "Type"


@dataclass(frozen=True, slots=True)
class MapOf:
    """An object whose keys are free; every value is of that type."""

    name: str
    """What a key is, such as ``LEVEL``."""
    value: "Type"
    keys: tuple[str, ...] = ()
    """The only possible keys; empty: any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """An object with known keys."""

    name: str
    keys: "tuple[Key, ...]"

    def __iter__(self) -> "Iterator[Key]":
        """Iterate over the keys."""
        return iter(self.keys)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the keys."""
        return tuple(key.name for key in self.keys)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """The source of nodes: its name decides which prefs it has."""

    prefs: tuple[tuple[str, "Type"], ...]
    """By the word for ``source``."""


Type: TypeAlias = Kind | Words | ArrayOf | MapOf | Section | Sources


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One key of an object."""

    name: str
    type: Type
    means: str
    """A sentence or two, in Markdown."""
    default: Json = None
    """None: there is none, or ``default_text`` says it."""
    default_text: str = ""
    required: bool = False
    inherited: bool = False
    """Of a job: missing means what the settings say; of an object, field by field."""
    is_ours: bool = False
    """Bistro does not have it, or has another default."""
    has_effect: bool = True


def described(kind: Type) -> str:
    """Return what a value is, in a few words."""
    match kind:
        case Words():
            return " · ".join(f"`{word}`" for word in kind.words)
        case ArrayOf():
            return f"array of {described(kind.item)}s"
        case MapOf():
            return f"{{{kind.name}: {described(kind.value)}}}"
        case Section() | Sources():
            return "object"
        case Kind():
            return kind.value
