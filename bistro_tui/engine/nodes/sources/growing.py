"""The tree while the sources add to it, one after the other."""

from array import array
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from itertools import compress

from bistro_tui.engine.config.check_nodes import MAX_NODES
from bistro_tui.engine.config.coerce import show
from bistro_tui.engine.errors import BistroError
from bistro_tui.engine.ids import WORKER_LEVEL, LevelName, NodeName
from bistro_tui.engine.nodes.tree import NO_TAGS, NodeColumns, NodeTree


class NodeSourceError(BistroError):
    """A source gave no usable nodes; the message says which and why."""


class GrowingTree:
    """Nodes in fetch order; a source sees what earlier sources made."""

    def __init__(self, instance: NodeName, levels: tuple[LevelName, ...]) -> None:
        """Take the instance node's name and all levels from the top."""
        self.levels = levels
        self._columns = NodeColumns()
        self._by_level = [array("i") for _ in levels]
        self._append(0, -1, [instance], None)

    @classmethod
    def beginning_of(cls, tree: NodeTree, length: int) -> "GrowingTree":
        """Return a copy of a tree's first nodes, to go on from there."""
        copy = cls.__new__(cls)
        copy.levels = tree.level_names
        copy._columns = NodeColumns(
            names=list(tree.names[:length]),
            levels=array("i", tree.levels_of[:length]),
            parents=array("i", tree.parents[:length]),
            enabled=bytearray(tree.enabled[:length]),
            tags={i: tags for i, tags in tree.tags.items() if i < length},
        )
        copy._by_level = [
            array("i", found[: bisect_left(found, length)])
            for found in map(tree.at_level, tree.level_names)
        ]
        return copy

    def __len__(self) -> int:
        return len(self._columns.names)

    def name(self, index: int) -> NodeName:
        """Return the name of a node."""
        return self._columns.names[index]

    def level(self, index: int) -> LevelName:
        """Return the level of a node."""
        return self.levels[self._columns.levels[index]]

    def at_level(self, level: LevelName) -> Sequence[int]:
        """Return the indexes of the nodes of a level so far, in fetch order."""
        # A copy: what a source adds meanwhile is not among its own parents.
        return self._by_level[self.levels.index(level)][:]

    def names_at(self, level: LevelName) -> list[NodeName]:
        """Return the names of the nodes of a level so far, in fetch order."""
        return [
            self._columns.names[i] for i in self._by_level[self.levels.index(level)]
        ]

    def make_room(self, number: int) -> None:
        """Raise NodeSourceError if that many more nodes would be too many."""
        if len(self) + number > MAX_NODES:
            raise NodeSourceError(f"there are more than {MAX_NODES} nodes")

    def add(
        self,
        parent: int,
        name: NodeName,
        *,
        enabled: bool = True,
        tags: frozenset[str] = NO_TAGS,
    ) -> int:
        """Append one child and return its index; see ``add_children``."""
        flags = None if enabled else b"\0"
        self.add_children(parent, [name], enabled=flags, tags={0: tags} if tags else {})
        return len(self) - 1

    def add_children(
        self,
        parent: int,
        names: Sequence[NodeName],
        *,
        enabled: bytes | None = None,
        tags: Mapping[int, frozenset[str]] | None = None,
    ) -> None:
        """Append the children of one parent, one level below it, in order.

        ``enabled`` has 1 or 0 for each; ``tags`` those of the children that have some,
        by position. Raises NodeSourceError when there are too many nodes, and below
        the lowest level.
        """
        self.make_room(len(names))
        level = self._columns.levels[parent] + 1
        if self.levels[level] == WORKER_LEVEL:
            lowest = show(self.levels[level - 1])
            message = f"there is no level for children of a node of the level {lowest}"
            raise NodeSourceError(message)
        if tags:
            first = len(self)
            self._columns.tags.update({first + at: each for at, each in tags.items()})
        self._append(level, parent, names, enabled)

    def _append(
        self, level: int, parent: int, names: Sequence[NodeName], enabled: bytes | None
    ) -> None:
        columns = self._columns
        first, number = len(columns.names), len(names)
        columns.names.extend(names)
        columns.levels.extend(array("i", (level,)) * number)
        columns.parents.extend(array("i", (parent,)) * number)
        columns.enabled.extend(b"\1" * number if enabled is None else enabled)
        self._by_level[level].extend(range(first, first + number))

    def finished(self) -> NodeTree:
        """Return the tree as it is now; nothing may be added any more.

        Raises NodeSourceError if a name is on two levels: a name stands for one
        resource account and one task. Source: Bistro, nodes/Nodes.
        """
        self._check_levels()
        return NodeTree.of_columns(self._columns, self.levels, self._by_level)

    def _check_levels(self) -> None:
        # The level with most nodes is only compared: a table of its names would be
        # larger than all the rest.
        level_of: dict[NodeName, LevelName] = {}
        used = [level for level in self.levels if self._by_level[self._number(level)]]
        used.sort(key=lambda level: len(self._by_level[self._number(level)]))
        for level in used:
            names = self.names_at(level)
            shared = map(level_of.__contains__, names)
            for name in compress(names, shared):
                first, second = sorted((level_of[name], level), key=self._number)
                raise NodeSourceError(
                    f"the node {show(name)} is on two levels, {show(first)} and "
                    f"{show(second)}; give one of them another name"
                )
            if level != used[-1]:
                level_of.update(dict.fromkeys(names, level))

    def _number(self, level: LevelName) -> int:
        return self.levels.index(level)
