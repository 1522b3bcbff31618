"""The source ``empty``: no nodes, said on purpose.

Source: Bistro, nodes/EmptyFetcher.
"""

from bistro_tui.engine.config.model import EmptyPrefs
from bistro_tui.engine.nodes.sources.growing import GrowingTree


def add_empty(_prefs: EmptyPrefs, _tree: GrowingTree) -> None:
    """Append nothing."""
