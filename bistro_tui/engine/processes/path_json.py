"""Where a task's node is and what the task takes there, as JSON. Pure.

Siblings differ in their last name only, and mostly come one after the other.
"""

import json
from collections.abc import Mapping, Sequence
from json.encoder import encode_basestring as _quote

from bistro_tui.engine.ids import WORKER_LEVEL, LevelName, NodeName, ResourceName
from bistro_tui.engine.nodes.tree import NodeTree
from bistro_tui.engine.scheduling.actions import StartTask

compact_json = json.JSONEncoder(
    ensure_ascii=False, separators=(",", ":"), allow_nan=False
).encode
"""One line without spaces; raises ValueError for numbers that JSON does not have."""


class PathJson:
    """Paths and resources of the tasks of one job."""

    def __init__(self) -> None:
        self._tree: NodeTree | None = None
        self._needs: Mapping[LevelName, Mapping[ResourceName, int]] = {}
        self._needs_json: dict[LevelName, str] = {}
        self._names: Sequence[NodeName] = ()
        self._parents: Sequence[int] = ()
        self._levels: Sequence[int] = ()
        self._taken_from: list[LevelName | None] = []
        """By number of level; None where nothing is taken."""
        self._from_worker = ""
        """What is taken from workers; empty: nothing."""
        self._parent: int | None = None
        self._above = ""
        """The names above the present siblings."""
        self._levels_above: dict[str, LevelName] = {}
        """Of the nodes above them from which something is taken."""
        self._taken_above = ""
        """The same as JSON, without brackets."""

    def of(self, start: StartTask) -> tuple[str, str]:
        """Return the names from the instance node down, and the resources by node.

        The names are not in brackets yet.
        """
        if start.tree is not self._tree or start.needs is not self._needs:
            self._turn_to(start)
        leaf = start.leaf
        parent = self._parents[leaf]
        if parent != self._parent:
            self._climb(parent)
        name = self._names[leaf]
        quoted = _quote(name)
        level = self._taken_from[self._levels[leaf]]
        return self._above + quoted, self._taken(start.worker, name, quoted, level)

    def _turn_to(self, start: StartTask) -> None:
        tree, needs = start.tree, start.needs
        self._tree, self._needs = tree, needs
        self._names, self._parents = tree.names, tree.parents
        self._levels = tree.levels_of
        self._needs_json = {
            level: compact_json(dict(amounts)) for level, amounts in needs.items()
        }
        self._taken_from = [
            level if level in self._needs_json else None for level in tree.level_names
        ]
        self._from_worker = self._needs_json.get(WORKER_LEVEL, "")
        self._parent = None

    def _climb(self, parent: int) -> None:
        assert self._tree is not None
        path = [self._tree.node(index) for index in self._tree.path(parent)]
        self._parent = parent
        self._above = "".join([_quote(node.name) + "," for node in path])
        self._levels_above = {
            node.name: node.level for node in path if node.level in self._needs_json
        }
        self._taken_above = ",".join(
            f"{_quote(name)}:{self._needs_json[level]}"
            for name, level in self._levels_above.items()
        )

    def _taken(
        self, worker: NodeName, name: NodeName, quoted: str, level: LevelName | None
    ) -> str:
        """Return what is taken from the leaf ``name``, those above it, and the worker.

        ``level``: of the leaf if something is taken from it.
        """
        above = self._levels_above
        if worker in above or name in above or name == worker:
            # Names may repeat, and a node may be called like the worker.
            return self._taken_by_name(worker, name, level)
        pieces = [self._taken_above] if above else []
        if level is not None:
            pieces.append(f"{quoted}:{self._needs_json[level]}")
        if self._from_worker:
            pieces.append(f"{_quote(worker)}:{self._from_worker}")
        return "{" + ",".join(pieces) + "}"

    def _taken_by_name(
        self, worker: NodeName, name: NodeName, level: LevelName | None
    ) -> str:
        levels = dict(self._levels_above)
        if level is not None:
            levels[name] = level
        taken = {name: dict(self._needs[level]) for name, level in levels.items()}
        if self._from_worker:
            # Their resources differ in any case.
            taken.setdefault(worker, {}).update(self._needs[WORKER_LEVEL])
        return compact_json(taken)
