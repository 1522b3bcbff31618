"""The candidate tree and the queue in it, against the plainest ones possible."""

from hypothesis import given
from hypothesis import strategies as st

from bistro_tui.engine.scheduling.candidates import TOP, Candidates
from bistro_tui.engine.scheduling.min_queue import MinQueue

PARENTS = (-1, 0, 0, 1, 1, 2, 2, 2)
LEAVES = (3, 4, 5, 6, 7)


@given(st.lists(st.tuples(st.integers(0, 5), st.none() | st.integers(0, 9))))
def test_the_queue_is_a_dictionary_with_a_smallest_key(
    changes: list[tuple[int, int | None]],
) -> None:
    queue: MinQueue[int] = MinQueue()
    plain: dict[int, int] = {}
    for item, key in changes:
        if key is None:
            queue.discard(item)
            plain.pop(item, None)
        else:
            queue.put(item, key)
            plain[item] = key
        assert len(queue) == len(plain)
        assert all(queue.key(i) == plain.get(i) for i in range(6))
        assert queue.top() == min(((k, i) for i, k in plain.items()), default=None)
    expected = sorted((k, i) for i, k in plain.items() if k <= 5)
    assert queue.pop_until(5) == [item for _, item in expected]


def test_a_queue_whose_items_move_for_ever_does_not_grow_for_ever() -> None:
    queue: MinQueue[str] = MinQueue()
    queue.put("first", 0)
    for key in range(10_000):
        queue.put("moves", key + 1)
    assert len(queue._heap) < 100


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("add"), st.sampled_from(LEAVES), st.integers(0, 99)),
            st.tuples(st.just("discard"), st.sampled_from(LEAVES), st.just(0)),
            st.tuples(st.just("park"), st.integers(TOP, 7), st.just(0)),
            st.tuples(st.just("unpark"), st.integers(TOP, 7), st.just(0)),
        ),
        max_size=40,
    )
)
def test_the_best_candidate_has_the_highest_rank_of_those_not_below_a_parked_node(
    changes: list[tuple[str, int, int]],
) -> None:
    candidates = Candidates(PARENTS)
    ranks: dict[int, int] = {}
    parked: set[int] = set()
    for what, node, rank in changes:
        match what:
            case "add":
                candidates.add(node, rank)
                ranks[node] = rank
            case "discard":
                candidates.discard(node)
                ranks.pop(node, None)
            case "park":
                candidates.park(node)
                parked.add(node)
            case _:
                candidates.unpark(node)
                parked.discard(node)
        shown = [
            (rank, -leaf)
            for leaf, rank in ranks.items()
            if TOP not in parked and not parked & {leaf, PARENTS[leaf], 0}
        ]
        expected = -max(shown)[1] if shown else None
        assert candidates.best() == expected
        assert len(candidates) == len(ranks)
