"""The tree while the sources add to it, one after the other."""

from collections.abc import Iterable

from bistro_tui.engine.config.check_nodes import MAX_NODES
from bistro_tui.engine.config.coerce import show
from bistro_tui.engine.errors import BistroError
from bistro_tui.engine.ids import INSTANCE_LEVEL, LevelName, NodeName
from bistro_tui.engine.nodes.tree import Node, NodeTree


class NodeSourceError(BistroError):
    """A source gave no usable nodes; the message says which and why."""


class GrowingTree:
    """Nodes in fetch order; a source sees what earlier sources made."""

    def __init__(self, instance: NodeName, levels: tuple[LevelName, ...]) -> None:
        """Take the instance node's name and all levels from the top."""
        self.levels = levels
        self.nodes: list[Node] = []
        self._level_of: dict[NodeName, LevelName] = {}
        self._by_level: dict[LevelName, list[int]] = {}
        self.add(Node(name=instance, level=INSTANCE_LEVEL, parent=-1))

    def add(self, node: Node) -> int:
        """Append a node and return its index.

        Raises NodeSourceError if another level has that name: a name stands for one
        resource account and one task. Source: Bistro, nodes/Nodes.
        """
        other = self._level_of.setdefault(node.name, node.level)
        if other != node.level:
            raise NodeSourceError(
                f"the node {show(node.name)} is on two levels, {show(other)} and "
                f"{show(node.level)}; give one of them another name"
            )
        if len(self.nodes) >= MAX_NODES:
            raise NodeSourceError(f"there are more than {MAX_NODES} nodes")
        index = len(self.nodes)
        self.nodes.append(node)
        self._by_level.setdefault(node.level, []).append(index)
        return index

    def at_level(self, level: LevelName) -> tuple[int, ...]:
        """Return the indexes of the nodes of a level so far, in fetch order."""
        return tuple(self._by_level.get(level, ()))

    def below(self, level: LevelName) -> LevelName:
        """Return the next lower level; the config's checks made sure there is one."""
        return self.levels[self.levels.index(level) + 1]

    def finished(self) -> NodeTree:
        """Return the tree as it is now."""
        return NodeTree(self.nodes)


def add_children(
    tree: GrowingTree,
    parent: int,
    names: Iterable[NodeName],
    *,
    enabled: bool = True,
) -> None:
    """Append children of one parent, in order."""
    level = tree.below(tree.nodes[parent].level)
    for name in names:
        tree.add(Node(name=name, level=level, parent=parent, enabled=enabled))
