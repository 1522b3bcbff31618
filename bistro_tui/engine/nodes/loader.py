"""From the settings to one node tree, whatever a source does.

Source: Bistro, nodes/NodesLoader; there, one failing source takes all nodes away.
"""

import asyncio
import functools
from collections.abc import Container, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias, assert_never

from bistro_tui.engine.clock import Clock
from bistro_tui.engine.config.model import (
    EmptyPrefs,
    ManualPrefs,
    RangeLabelPrefs,
    ScriptPrefs,
    Settings,
)
from bistro_tui.engine.ids import LevelName, NodeName
from bistro_tui.engine.nodes.sources.empty import add_empty
from bistro_tui.engine.nodes.sources.growing import (
    GrowingTree,
    NodeSourceError,
    add_children,
)
from bistro_tui.engine.nodes.sources.manual import add_manual
from bistro_tui.engine.nodes.sources.range_label import add_range_label
from bistro_tui.engine.nodes.sources.script import run_script
from bistro_tui.engine.nodes.tree import NodeTree

_Children: TypeAlias = Mapping[NodeName, tuple[NodeName, ...]]
_Key: TypeAlias = tuple[str, LevelName, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class NodesResult:
    """The nodes to use from now on, and which sources failed."""

    tree: NodeTree
    errors: tuple[str, ...] = ()
    """For people, one a failed source; its last good nodes are in the tree."""
    is_refused: bool = False
    """The nodes as a whole cannot be: the tree is the last good one, or empty."""


class NodesLoader:
    """Asks the node sources, and remembers the last good nodes of each."""

    def __init__(
        self, *, instance_name: NodeName, config_dir: Path, clock: Clock
    ) -> None:
        """Take the name of the root, and the directory that scripts are relative to."""
        self._instance_name = instance_name
        # A program is looked for after changing to it, so a relative path would miss.
        self._config_dir = config_dir.absolute()
        self._clock = clock
        self._last_tree = NodeTree.of_instance(instance_name)
        self._last_levels: tuple[LevelName, ...] = ()
        self._last_children: dict[_Key, _Children] = {}
        self._lock = asyncio.Lock()

    async def load(self, settings: Settings) -> NodesResult:
        """Return the nodes of all sources, in order; never raises for a bad source.

        A script that fails leaves the nodes that it gave last, or none. A name on two
        levels leaves the whole last tree. Loads wait for each other.
        """
        async with self._lock:
            errors: list[str] = []
            try:
                tree = await self._grow(settings, errors)
            except NodeSourceError as error:
                return self._last_good(settings, (*errors, str(error)))
            self._last_tree, self._last_levels = tree, settings.levels
            return NodesResult(tree=tree, errors=tuple(errors))

    def _last_good(self, settings: Settings, errors: tuple[str, ...]) -> NodesResult:
        # Of other levels the old nodes would be on no level at all.
        if settings.levels != self._last_levels:
            tree = NodeTree.of_instance(self._instance_name)
            return NodesResult(tree=tree, errors=errors, is_refused=True)
        return NodesResult(tree=self._last_tree, errors=errors, is_refused=True)

    async def _grow(self, settings: Settings, errors: list[str]) -> NodeTree:
        tree = GrowingTree(self._instance_name, settings.levels)
        remembered: dict[_Key, _Children] = {}
        for spec in settings.node_sources:
            if isinstance(spec.prefs, ScriptPrefs):
                key = _key(spec.prefs, remembered)
                remembered[key] = await self._ask(spec.prefs, key, tree, errors)
                add = functools.partial(_add_answer, spec.prefs, remembered[key])
            else:
                add = functools.partial(_add_written, spec.prefs)
            # A million nodes take seconds, and the loop must not wait for them.
            await asyncio.to_thread(add, tree)
        self._last_children = remembered
        return await asyncio.to_thread(tree.finished)

    async def _ask(
        self, prefs: ScriptPrefs, key: _Key, tree: GrowingTree, errors: list[str]
    ) -> _Children:
        parents = [tree.nodes[i].name for i in tree.at_level(prefs.parent_level)]
        try:
            return await run_script(prefs, parents, self._config_dir, self._clock)
        except NodeSourceError as error:
            last = self._last_children.get(key)
            kept = "its last good nodes stay" if last else "it has no nodes yet"
            errors.append(f"{error}; {kept}")
            return last or {}


def _key(prefs: ScriptPrefs, taken: Container[_Key]) -> _Key:
    """Return what a script is remembered by; the same one twice is two sources."""
    copy = 0
    while (prefs.script, prefs.parent_level, copy) in taken:
        copy += 1
    return (prefs.script, prefs.parent_level, copy)


def _add_answer(prefs: ScriptPrefs, answer: _Children, tree: GrowingTree) -> None:
    for parent in tree.at_level(prefs.parent_level):
        add_children(tree, parent, answer.get(tree.nodes[parent].name, ()))


def _add_written(
    prefs: EmptyPrefs | ManualPrefs | RangeLabelPrefs, tree: GrowingTree
) -> None:
    match prefs:
        case ManualPrefs():
            add_manual(prefs, tree)
        case RangeLabelPrefs():
            add_range_label(prefs, tree)
        case EmptyPrefs():
            add_empty(prefs, tree)
        case _:
            assert_never(prefs)
