from bistro_tui.engine.ids import INSTANCE_LEVEL, LevelName, NodeName
from bistro_tui.engine.nodes.tree import Node, NodeTree

A, B = LevelName("a"), LevelName("b")


def node(name: str, level: LevelName, parent: int) -> Node:
    return Node(name=NodeName(name), level=level, parent=parent)


def test_a_tree_without_sources_is_the_instance_node() -> None:
    tree = NodeTree.of_instance(NodeName("root"))
    assert [(each.name, each.level, each.parent) for each in tree.nodes] == [
        ("root", INSTANCE_LEVEL, -1)
    ]
    assert tree.at_level(A) == ()


def test_levels_keep_the_fetch_order_and_paths_begin_at_the_instance() -> None:
    tree = NodeTree(
        [
            node("root", INSTANCE_LEVEL, -1),
            node("x", A, 0),
            node("x1", B, 1),
            node("y", A, 0),
            node("x1", B, 3),
        ]
    )
    assert tree.levels() == (INSTANCE_LEVEL, A, B)
    assert tree.at_level(B) == (2, 4)
    assert tree.path(4) == (0, 3, 4)
    assert tree.path(0) == (0,)
