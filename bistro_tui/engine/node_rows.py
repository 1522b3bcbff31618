"""The rows of the node tree, at a cost that follows the tasks that come and go."""

from array import array
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b
from itertools import islice
from typing import TypeAlias

from bistro_tui.engine.config.model import Config
from bistro_tui.engine.ids import ResourceName
from bistro_tui.engine.nodes.tree import NodeTree
from bistro_tui.engine.scheduling.attempts import Attempt
from bistro_tui.engine.scheduling.core import Core
from bistro_tui.engine.scheduling.leftovers import Leftover
from bistro_tui.engine.view import NodeRow, Usage

_Numbers: TypeAlias = tuple[tuple[ResourceName, int, int], ...]

_DIGEST = 6
"""Bytes: the number is one that JavaScript can hold."""

AT_ONCE = 500
"""Rows that ``look_ahead`` makes in one go, or tasks that it follows: a few ms."""

SHARED = 1_000
"""Different usages that are remembered: few of all nodes differ in theirs."""


class NodeRows:
    """Rows that are made when first looked at, and anew where tasks came or left."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self.structure = 0
        """A number of the nodes in their order, the same in every process; 0: none."""
        self._tree = NodeTree()
        self._config: Config | None = None
        self._idle: Sequence[tuple[Usage, ...]] = ()
        """What a node shows on which nothing runs, by the number of its level."""
        self._row_of: Sequence[int] = ()
        self._twins: Mapping[int, Sequence[int]] = {}
        self._rows: list[NodeRow] = []
        self._shown: tuple[NodeRow, ...] = ()
        self._running = array("q")
        self._paths: dict[Attempt | Leftover, Sequence[int]] = {}
        self._news: set[Attempt | Leftover] | None = None
        """What may have come or gone and is not followed yet; None: all may."""
        self._stale: set[int] = set()
        """Nodes whose rows are to be made anew."""
        self._is_newer = False
        """Whether rows were made that are not shown yet."""

    def look_ahead(
        self,
        living: Collection[Attempt | Leftover],
        news: Collection[Attempt | Leftover] | None,
    ) -> bool:
        """Do a part of what ``current`` has to; return whether there is more of it.

        Both as for ``current``, which need not be told of that ``news`` again.
        """
        core, paths = self._core, self._paths
        if core.tree is not self._tree or core.config is not self._config:
            self._note(news)
            return False
        if news is None:
            self._news, news = set(), {*paths, *living}
        # Of tasks that take no time, most have come and gone meanwhile.
        self._note([one for one in news if (one in living) is not (one in paths)])
        if self._news is None:
            return False
        some = list(islice(self._news, AT_ONCE))
        self._news.difference_update(some)
        self._note_touched(self._follow(some, living))
        self._remake_some(AT_ONCE)
        return len(self._news) + len(self._stale) > AT_ONCE

    def current(
        self,
        living: Collection[Attempt | Leftover],
        news: Collection[Attempt | Leftover] | None = None,
    ) -> tuple[NodeRow, ...]:
        """Return the rows as they are now, each node followed by its subtree.

        ``living``: all that holds resources; what is recovering is not counted.
        ``news``: what of it may have come or gone since the last call; None: all.
        """
        self._note(news)
        is_new = self._take_over_tree()
        relimited = self._take_over_limits()
        if is_new or self._news is None:
            followed: Collection[Attempt | Leftover] = {*self._paths, *living}
        else:
            followed = self._news
        self._news = set()
        self._note_touched(self._follow(followed, living))
        if relimited:
            self._note_touched(self._in_use(relimited))
        self._remake_some(len(self._stale))
        if is_new or relimited or self._is_newer:
            self._is_newer = False
            self._shown = tuple(self._rows)
        return self._shown

    def _note(self, news: Collection[Attempt | Leftover] | None) -> None:
        if news is None:
            self._news = None
        elif self._news is not None:
            self._news.update(news)

    def _note_touched(self, indexes: set[int]) -> None:
        for index in indexes & self._twins.keys():
            indexes.update(self._twins[index])
        self._stale |= indexes

    def _remake_some(self, most: int) -> None:
        stale = self._stale
        for _ in range(min(most, len(stale))):
            self._remake(stale.pop())
            self._is_newer = True

    def _take_over_tree(self) -> bool:
        """Begin with rows of idle nodes where the tree is another now."""
        tree = self._core.tree
        if tree is self._tree:
            return False
        self._tree, self._config = tree, self._core.config
        self.structure = _structure(tree)
        self._running = array("q", bytes(8 * len(tree)))
        self._paths.clear()
        self._stale.clear()
        self._twins = _twins(tree)
        self._idle = self._idle_usages()
        self._row_of, self._rows = _idle_rows(tree, self._idle)
        return True

    def _take_over_limits(self) -> set[int]:
        """Return the levels with other resources or limits, their nodes shown idle."""
        config = self._core.config
        if config is self._config:
            return set()
        self._config = config
        known, self._idle = self._idle, self._idle_usages()
        changed = {
            level for level, idle in enumerate(self._idle) if idle != known[level]
        }
        for level in changed:
            self._show_idle(level)
        return changed

    def _idle_usages(self) -> list[tuple[Usage, ...]]:
        at_levels = map(self._tree.at_level, self._tree.level_names)
        return [
            shared_usage(
                tuple(
                    (resource, 0, limit)
                    for resource, _, limit in self._core.usage(found[0])
                )
            )
            if len(found)
            else ()
            for found in at_levels
        ]

    def _show_idle(self, level: int) -> None:
        rows, row_of, usage = self._rows, self._row_of, self._idle[level]
        make = NodeRow._make
        for index in self._tree.at_level(self._tree.level_names[level]):
            row = row_of[index]
            name, level_name, depth, enabled, _, running = rows[row]
            rows[row] = make((name, level_name, depth, enabled, usage, running))

    def _in_use(self, levels: Collection[int]) -> set[int]:
        """Return the nodes of these levels on which tasks run."""
        found = {index for path in self._paths.values() for index in path}
        levels_of = self._tree.levels_of
        return {index for index in found if levels_of[index] in levels}

    def _follow(
        self,
        news: Collection[Attempt | Leftover],
        living: Collection[Attempt | Leftover],
    ) -> set[int]:
        """Count the tasks on each node; return the nodes where that changed."""
        touched: set[int] = set()
        paths, counts = self._paths, self._running
        # There may be many, and a list is searched slowly.
        are_living = set(living) if isinstance(living, Sequence) else living
        for one in news:
            path = paths.get(one)
            if (one in are_living) is (path is not None):
                continue
            change = -1
            if path is None:
                paths[one] = path = self._core.nodes_of(one)
                change = 1
            else:
                del paths[one]
            touched.update(path)
            for index in path if isinstance(one, Attempt) else ():
                counts[index] += change
        return touched

    def _remake(self, index: int) -> None:
        row = self._row_of[index]
        name, level, depth, enabled, _, _ = self._rows[row]
        usage, running = shared_usage(self._core.usage(index)), self._running[index]
        self._rows[row] = NodeRow(name, level, depth, enabled, usage, running)


@lru_cache(maxsize=SHARED)
def shared_usage(numbers: _Numbers) -> tuple[Usage, ...]:
    """Return the usage with these numbers, mostly the one that other nodes show."""
    return tuple(map(Usage._make, numbers))


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


def _structure(tree: NodeTree) -> int:
    """Return a number of its nodes and their order; another one for any others."""
    names = "\0".join((*tree.level_names, "", *tree.names))
    digest = blake2b(names.encode("utf-8", "surrogatepass"), digest_size=_DIGEST)
    digest.update(array("q", tree.levels_of).tobytes())
    digest.update(array("q", tree.parents).tobytes())
    return int.from_bytes(digest.digest(), "little") or 1


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
