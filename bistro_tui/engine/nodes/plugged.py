"""Finding the node sources of plug-ins."""

from bistro_tui.engine.config.find_plugged import SOURCE_METHODS, make_part
from bistro_tui.engine.installed import Group
from bistro_tui.engine.nodes.sources.source import NodeSource


def find_node_source(name: str) -> NodeSource:
    """Return the source that a config calls ``name``. Raises PluginError."""
    _, made = make_part(Group.NODE_SOURCES, name, SOURCE_METHODS)
    source: NodeSource = made
    return source
