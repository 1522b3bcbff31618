"""The source ``range_label``: numbered children for every node of a level.

Source: Bistro, nodes/RangeLabelFetcher.
"""

from bistro_tui.engine.config.model import RangeLabelPrefs
from bistro_tui.engine.nodes.sources.growing import GrowingTree


def add_range_label(prefs: RangeLabelPrefs, tree: GrowingTree) -> None:
    """Append the children, parents in fetch order and numbers ascending."""
    parents = tree.at_level(prefs.parent_level)
    tree.make_room(len(parents) * prefs.count)
    if not parents:
        return
    labels_of = prefs.labeller()
    enabled = bytes([prefs.enabled]) * prefs.count
    for parent in parents:
        tree.add_children(parent, labels_of(tree.name(parent)), enabled=enabled)
