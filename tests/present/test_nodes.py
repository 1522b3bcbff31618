"""The node tree: folding, filtering, use."""

from bistro_tui.engine.view import NodeName, NodeRow
from bistro_tui.present.filters import Filter
from bistro_tui.present.nodes import (
    has_children,
    matching,
    node_name,
    subtree,
    unfolded,
    usages,
)
from bistro_tui.present.spans import Scene, plain_text
from tests.ui.scripted import node

PLAIN = Scene(now=0, plain=True)
TREE: tuple[NodeRow, ...] = (
    node("root"),
    node("a", 1),
    node("a1", 2),
    node("a2", 2),
    node("b", 1),
    node("b1", 2),
)


def names(nodes: object) -> list[str]:
    assert isinstance(nodes, list | tuple)
    return [row.name for row in nodes]


def test_a_folded_node_hides_all_below_it_and_nothing_else() -> None:
    assert names(unfolded(TREE, {NodeName("a")})) == ["root", "a", "b", "b1"]
    assert names(unfolded(TREE, {NodeName("root")})) == ["root"]
    assert unfolded(TREE, set()) is TREE


def test_a_filter_keeps_the_nodes_above_each_match() -> None:
    assert names(matching(TREE, Filter.parse("2"))) == ["root", "a", "a2"]
    assert names(matching(TREE, Filter.parse("1"))) == ["root", "a", "a1", "b", "b1"]
    assert names(matching(TREE, Filter.parse("nowhere"))) == []


def test_a_subtree_is_the_node_and_all_below_it() -> None:
    assert subtree(TREE, NodeName("a")) == {"a", "a1", "a2"}
    assert subtree(TREE, NodeName("b1")) == {"b1"}
    assert subtree(TREE, NodeName("gone")) == frozenset()


def test_only_nodes_with_nodes_below_can_be_folded() -> None:
    assert [has_children(TREE, i) for i in range(6)] == [
        True, True, False, False, True, False,
    ]  # fmt: skip


def test_use_is_written_used_slash_limit() -> None:
    row = node("db7", 2, ("concurrency", 3, 3))
    assert plain_text(usages(row, 40, PLAIN)) == "###### concurrency 3/3"


def test_resources_without_room_are_counted() -> None:
    row = node("db7", 2, ("concurrency", 3, 3), ("io", 1, 9), ("net", 0, 1))
    assert plain_text(usages(row, 40, PLAIN)) == "###### concurrency 3/3 +2"
    assert plain_text(usages(row, 18, PLAIN)) == "concurrency 3/3 +2"


def test_a_disabled_node_says_so_in_a_word() -> None:
    assert plain_text(node_name(node("db8", 2, enabled=False), " ")).strip() == (
        "⊘ db8 off"
    )
