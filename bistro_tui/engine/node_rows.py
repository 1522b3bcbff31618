"""The rows of the node tree, at a cost that follows the tasks that come and go."""

from array import array
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

from bistro_tui.engine.config.model import Settings
from bistro_tui.engine.ids import ResourceName
from bistro_tui.engine.nodes.tree import NodeTree
from bistro_tui.engine.scheduling.attempts import Attempt
from bistro_tui.engine.scheduling.core import Core
from bistro_tui.engine.view import NodeRow, Usage

_Numbers: TypeAlias = tuple[tuple[ResourceName, int, int], ...]


class NodeRows:
    """Rows that are made when first looked at, and anew where tasks came or left."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._tree: NodeTree | None = None
        self._settings: Settings | None = None
        self._row_of: Sequence[int] = ()
        self._twins: Mapping[int, Sequence[int]] = {}
        self._rows: list[NodeRow] = []
        self._shown: tuple[NodeRow, ...] = ()
        self._running = array("q")
        self._usages: dict[_Numbers, tuple[Usage, ...]] = {}
        self._paths: dict[Attempt, Sequence[int]] = {}

    def current(self, running: Collection[Attempt]) -> tuple[NodeRow, ...]:
        """Return the rows as they are now, each node followed by its subtree."""
        is_new = self._take_over_world()
        touched = self._follow(running)
        for index in touched:
            self._remake(index)
        if is_new or touched:
            self._shown = tuple(self._rows)
        return self._shown

    def _take_over_world(self) -> bool:
        """Begin with rows of idle nodes where the tree or the limits are others now."""
        tree, config = self._core.tree, self._core.config
        settings = config.settings if config is not None else None
        if tree is self._tree and (
            settings is self._settings or settings == self._settings
        ):
            return False
        self._tree, self._settings = tree, settings
        self._running = array("q", bytes(8 * len(tree)))
        self._usages.clear()
        self._paths.clear()
        self._twins = _twins(tree)
        self._row_of, self._rows = _idle_rows(tree, self._idle_usages(tree))
        return True

    def _idle_usages(self, tree: NodeTree) -> list[tuple[Usage, ...]]:
        """Return what a node of each level shows on which nothing runs."""
        return [
            tuple(
                Usage(resource=resource, used=0, limit=limit)
                for resource, _, limit in self._core.usage(tree.at_level(level)[0])
            )
            if len(tree.at_level(level))
            else ()
            for level in tree.level_names
        ]

    def _follow(self, running: Collection[Attempt]) -> set[int]:
        """Count the tasks on each node; return the nodes where that changed."""
        touched: set[int] = set()
        paths, counts = self._paths, self._running
        for attempt in paths.keys() - running:
            path = paths.pop(attempt)
            touched.update(path)
            for index in path:
                counts[index] -= 1
        for attempt in running:
            if attempt not in paths:
                paths[attempt] = path = self._path(attempt)
                touched.update(path)
                for index in path:
                    counts[index] += 1
        for index in touched & self._twins.keys():
            touched.update(self._twins[index])
        return touched

    def _path(self, attempt: Attempt) -> Sequence[int]:
        # A node that is gone is on no path any more, but its task still runs here.
        if attempt.leaf < 0:
            return (0,)
        return self._core.tree.path(attempt.leaf)

    def _remake(self, index: int) -> None:
        row = self._row_of[index]
        name, level, depth, enabled, _, _ = self._rows[row]
        usage, running = self._usage(index), self._running[index]
        self._rows[row] = NodeRow(name, level, depth, enabled, usage, running)

    def _usage(self, index: int) -> tuple[Usage, ...]:
        numbers = self._core.usage(index)
        usage = self._usages.get(numbers)
        if usage is None:
            # Few of all nodes differ in theirs.
            usage = self._usages[numbers] = tuple(map(Usage._make, numbers))
        return usage


def _idle_rows(
    tree: NodeTree, usages: Sequence[tuple[Usage, ...]]
) -> tuple[Sequence[int], list[NodeRow]]:
    """Return where each node's row stands, and the rows of nodes without tasks."""
    row_of, depths, enabled = _in_reading_order(tree)
    rows: list[NodeRow | None] = [None] * len(row_of)
    columns = zip(
        row_of, tree.names, tree.levels_of, depths, map(bool, enabled), strict=True
    )
    for row, name, level, depth, is_enabled in columns:
        rows[row] = NodeRow(
            name, tree.level_names[level], depth, is_enabled, usages[level], 0
        )
    return row_of, [row for row in rows if row is not None]


def _in_reading_order(
    tree: NodeTree,
) -> tuple[Sequence[int], Sequence[int], Sequence[int]]:
    """Return for each node its row, its depth, and whether it is really enabled."""
    parents = tree.parents
    sizes = array("q", [1]) * len(parents)
    for index in range(len(parents) - 1, 0, -1):
        sizes[parents[index]] += sizes[index]
    row_of, depths = array("q", sizes), array("q", sizes)
    enabled = bytearray(tree.enabled)
    next_row = array("q", sizes)
    roots = 0
    for index, parent in enumerate(parents):
        if parent < 0:
            row, depths[index] = roots, 0
            roots += sizes[index]
        else:
            row, depths[index] = next_row[parent], depths[parent] + 1
            next_row[parent] += sizes[index]
            enabled[index] &= enabled[parent]
        row_of[index] = row
        next_row[index] = row + 1
    return row_of, depths, enabled


def _twins(tree: NodeTree) -> dict[int, Sequence[int]]:
    """Return the nodes that share their resources with others: replicas."""
    return {
        index: group
        for level in tree.level_names
        for group in _groups(tree, tree.at_level(level))
        for index in group
    }


def _groups(tree: NodeTree, indexes: Iterable[int]) -> Iterator[Sequence[int]]:
    names = [tree.names[index] for index in indexes]
    # Hardly any tree has replicas.
    if len(set(names)) == len(names):
        return
    groups: dict[str, list[int]] = {}
    for index, name in zip(indexes, names, strict=True):
        groups.setdefault(name, []).append(index)
    yield from (group for group in groups.values() if len(group) > 1)
