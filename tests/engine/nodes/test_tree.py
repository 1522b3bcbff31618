from array import array

from bistro_tui.engine.ids import INSTANCE_LEVEL, LevelName, NodeName
from bistro_tui.engine.nodes.tree import Node, NodeColumns, NodeTree

A, B = LevelName("a"), LevelName("b")


def node(name: str, level: LevelName, parent: int) -> Node:
    return Node(name=NodeName(name), level=level, parent=parent)


def test_a_tree_without_sources_is_the_instance_node() -> None:
    tree = NodeTree.of_instance(NodeName("root"))
    assert [(each.name, each.level, each.parent) for each in tree.nodes] == [
        ("root", INSTANCE_LEVEL, -1)
    ]
    assert list(tree.at_level(A)) == []


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
    assert list(tree.at_level(B)) == [2, 4]
    assert tree.path(4) == (0, 3, 4)
    assert tree.path(0) == (0,)


SOME = [
    node("root", INSTANCE_LEVEL, -1),
    node("x", A, 0)._replace(enabled=False),
    node("x1", B, 1)._replace(tags=frozenset("t")),
    node("y", A, 0),
]


def test_a_tree_gives_back_the_nodes_that_it_was_made_of() -> None:
    tree = NodeTree(SOME)
    assert list(tree.nodes) == SOME
    assert [tree.nodes[i] for i in range(4)] == SOME
    assert tree.nodes[-2] == SOME[2]
    assert tree.nodes[1:3] == tuple(SOME[1:3])
    assert len(tree) == len(tree.nodes) == 4
    assert (tree.names[3], tree.parents[2], tree.enabled[1]) == ("y", 1, 0)


def test_trees_are_equal_when_their_nodes_are_whatever_other_levels_there_are() -> None:
    tree = NodeTree(SOME)
    columns = NodeColumns(
        names=[each.name for each in SOME],
        levels=array("i", [0, 2, 3, 2]),
        parents=array("i", [-1, 0, 1, 0]),
        enabled=bytearray([1, 0, 1, 1]),
        tags={2: frozenset("t")},
    )
    names = (INSTANCE_LEVEL, LevelName("unused"), A, B)
    other = NodeTree.of_columns(columns, names, [[0], [], [1, 3], [2]])
    assert other == tree
    assert other.nodes == tree.nodes
    assert other.levels() == tree.levels()
    for index in range(4):
        changed = [*SOME]
        changed[index] = changed[index]._replace(name=NodeName("z"))
        assert NodeTree(changed) != tree
    assert NodeTree(SOME[:3]) != tree
    assert NodeTree([*SOME[:3], SOME[3]._replace(tags=frozenset("t"))]) != tree
