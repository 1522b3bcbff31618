"""The built-in sources in the form that plug-ins have, for whoever builds on one.

The loader itself adds their nodes straight to the tree, which is quicker.
"""

from collections.abc import Callable, Iterator
from typing import Any

from bistro_tui.engine.clock import SystemClock
from bistro_tui.engine.config.parse_sources import read_prefs
from bistro_tui.engine.config.reading import ObjectReader
from bistro_tui.engine.ids import WORKER_LEVEL, NodeName
from bistro_tui.engine.nodes.sources.add_time import Windows
from bistro_tui.engine.nodes.sources.add_time import add_time as _add_time
from bistro_tui.engine.nodes.sources.empty import add_empty
from bistro_tui.engine.nodes.sources.growing import GrowingTree
from bistro_tui.engine.nodes.sources.manual import add_manual
from bistro_tui.engine.nodes.sources.range_label import add_range_label
from bistro_tui.engine.nodes.sources.script import run_script
from bistro_tui.engine.nodes.sources.source import (
    FoundNodes,
    NewNode,
    NodeSource,
    Surroundings,
)
from bistro_tui.engine.nodes.tree import Node


class _Source:
    """What they share: prefs are read as those of a config are."""

    name: str

    def read_prefs(self, prefs: ObjectReader) -> object:
        return read_prefs(self.name, prefs, prefs.path)


class _Written(_Source):
    """The prefs alone, or with the time, say what the nodes are."""

    def __init__(
        self, name: str, add: Callable[[Any, GrowingTree, Surroundings], int | None]
    ) -> None:
        self.name, self._add = name, add

    async def fetch(self, prefs: Any, around: Surroundings) -> FoundNodes:  # noqa: ANN401 - its own prefs
        tree = _stand_in(around)
        start = len(tree)
        changes_at = self._add(prefs, tree, around)
        return FoundNodes(nodes=tuple(_added(tree, start)), changes_at=changes_at)


class _Script(_Source):
    name = "script"

    async def fetch(self, prefs: Any, around: Surroundings) -> FoundNodes:  # noqa: ANN401 - its own prefs
        parents = around.nodes[prefs.parent_level]
        found = await run_script(prefs, parents, around.config_dir, SystemClock())
        return FoundNodes(
            nodes=[
                NewNode(name=name, parent=parent)
                for parent, names in found.items()
                for name in names
            ]
        )


def manual() -> NodeSource:
    """Return the source ``manual``."""
    return _Written("manual", lambda prefs, tree, _: add_manual(prefs, tree))


def range_label() -> NodeSource:
    """Return the source ``range_label``."""
    return _Written("range_label", lambda prefs, tree, _: add_range_label(prefs, tree))


def add_time() -> NodeSource:
    """Return the source ``add_time``."""
    return _Written(
        "add_time",
        lambda prefs, tree, around: _add_time(
            prefs, tree, int(around.now // 1), Windows(around.zone)
        ),
    )


def script() -> NodeSource:
    """Return the source ``script``."""
    return _Script()


def empty() -> NodeSource:
    """Return the source ``empty``."""
    return _Written("empty", lambda prefs, tree, _: add_empty(prefs, tree))


def _stand_in(around: Surroundings) -> GrowingTree:
    """Return a tree with the same names on the same levels, each name once."""
    top, *below = around.levels
    tree = GrowingTree(around.nodes[top][0], (*around.levels, WORKER_LEVEL))
    parent = 0
    for level in below:
        names = list(dict.fromkeys(around.nodes.get(level, ())))
        if not names:
            break
        tree.add_children(parent, names)
        parent = tree.at_level(level)[0]
    return tree


def _added(tree: GrowingTree, start: int) -> Iterator[NewNode]:
    """Return the nodes from ``start`` on; of a parent's replicas, the first's."""
    nodes: list[Node] = list(tree.finished())
    first: dict[NodeName, int] = {}
    for node in nodes[start:]:
        parent = nodes[node.parent].name
        if first.setdefault(parent, node.parent) == node.parent:
            yield NewNode(
                name=node.name, parent=parent, enabled=node.enabled, tags=node.tags
            )
