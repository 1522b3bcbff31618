"""The nodes as one immutable tree.

Kept in columns: a node is a few numbers and its name, and becomes an object only while
somebody looks at it. A million of them cost tens of megabytes, not hundreds, and
nothing that the garbage collector has to walk.

Source: Bistro, nodes/Nodes: fetch order, replicas, the path to a node.
"""

from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from typing import NamedTuple, overload

from bistro_tui.engine.ids import INSTANCE_LEVEL, LevelName, NodeName

NO_TAGS: frozenset[str] = frozenset()


class Node(NamedTuple):
    """One node. Its index in the tree is its identity; names may repeat (replicas)."""

    name: NodeName
    level: LevelName
    parent: int
    """Index of the parent in the tree; -1 for the instance node."""
    enabled: bool = True
    tags: frozenset[str] = NO_TAGS


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeColumns:
    """The same for all nodes, by index. Belongs to one tree, which never changes it."""

    names: list[NodeName] = field(default_factory=list)
    levels: "array[int]" = field(default_factory=lambda: array("i"))
    """Numbers of levels."""
    parents: "array[int]" = field(default_factory=lambda: array("i"))
    enabled: bytearray = field(default_factory=bytearray)
    tags: dict[int, frozenset[str]] = field(default_factory=dict)
    """Only of the nodes that have some."""


class NodeTree:
    """All nodes in fetch order: the instance node first, parents before children."""

    __slots__ = ("_by_level", "_columns", "level_names")

    def __init__(self, nodes: Sequence[Node] = ()) -> None:
        level_names = tuple(dict.fromkeys(node.level for node in nodes))
        numbers = {level: number for number, level in enumerate(level_names)}
        by_level = [array("i") for _ in level_names]
        for index, node in enumerate(nodes):
            by_level[numbers[node.level]].append(index)
        self._take(
            NodeColumns(
                names=[node.name for node in nodes],
                levels=array("i", [numbers[node.level] for node in nodes]),
                parents=array("i", [node.parent for node in nodes]),
                enabled=bytearray(node.enabled for node in nodes),
                tags={i: node.tags for i, node in enumerate(nodes) if node.tags},
            ),
            level_names,
            by_level,
        )

    @classmethod
    def of_columns(
        cls,
        columns: NodeColumns,
        level_names: tuple[LevelName, ...],
        by_level: Sequence[Sequence[int]],
    ) -> "NodeTree":
        """Return the tree of these columns, which nobody may change any more.

        ``by_level`` has the ascending indexes of each level's nodes.
        """
        tree = cls.__new__(cls)
        tree._take(columns, level_names, by_level)
        return tree

    @classmethod
    def of_instance(cls, name: NodeName) -> "NodeTree":
        """Return the tree of a scheduler without node sources."""
        return cls([Node(name=name, level=INSTANCE_LEVEL, parent=-1)])

    def _take(
        self,
        columns: NodeColumns,
        level_names: tuple[LevelName, ...],
        by_level: Sequence[Sequence[int]],
    ) -> None:
        self.level_names = level_names
        self._columns = columns
        self._by_level = dict(zip(level_names, by_level, strict=True))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, NodeTree):
            return NotImplemented
        if self is other:
            return True
        if self.level_names == other.level_names:
            return self._columns == other._columns
        return len(self) == len(other) and all(map(Node.__eq__, self, other))

    __hash__ = None  # type: ignore[assignment]  # equal trees may be large ones

    def __len__(self) -> int:
        return len(self._columns.names)

    def __iter__(self) -> Iterator[Node]:
        columns = self._columns
        number = len(columns.names)
        tags = (
            map(columns.tags.get, range(number), repeat(NO_TAGS))
            if columns.tags
            else repeat(NO_TAGS, number)
        )
        rows = zip(
            columns.names,
            map(self.level_names.__getitem__, columns.levels),
            columns.parents,
            map(bool, columns.enabled),
            tags,
            strict=True,
        )
        return map(Node._make, rows)

    @property
    def nodes(self) -> Sequence[Node]:
        """All nodes; each is made when it is asked for."""
        return _Nodes(self)

    @property
    def names(self) -> Sequence[NodeName]:
        """The name of each node."""
        return self._columns.names

    @property
    def parents(self) -> Sequence[int]:
        """The parent's index of each node; -1 for the instance node."""
        return self._columns.parents

    @property
    def levels_of(self) -> Sequence[int]:
        """The level of each node, as an index into ``level_names``."""
        return self._columns.levels

    @property
    def enabled(self) -> Sequence[int]:
        """1 for each node that is enabled itself, 0 for the others."""
        return self._columns.enabled

    @property
    def tags(self) -> Mapping[int, frozenset[str]]:
        """The tags of the nodes that have some, by index."""
        return self._columns.tags

    def node(self, index: int) -> Node:
        """Return one node."""
        columns = self._columns
        return Node(
            columns.names[index],
            self.level_names[columns.levels[index]],
            columns.parents[index],
            bool(columns.enabled[index]),
            columns.tags.get(index % len(columns.names), NO_TAGS),
        )

    def at_level(self, level: LevelName) -> Sequence[int]:
        """Return the indexes of the nodes of ``level``, in fetch order."""
        return self._by_level.get(level, ())

    def levels(self) -> tuple[LevelName, ...]:
        """Return the levels that have nodes, from the top."""
        return tuple(level for level, found in self._by_level.items() if len(found))

    def path(self, index: int) -> tuple[int, ...]:
        """Return the indexes from the instance node down to ``index``, inclusive."""
        parents = self._columns.parents
        path = []
        while index >= 0:
            path.append(index)
            index = parents[index]
        return tuple(reversed(path))


class _Nodes(Sequence[Node]):
    """The nodes of a tree as a sequence of objects."""

    __slots__ = ("_tree",)

    def __init__(self, tree: NodeTree) -> None:
        self._tree = tree

    @overload
    def __getitem__(self, index: int) -> Node: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Node, ...]: ...
    def __getitem__(self, index: int | slice) -> Node | tuple[Node, ...]:
        if isinstance(index, slice):
            return tuple(map(self._tree.node, range(*index.indices(len(self._tree)))))
        return self._tree.node(index)

    def __len__(self) -> int:
        return len(self._tree)

    def __iter__(self) -> Iterator[Node]:
        return iter(self._tree)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, _Nodes):
            return self._tree == other._tree
        return NotImplemented

    __hash__ = None  # type: ignore[assignment]  # as of the tree
