"""What runs, followed by what comes and goes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bistro_tui.engine import living
from bistro_tui.engine.ids import JobName
from bistro_tui.engine.living import Living
from bistro_tui.engine.node_rows import NodeRows
from bistro_tui.engine.scheduling import attempts
from bistro_tui.engine.scheduling.events import NodesLoaded, TaskNotStarted
from bistro_tui.engine.statuses.bits import Bits
from tests.engine.scheduling.builders import (
    World,
    limits,
    make_config,
    make_job,
    make_tree,
)

TREES = (
    make_tree({"h1": ["a", "b"], "h2": ["c"]}),
    make_tree({"h1": ["a"], "h2": ["c", "b"]}),
    make_tree({"h2": ["c", "d"]}),
)
CONFIG = make_config(make_job("j"), make_job("k"), resources=limits(host={"slots": 1}))
AGAIN = Bits.INCOMPLETE


def check(world: World, followed: Living, rows: NodeRows) -> None:
    followed.follow()
    running = [one for one in world.core.running() if not one.ended]
    assert list(followed.running.values()) == running
    assert set(followed) == {*world.core.recovering(), *running}
    assert len(followed) == len(list(followed))
    numbers = {one: number for one, number in followed.numbers().items() if number}
    assert sum(numbers.values()) == len(running)
    for job, number in numbers.items():
        assert followed.number_of(job) == number
        assert {one.task.job for one in followed.some_of(job, 100)} == {job}
    shown = rows.current(followed, followed.take_touched())
    assert shown == NodeRows(world.core).current(running)


happenings = st.lists(
    st.tuples(
        st.sampled_from(["tree", "end", "again", "undo", "store", "look", "ahead"]),
        st.integers(0, 5),
    ),
    max_size=12,
)


@given(happenings)
def test_what_is_followed_is_what_a_look_at_all_finds(
    happens: list[tuple[str, int]],
) -> None:
    world = World(CONFIG, TREES[0])
    followed, rows = Living(world.core), NodeRows(world.core)
    for what, which in happens:
        names = world.running_names
        if what == "tree":
            world.feed(NodesLoaded(TREES[which % len(TREES)]))
        elif what == "store":
            world.store()
        elif what == "look":
            check(world, followed, rows)
        elif what == "ahead":
            followed.follow()
            rows.look_ahead(followed, followed.take_touched())
        elif what == "undo" and names:
            one = next(iter(world.running.values()))
            del world.running[one.task]
            world.feed(TaskNotStarted(one.task, one.invocation, "EAGAIN"))
        elif names:
            bits = AGAIN if what == "again" else Bits.DONE
            world.end(names[which % len(names)], bits, store=which > 2)
    check(world, followed, rows)


def test_who_does_not_look_for_long_looks_at_all_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(attempts, "MOST_NEWS", 3)
    monkeypatch.setattr(living, "MOST_TOUCHED", 2)
    world = World(CONFIG, TREES[0])
    followed, rows = Living(world.core), NodeRows(world.core)
    assert followed.follow() is None
    assert followed.follow() == []
    for _ in range(2):
        world.end(world.running_names[0])
    assert followed.follow() is None
    check(world, followed, rows)
    world.end(world.running_names[0], store=False)
    assert len(followed.follow() or ()) in {1, 2}
    check(world, followed, rows)


def test_of_many_attempts_the_oldest_and_the_newest_are_looked_at() -> None:
    world = World(
        make_config(make_job("j")), make_tree({"h": [f"n{i}" for i in range(9)]})
    )
    followed = Living(world.core)
    followed.follow()
    every = list(followed.running.values())
    assert len(every) == 9
    assert followed.some_of(JobName("j"), 4) == [*every[:2], *every[:-3:-1]]
