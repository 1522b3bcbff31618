"""The nodes as one immutable tree.

Source: Bistro, nodes/Nodes: fetch order, replicas, the path to a node.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from bistro_tui.engine.ids import INSTANCE_LEVEL, LevelName, NodeName


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One node. Its index in the tree is its identity; names may repeat (replicas)."""

    name: NodeName
    level: LevelName
    parent: int
    """Index of the parent in the tree; -1 for the instance node."""
    enabled: bool = True
    tags: frozenset[str] = frozenset()


class NodeTree:
    """All nodes in fetch order: the instance node first, parents before children."""

    __slots__ = ("_by_level", "nodes")

    def __init__(self, nodes: Sequence[Node]) -> None:
        self.nodes: tuple[Node, ...] = tuple(nodes)
        by_level: dict[LevelName, list[int]] = {}
        for index, node in enumerate(self.nodes):
            by_level.setdefault(node.level, []).append(index)
        self._by_level = {level: tuple(found) for level, found in by_level.items()}

    @classmethod
    def of_instance(cls, name: NodeName) -> "NodeTree":
        """Return the tree of a scheduler without node sources."""
        return cls([Node(name=name, level=INSTANCE_LEVEL, parent=-1)])

    def at_level(self, level: LevelName) -> tuple[int, ...]:
        """Return the indexes of the nodes of ``level``, in fetch order."""
        return self._by_level.get(level, ())

    def levels(self) -> tuple[LevelName, ...]:
        """Return the levels that have nodes, from the top."""
        return tuple(self._by_level)

    def path(self, index: int) -> tuple[int, ...]:
        """Return the indexes from the instance node down to ``index``, inclusive."""
        path = []
        while index >= 0:
            path.append(index)
            index = self.nodes[index].parent
        return tuple(reversed(path))
