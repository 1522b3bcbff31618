"""Where nodes stand in the tree, kept over snapshots."""

from hypothesis import given
from hypothesis import strategies as st

from bistro_tui.engine.view import NodeName, NodeRow
from bistro_tui.present.node_index import IndexKeeper, NodeIndex, Picked
from bistro_tui.present.nodes import subtree
from tests.ui.scripted import node, snapshot

TREE: tuple[NodeRow, ...] = (
    node("root"),
    node("a", 1),
    node("a1", 2),
    node("a2", 2),
    node("b", 1),
    node("b1", 2),
)


@st.composite
def trees(draw: st.DrawFn) -> list[NodeRow]:
    """Any forest in tree order; some names twice, as replicas have them."""
    rows: list[NodeRow] = []
    for number in range(draw(st.integers(0, 25))):
        deepest = rows[-1].depth + 1 if rows else 0
        name = f"n{draw(st.integers(0, number)) if draw(st.booleans()) else number}"
        rows.append(node(name, draw(st.integers(0, deepest))))
    return rows


@given(trees())
def test_ends_and_parents_are_what_the_depths_say(rows: list[NodeRow]) -> None:
    index = NodeIndex(rows)
    for place, row in enumerate(rows):
        below = next(
            (at for at in range(place + 1, len(rows)) if rows[at].depth <= row.depth),
            len(rows),
        )
        assert index.ends[place] == below
        above = [at for at in range(place) if rows[at].depth < row.depth]
        nearest = max(
            (at for at in above if rows[at].depth == row.depth - 1), default=-1
        )
        assert index.parents[place] == nearest
        assert index.is_branch(place) == (below > place + 1)


@given(trees())
def test_a_subtree_holds_what_stands_below_any_node_of_that_name(
    rows: list[NodeRow],
) -> None:
    index = NodeIndex(rows)
    for name in {row.name for row in rows}:
        expected = {
            rows[at].name
            for place in index.places(name)
            for at in range(place, index.ends[place])
        }
        found = index.subtree(name)
        assert {row.name for row in rows if row.name in found} == expected
        assert subtree(rows, name) <= expected
    assert NodeName("gone") not in index.subtree(NodeName("gone"))


@given(trees())
def test_siblings_are_next_to_each_other_below_the_same_node(
    rows: list[NodeRow],
) -> None:
    index = NodeIndex(rows)
    for place in range(len(rows)):
        after = index.sibling(place, 1)
        if after is not None:
            assert index.parents[after] == index.parents[place]
            assert index.sibling(after, -1) == place
        before = index.sibling(place, -1)
        assert before is None or index.sibling(before, 1) == place


def test_the_same_structure_keeps_its_index_whatever_the_rows_show() -> None:
    keeper = IndexKeeper()
    index = keeper.of(snapshot(nodes=TREE, structure=7))
    busy = tuple(row._replace(running=1) for row in TREE)
    assert keeper.of(snapshot(nodes=busy, structure=7)) is index
    assert keeper.of(snapshot(nodes=TREE[:5], structure=8)) is not index


def test_without_a_number_the_names_decide() -> None:
    keeper = IndexKeeper()
    index = keeper.of(snapshot(nodes=TREE))
    busy = tuple(row._replace(running=1) for row in TREE)
    assert keeper.of(snapshot(nodes=busy)) is index
    other = (*TREE[:5], node("b2", 2))
    assert keeper.of(snapshot(nodes=other)).place(NodeName("b2")) == 5


def test_equal_subtrees_are_those_of_the_same_tree() -> None:
    index = NodeIndex(TREE)
    a = index.subtree(NodeName("a"))
    assert a == index.subtree(NodeName("a"))
    assert hash(a) == hash(index.subtree(NodeName("a")))
    assert a != index.subtree(NodeName("b"))
    assert a != NodeIndex(TREE).subtree(NodeName("a"))
    assert (len(a), sorted(a)) == (3, ["a", "a1", "a2"])


def test_picked_rows_are_those_of_the_newest_snapshot() -> None:
    rows = Picked(TREE, [0, 4])
    assert [row.name for row in rows] == ["root", "b"]
    assert [row.name for row in rows[1:]] == ["b"]
    assert (rows.position(4), rows.position(1)) == (1, None)
