"""The node tree as the scheduler looks at it."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from bistro_tui.engine.config.model import NodeOrder
from bistro_tui.engine.ids import WORKER_LEVEL, LevelName, NodeName
from bistro_tui.engine.nodes.tree import NodeTree


class Place(NamedTuple):
    """What has one resource account: a node name of a level; replicas share it."""

    level: LevelName
    node: NodeName


LOCAL_WORKER = Place(WORKER_LEVEL, NodeName("local"))
"""The one worker of the local runner, which worker-level resources hold for."""


class Places:
    """Facts about a tree that every job needs, worked out once per tree."""

    def __init__(self, tree: NodeTree) -> None:
        self.tree = tree
        nodes = tree.nodes
        self.parents: Sequence[int] = [node.parent for node in nodes]
        self.at: Sequence[Place] = [Place(node.level, node.name) for node in nodes]
        indexes: dict[Place, list[int]] = {}
        for index, place in enumerate(self.at):
            indexes.setdefault(place, []).append(index)
        self.indexes: Mapping[Place, tuple[int, ...]] = {
            place: tuple(found) for place, found in indexes.items()
        }
        """Every node of a place; more than one where there are replicas."""
        self.enabled_names = frozenset(node.name for node in nodes if node.enabled)
        """Names with a node that is not disabled itself."""
        enabled: list[bool] = []
        for node in nodes:
            enabled.append(node.enabled and (node.parent < 0 or enabled[node.parent]))
        self.enabled: Sequence[bool] = enabled
        """By index: whether the node and all its ancestors are enabled."""
        self._names: dict[LevelName, dict[NodeName, tuple[int, ...]]] = {}
        self._ranks: dict[tuple[LevelName, NodeOrder], Mapping[int, int]] = {}

    def names(self, level: LevelName) -> Mapping[NodeName, tuple[int, ...]]:
        """Return the nodes of ``level`` by name, names in fetch order."""
        found = self._names.get(level)
        if found is None:
            found = self._names[level] = {}
            for index in self.tree.at_level(level):
                name = self.tree.nodes[index].name
                found[name] = self.indexes[Place(level, name)]
        return found

    def ranks(self, level: LevelName, order: NodeOrder) -> Mapping[int, int]:
        """Return each node's position among those of its level; not for ``random``.

        Lexicographic order is that of the names' UTF-8 bytes.
        """
        found = self._ranks.get((level, order))
        if found is None:
            ordered: Sequence[int] = self.tree.at_level(level)
            if order is NodeOrder.LEXICOGRAPHIC:
                # Python orders text by code point, which is the order of the bytes.
                ordered = sorted(ordered, key=lambda i: (self.tree.nodes[i].name, i))
            found = {index: rank for rank, index in enumerate(ordered)}
            self._ranks[level, order] = found
        return found

    def path(self, place: Place) -> tuple[int, ...]:
        """Return the path to the first node of ``place``, empty if there is none."""
        indexes = self.indexes.get(place)
        return self.tree.path(indexes[0]) if indexes else ()
