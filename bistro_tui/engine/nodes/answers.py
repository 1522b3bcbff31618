"""What sources that look outside have answered: kept until they are asked anew."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from bistro_tui.engine.config.coerce import show
from bistro_tui.engine.ids import WORKER_LEVEL, LevelName, NodeName
from bistro_tui.engine.nodes.sources.growing import GrowingTree, NodeSourceError
from bistro_tui.engine.nodes.sources.source import FoundNodes, NewNode

Names = Mapping[LevelName, Sequence[NodeName]]


class Answer(Protocol):
    """The nodes of one source, good or the last good ones."""

    @property
    def error(self) -> str:
        """For people: what went wrong when it was last asked; empty if nothing."""
        ...

    def add_to(self, tree: GrowingTree) -> int | None:
        """Append the nodes; return the wall second from which they are out of date."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildrenAnswer:
    """The children of each parent that was asked for."""

    parent_level: LevelName
    children: Mapping[NodeName, Sequence[NodeName]] = field(default_factory=dict)
    was_good: bool = False
    """Whether the source has ever answered."""
    error: str = ""

    def add_to(self, tree: GrowingTree) -> None:
        """Append the children of the parents that are there now."""
        for parent in tree.at_level(self.parent_level):
            tree.add_children(parent, self.children.get(tree.name(parent), ()))


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundAnswer:
    """The nodes that a plug-in found."""

    found: FoundNodes = field(default_factory=FoundNodes)
    was_good: bool = False
    error: str = ""

    def add_to(self, tree: GrowingTree) -> int | None:
        """Append those nodes whose parents are there now."""
        wanted = {node.parent for node in self.found.nodes}
        indexes: dict[NodeName, list[int]] = {name: [] for name in wanted}
        for index in range(len(tree)):
            if tree.name(index) in wanted:
                indexes[tree.name(index)].append(index)
        for node in self.found.nodes:
            for parent in tuple(indexes[node.parent]):
                index = tree.add(
                    parent, node.name, enabled=node.enabled, tags=node.tags
                )
                if node.name in wanted:
                    indexes[node.name].append(index)
        changes_at = self.found.changes_at
        return None if changes_at is None else -int(-changes_at // 1)


def check_found(found: FoundNodes, levels: Sequence[LevelName], names: Names) -> None:
    """Raise NodeSourceError for nodes that no tree can have.

    ``levels`` are those that can have nodes, ``names`` the nodes that were there
    before.
    """
    for node in found.nodes:
        _check_node(node)
    if not _is_time(found.changes_at):
        message = "changes_at must be seconds since 1970, or None"
        raise NodeSourceError(f"{message}; got {found.changes_at!r}")
    wanted = {node.parent for node in found.nodes}
    depth: dict[NodeName, int] = {}
    for number, level in enumerate(levels):
        depth |= {name: number for name in names.get(level, ()) if name in wanted}
    for node in found.nodes:
        above = depth.get(node.parent)
        if above is None:
            message = f"{show(node.name)} has a parent that is not there"
            raise NodeSourceError(f"{message}, {show(node.parent)}")
        if above + 1 >= len(levels):
            message = f"there is no level for {show(node.name)} below"
            raise NodeSourceError(f"{message} {show(node.parent)}")
        depth[node.name] = above + 1


def _is_time(value: object) -> bool:
    return value is None or (isinstance(value, (int, float)) and math.isfinite(value))


def _check_node(node: object) -> None:
    if not isinstance(node, NewNode):
        raise NodeSourceError(f"each node must be a NewNode, not {type(node).__name__}")
    _check_name(node)
    tags: object = node.tags  # of foreign code
    if not (
        isinstance(tags, frozenset) and all(isinstance(each, str) for each in tags)
    ):
        message = f"the tags of {show(node.name)} must be a frozenset of texts"
        raise NodeSourceError(f"{message}; got {tags!r}")


def _check_name(node: NewNode) -> None:
    names: tuple[object, object] = (node.name, node.parent)  # of foreign code
    if not all(isinstance(name, str) for name in names):
        raise NodeSourceError(f"the name of a node is no text: {names!r}")
    if "\0" in node.name:
        raise NodeSourceError(f"a name holds a NUL, which none can: {show(node.name)}")
    node.name.encode()  # half of a surrogate pair can be neither shown nor stored


def usable_levels(levels: Iterable[LevelName]) -> tuple[LevelName, ...]:
    """Return the levels that can have nodes, from the top."""
    return tuple(level for level in levels if level != WORKER_LEVEL)
