"""What a node source is: a plug-in's, found by the name that a config calls ``source``.

Source: Bistro, nodes/NodeFetcher.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from bistro_tui.engine.config.reading import ObjectReader
from bistro_tui.engine.ids import LevelName, NodeName

if TYPE_CHECKING:
    from bistro_tui.engine.cron.zone import Zone


@dataclass(frozen=True, slots=True, kw_only=True)
class NewNode:
    """One node that a source adds, one level below its parent."""

    name: NodeName
    parent: NodeName
    """A node that is there already, or an earlier one of the same answer. Of a parent
    with replicas, each gets the node."""
    enabled: bool = True
    tags: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a source may base its answer on."""

    levels: tuple[LevelName, ...]
    """From the top: ``instance``, then the configured ones."""
    nodes: Mapping[LevelName, Sequence[NodeName]]
    """The nodes that earlier sources made, in fetch order, the instance node too."""
    config_dir: Path
    """What a relative path in the prefs counts from."""
    now: float
    """Wall seconds."""
    rng: random.Random
    zone: "Zone"


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundNodes:
    """A source's answer."""

    nodes: Sequence[NewNode] = ()
    """In the order in which they become nodes."""
    changes_at: float | None = None
    """The wall second at which the answer will be another one; None: nobody knows, so
    the source is asked again every ``--nodes-update-ms``."""


class NodeSource(Protocol):
    """Makes nodes. Time, randomness and the nodes so far come in as arguments."""

    def read_prefs(self, prefs: ObjectReader) -> object:
        """Return what ``fetch`` needs of the config's ``prefs``; does no IO.

        What is wrong is told to ``prefs``: a converter that raises, or
        ``prefs.error(key, message)``. Keys that were not asked for become warnings.
        """
        ...

    async def fetch(self, prefs: Any, around: Surroundings) -> FoundNodes:  # noqa: ANN401 - what read_prefs returned
        """Return the nodes to add; any exception counts as a failed fetch.

        After a failure the source's last good nodes stay and it is asked again after
        ``--nodes-retry-ms``. It is cancelled when nobody wants the answer any more.
        """
        ...
