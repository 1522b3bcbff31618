"""The source ``range_label``: numbered children for every node of a level.

Source: Bistro, nodes/RangeLabelFetcher.
"""

from bistro_tui.engine.config.model import RangeLabelPrefs
from bistro_tui.engine.nodes.sources.growing import GrowingTree, add_children


def add_range_label(prefs: RangeLabelPrefs, tree: GrowingTree) -> None:
    """Append the children, parents in fetch order and numbers ascending."""
    for parent in tree.at_level(prefs.parent_level):
        name = tree.nodes[parent].name
        labels = (prefs.label(name, i) for i in range(prefs.start, prefs.end + 1))
        add_children(tree, parent, labels, enabled=prefs.enabled)
