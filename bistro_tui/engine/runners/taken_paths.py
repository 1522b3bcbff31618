"""From which nodes tasks take something. Pure.

Siblings differ in the last node only, and mostly come one after the other.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from bistro_tui.engine.ids import LevelName, NodeName, ResourceName
from bistro_tui.engine.nodes.tree import NodeTree
from bistro_tui.engine.scheduling.actions import StartTask

TakenPath = tuple[tuple[LevelName, NodeName], ...]


class TakenPaths:
    """Remembers the path of the last task."""

    def __init__(self, check: Callable[[Iterable[NodeName]], None]) -> None:
        """``check`` raises for names that cannot be told to anybody."""
        self._check = check
        self._tree: NodeTree | None = None
        self._needs: Mapping[LevelName, Mapping[ResourceName, int]] = {}
        self._names: Sequence[NodeName] = ()
        self._parents: Sequence[int] = ()
        self._levels: Sequence[int] = ()
        self._taken_from: list[LevelName | None] = []
        """By number of level; None where nothing is taken."""
        self._parent: int | None = None
        self._above: TakenPath = ()

    def of(self, start: StartTask) -> TakenPath:
        """Return level and name of each, instance first; raises what ``check`` does."""
        if start.tree is not self._tree or start.needs is not self._needs:
            self._turn_to(start.tree, start.needs)
        leaf = start.leaf
        parent = self._parents[leaf]
        if parent != self._parent:
            self._climb(parent)
        level = self._taken_from[self._levels[leaf]]
        if level is None:
            return self._above
        name = self._names[leaf]
        self._check((name,))
        return (*self._above, (level, name))

    def _turn_to(
        self, tree: NodeTree, needs: Mapping[LevelName, Mapping[ResourceName, int]]
    ) -> None:
        self._tree, self._needs, self._parent = tree, needs, None
        self._names, self._parents = tree.names, tree.parents
        self._levels = tree.levels_of
        self._taken_from = [
            level if level in needs else None for level in tree.level_names
        ]

    def _climb(self, parent: int) -> None:
        assert self._tree is not None
        found = []
        for index in self._tree.path(parent):
            level = self._taken_from[self._levels[index]]
            if level is not None:
                found.append((level, self._names[index]))
        self._check(name for _, name in found)
        self._above, self._parent = tuple(found), parent
