"""Folding the tree by splicing shows what looking at every node would show."""

from hypothesis import given
from hypothesis import strategies as st

from bistro_tui.engine.view import NodeRow
from bistro_tui.present.folding import FIRST_ROWS, Folding
from bistro_tui.present.node_index import NodeIndex
from tests.present.test_node_index import TREE, trees
from tests.ui.scripted import node


def looked_through(folding: Folding) -> list[int]:
    """Return the places in sight, found the slow way."""
    index = folding.index
    return [
        place
        for place in range(len(index))
        if not any(folding.is_folded(above) for above in index.above(place))
    ]


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["fold", "unfold", "reveal", "level", "open", "all", "none"]),
        st.integers(0, 24),
    ),
    max_size=12,
)


@given(trees(), STEPS)
def test_what_is_in_sight_is_outside_of_folded_branches(
    rows: list[NodeRow], steps: list[tuple[str, int]]
) -> None:
    folding = Folding(NodeIndex(rows))
    for what, at in steps:
        place = min(at, len(rows) - 1)
        match what:
            case _ if not rows:
                pass
            case "fold":
                folding.fold(place)
            case "unfold":
                folding.unfold(place)
            case "reveal":
                folding.reveal(place)
                assert place in folding.shown
            case "level" | "open":
                folding.set_level(rows[place].depth, is_folded=what == "level")
            case "all":
                folding.fold_all()
            case _:
                folding.unfold_all()
        assert list(folding.shown) == looked_through(folding)
        for hidden in range(len(rows)):
            nearest = folding.shown[folding.position(hidden)]
            assert hidden in range(nearest, folding.index.ends[nearest])


@given(trees(), trees(), st.sets(st.integers(0, 24)))
def test_new_nodes_leave_known_branches_as_they_are(
    before: list[NodeRow], after: list[NodeRow], folded: set[int]
) -> None:
    old = Folding(NodeIndex(before))
    for place in folded:
        if place < len(before):
            old.fold(place)
    new = old.renewed(NodeIndex(after))
    assert list(new.shown) == looked_through(new)
    for place, row in enumerate(after):
        known = old.index.place(row.name)
        if known is None or not old.index.is_branch(known):
            continue
        if new.index.is_branch(place):
            assert new.is_folded(place) == old.is_folded(known)


def test_a_little_tree_is_open_and_a_big_one_shows_whole_levels() -> None:
    assert list(Folding(NodeIndex(TREE)).shown) == [0, 1, 2, 3, 4, 5]
    rows = [node("root")]
    for rack in range(50):
        rows.append(node(f"r{rack}", 1))
        rows += [node(f"r{rack}-h{host}", 2) for host in range(10)]
    shown = Folding(NodeIndex(rows)).shown
    assert len(shown) == 51 <= FIRST_ROWS
    flat = [node("root"), *(node(f"n{number}", 1) for number in range(1_000))]
    assert len(Folding(NodeIndex(flat)).shown) == 1_001
