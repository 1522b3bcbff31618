"""Do the node sources fit the levels, and is every name on one level only?

Everything here is known before any script runs.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple, TypeAlias

from bistro_tui.engine.config.coerce import show
from bistro_tui.engine.config.model import (
    AddTimePrefs,
    ManualPrefs,
    NodeSourceSpec,
    RangeLabelPrefs,
    ScriptPrefs,
)
from bistro_tui.engine.config.reading import ObjectReader, Report
from bistro_tui.engine.config.text import Path
from bistro_tui.engine.ids import INSTANCE_LEVEL, LevelName, NodeName

MAX_NODES = 5_000_000
"""Replicas multiply; this is where a mistake is likelier than a plan."""

_MAX_SHOWN = 20
"""Errors of one kind for one source; the rest is of the same mistake."""

_INSTANCE = NodeName("\0")
"""Stands for the instance node's name, which is not known here; no other holds NUL."""

_Found: TypeAlias = tuple[NodeName, Path]


class _Leaves(NamedTuple):
    """Children on the lowest level, which are many: named only to be compared."""

    parents: tuple[NodeName, ...]
    labeller: Callable[[NodeName], list[NodeName]]
    path: Path


class NodeCheck:
    """Counts the names of each level, source by source."""

    def __init__(
        self,
        levels: tuple[LevelName, ...],
        report: Report,
        *,
        knows_depth: bool = True,
    ) -> None:
        """Take all levels from the top, ``instance`` and ``worker`` included.

        Without ``knows_depth`` some may be wrong or missing: then only names that no
        level has are noted.
        """
        self._levels, self._report, self._knows_depth = levels, report, knows_depth
        self._counts: dict[LevelName, Counter[NodeName]] = {
            level: Counter() for level in levels
        }
        self._counts[INSTANCE_LEVEL][_INSTANCE] = 1
        self._level_of = {_INSTANCE: INSTANCE_LEVEL}
        self._leaves: list[_Leaves] = []
        self._total = 0

    def add(self, spec: NodeSourceSpec, reader: ObjectReader) -> None:
        """Note what is wrong with a source, seen after all earlier ones."""
        match spec.prefs:
            case ManualPrefs() if self._knows_depth:
                self._add_manual(spec.prefs, reader)
            case RangeLabelPrefs() if self._knows_depth:
                self._add_range(spec.prefs, reader)
            case RangeLabelPrefs(parent_level=level):
                self._child_level(level, reader)
            case ScriptPrefs(parent_level=level) | AddTimePrefs(parent_level=level):
                self._child_level(level, reader)
            case _:
                pass

    def finish(self) -> None:
        """Note names that the lowest level shares with others; all sources are in."""
        lowest = self._levels[-2]
        for leaves in self._leaves:
            above = {name for name, level in self._level_of.items() if level != lowest}
            shared: dict[NodeName, None] = {}
            for parent in leaves.parents:
                names = leaves.labeller(parent)
                if not above.isdisjoint(names):
                    shared.update(dict.fromkeys(n for n in names if n in above))
            self._tell_of(
                lowest,
                {name: self._level_of[name] for name in shared},
                ((name, leaves.path) for name in shared),
            )

    def _child_level(self, parent: LevelName, reader: ObjectReader) -> LevelName | None:
        """Return the level below; None, and an error, if it cannot have nodes."""
        if "parent_level" not in reader.raw:
            return None
        usable = self._levels[:-2]
        if parent in usable:
            return self._levels[self._levels.index(parent) + 1]
        if parent in self._levels and not self._knows_depth:
            return None
        if parent in self._levels:
            message = f"there is no configured level below {show(parent)}"
        else:
            near = self._report.suggest(parent, usable)
            message = f"unknown level {show(parent)}{near}"
        reader.error("parent_level", message)
        return None

    def _add_range(self, prefs: RangeLabelPrefs, reader: ObjectReader) -> None:
        level = self._child_level(prefs.parent_level, reader)
        if level is None or prefs.end < prefs.start:
            return
        parents = self._counts[prefs.parent_level]
        if not self._count(parents.total() * prefs.count, reader.path) or not parents:
            return
        if level == self._levels[-2]:
            leaves = _Leaves(tuple(parents), prefs.labeller(), reader.path)
            self._leaves.append(leaves)
            return
        found: Counter[NodeName] = Counter()
        labels_of = prefs.labeller()
        for parent, copies in parents.items():
            for label in labels_of(parent):
                found[label] += copies
        self._place(level, found, ((name, reader.path) for name in found))

    def _add_manual(self, prefs: ManualPrefs, reader: ObjectReader) -> None:
        children = {child for node in prefs.nodes.values() for child in node.children}
        current = Counter(name for name in prefs.nodes if name not in children)
        if not current:
            message = (
                "has no root: every node is somebody's child"
                if prefs.nodes
                else 'has no nodes; the source "empty" says so on purpose'
            )
            self._report.error(reader.path, message)
            return
        places: Iterable[_Found] = ((name, (*reader.path, name)) for name in current)
        for level in self._levels[1:-1]:
            if not self._count(current.total(), reader.path):
                return
            self._place(level, current, places)
            below: Counter[NodeName] = Counter()
            for name, copies in current.items():
                for child in _children(prefs, name):
                    below[child] += copies
            places = _mentions(prefs, current, reader)
            current = below
            if not current:
                self._warn_of_cycles(prefs, reader)
                return
        self._too_deep(places, reader)

    def _warn_of_cycles(self, prefs: ManualPrefs, reader: ObjectReader) -> None:
        for name in prefs.nodes:
            if name not in self._level_of:
                message = "never becomes a node: it is among its own descendants"
                reader.warn(name, message, at_key=True)

    def _too_deep(self, places: Iterable[_Found], reader: ObjectReader) -> None:
        number = len(self._levels) - 2
        told: set[NodeName] = set()
        for name, path in places:
            if name not in told and len(told) < _MAX_SHOWN:
                told.add(name)
                message = (
                    f"{show(name)} is on level {number + 1} of the tree, but "
                    f"{reader.path[0]}.nodes.levels names only {number}"
                )
                self._report.error(path, message)

    def _place(
        self, level: LevelName, names: Counter[NodeName], places: Iterable[_Found]
    ) -> None:
        """Take names into a level; each that another level has is an error."""
        elsewhere = {
            name: self._level_of[name]
            for name in names
            if self._level_of.setdefault(name, level) != level
        }
        self._tell_of(level, elsewhere, places)
        self._counts[level] += names

    def _tell_of(
        self,
        level: LevelName,
        elsewhere: Mapping[NodeName, LevelName],
        places: Iterable[_Found],
    ) -> None:
        """Note each name that another level has, too, at the first place found."""
        if not elsewhere:
            return
        told: set[NodeName] = set()
        for name, path in places:
            if name in elsewhere and name not in told and len(told) < _MAX_SHOWN:
                told.add(name)
                shown = show(name.replace(_INSTANCE, "{instance}"))
                message = (
                    f"the node {shown} would be on two levels, "
                    f"{show(elsewhere[name])} and {show(level)}"
                )
                self._report.error(path, message)

    def _count(self, number: int, path: Path) -> bool:
        self._total += number
        if self._total <= MAX_NODES:
            return True
        message = f"more than {MAX_NODES} nodes in all; is that meant?"
        self._report.error(path, message)
        return False


def _children(prefs: ManualPrefs, name: NodeName) -> tuple[NodeName, ...]:
    node = prefs.nodes.get(name)
    return node.children if node else ()


def _mentions(
    prefs: ManualPrefs, parents: Iterable[NodeName], reader: ObjectReader
) -> Iterator[_Found]:
    """Return each child of these parents, and where the config names it."""
    for parent in parents:
        raw = reader.raw.get(parent)
        path: Path = (*reader.path, parent)
        if isinstance(raw, dict):
            path, raw = (*path, "children"), raw.get("children")
        for index, child in enumerate(_children(prefs, parent)):
            yield child, (*path, index) if isinstance(raw, list) else path
