"""What installed plug-ins add to the words of a config, as data for the parser."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from bistro_tui.engine.config.reading import ObjectReader

PrefsReader: TypeAlias = Callable[["ObjectReader"], object]
"""Reads the ``prefs`` of one node source; what is wrong is told to the reader."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plugged:
    """The plug-ins that a config may name."""

    policies: Mapping[str, str] = field(default_factory=dict)
    """By the word for ``scheduler``: why it cannot be used; empty if it can."""
    sources: Mapping[str, PrefsReader | str] = field(default_factory=dict)
    """By the word for ``source``: what reads its prefs, or why it cannot be used."""


NOTHING_PLUGGED = Plugged()
