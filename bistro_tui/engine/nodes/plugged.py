"""The node sources of plug-ins, kept from harming the engine."""

import asyncio
import functools
import inspect
from collections.abc import Sequence
from dataclasses import replace

from bistro_tui.engine.config.find_plugged import SOURCE_METHODS, make_part
from bistro_tui.engine.config.lexis import shorten
from bistro_tui.engine.config.reading import ObjectReader
from bistro_tui.engine.foreign import contain_exits, is_failure
from bistro_tui.engine.installed import Group, Part, PluginError, described
from bistro_tui.engine.nodes.answers import check_found
from bistro_tui.engine.nodes.sources.growing import NodeSourceError
from bistro_tui.engine.nodes.sources.source import (
    FoundNodes,
    NodeSource,
    Surroundings,
)


def find_node_source(name: str) -> NodeSource:
    """Return the source that a config calls ``name``. Raises PluginError."""
    part, made = make_part(Group.NODE_SOURCES, name, SOURCE_METHODS)
    return GuardedSource(part, made)


class GuardedSource:
    """Passes calls on; a fetch gives nodes that a tree can have, or PluginError."""

    def __init__(self, part: Part, source: NodeSource) -> None:
        self._part, self._source = part, source

    def read_prefs(self, prefs: ObjectReader) -> object:
        """Return what ``fetch`` needs."""
        return self._source.read_prefs(prefs)

    async def fetch(self, prefs: object, around: Surroundings) -> FoundNodes:
        """Return the nodes; PluginError, with the distribution, if that fails."""
        contain_exits()
        try:
            answer: object = self._source.fetch(prefs, around)
            if not inspect.isawaitable(answer):
                kind = type(answer).__name__
                message = f"fetch() must be async, but gave a {kind} at once"
                raise NodeSourceError(message)
            found = _checked(await answer)
            check = functools.partial(check_found, found, around.levels, around.nodes)
            await asyncio.to_thread(check)
        except NodeSourceError as error:
            raise self._failed(str(error)) from error
        except BaseException as error:
            if not is_failure(error):
                raise
            raise self._failed(shorten(described(error), 200)) from error
        return found

    def _failed(self, problem: str) -> PluginError:
        return PluginError(f"the {self._part} failed: {problem}")


def _checked(found: object) -> FoundNodes:
    if not isinstance(found, FoundNodes):
        kind = type(found).__name__
        raise NodeSourceError(f"fetch() must return a FoundNodes, not {kind}")
    nodes: object = found.nodes
    if isinstance(nodes, (str, bytes)) or not isinstance(nodes, Sequence):
        kind = type(nodes).__name__
        raise NodeSourceError(f"nodes must be a list of NewNode, not {kind}")
    # Nobody changes it any more.
    return replace(found, nodes=tuple(nodes))
