"""The source ``manual``: the tree that is written in the config.

Source: Bistro, nodes/ManualFetcher.
"""

from bistro_tui.engine.config.model import ManualNode, ManualPrefs
from bistro_tui.engine.nodes.sources.growing import GrowingTree

_LEAF = ManualNode()


def add_manual(prefs: ManualPrefs, tree: GrowingTree) -> None:
    """Append the roots in file order, each followed by its subtree, depth first.

    Roots are the nodes that are nobody's child. A name with several parents makes
    replicas, each with its own copy of what is below it.
    """
    children = {child for node in prefs.nodes.values() for child in node.children}
    roots = [name for name in prefs.nodes if name not in children]
    todo = [(name, 0) for name in reversed(roots)]
    while todo:
        name, parent = todo.pop()
        described = prefs.nodes.get(name, _LEAF)
        index = tree.add(parent, name, enabled=described.enabled)
        todo += [(child, index) for child in reversed(described.children)]
