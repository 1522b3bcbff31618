"""The states of a job's tasks in tree order."""

import random
from collections.abc import Generator

from hypothesis import given, settings
from hypothesis import strategies as st

from bistro_tui.engine.ids import JobName, LevelName, NodeName
from bistro_tui.engine.job_grids import JobGrids, TreeOrder
from bistro_tui.engine.node_rows import NodeRows
from bistro_tui.engine.nodes.tree import Node, NodeTree
from bistro_tui.engine.scheduling.events import StartsPaused
from bistro_tui.engine.scheduling.reasons import Reason
from bistro_tui.engine.scheduling.state import State
from bistro_tui.engine.statuses.bits import Bits
from tests.engine.scheduling.builders import (
    World,
    limits,
    make_config,
    make_job,
    make_tree,
)
from tests.engine.scheduling.random_worlds import REPORTS, random_config, random_tree
from tests.engine.test_claims import whole

REASONS = tuple(Reason)


def grid(
    world: World, job: str, grids: JobGrids | None = None
) -> dict[NodeName, Reason]:
    found = whole((grids or JobGrids()).grid(world.core.state, JobName(job)))
    assert found is not None
    grid, order = found
    assert order.nodes == grid.nodes
    places = [REASONS[place] for place in grid.reasons]
    return dict(zip(grid.nodes, places, strict=True))


def test_a_grid_tells_of_every_node_of_the_level() -> None:
    config = make_config(
        make_job("etl"), make_job("off", enabled=False), resources=limits(db={"x": 1})
    )
    world = World(config, make_tree({"h1": ["a"], "h2": ["b"]}, ["h2"]))
    assert grid(world, "etl") == {"a": Reason.RUNNING, "b": Reason.NODE_DISABLED}
    assert set(grid(world, "off").values()) == {Reason.JOB_DISABLED}
    assert whole(JobGrids().grid(world.core.state, JobName("nobody"))) is None


def test_nodes_come_in_tree_order_wherever_their_source_put_them() -> None:
    host, db = LevelName("host"), LevelName("db")
    nodes = [Node(NodeName("top"), LevelName("instance"), -1)]
    nodes += [Node(NodeName(name), host, 0) for name in ("h1", "h2")]
    nodes += [Node(NodeName(n), db, p) for n, p in (("a", 2), ("b", 1), ("c", 2))]
    world = World(make_config(make_job("etl")), NodeTree(nodes))
    world.end("etl@b")
    found = grid(world, "etl")
    assert list(found.items()) == [
        ("b", Reason.DONE),
        ("a", Reason.RUNNING),
        ("c", Reason.RUNNING),
    ]


def test_an_order_is_found_once_for_each_tree() -> None:
    world, grids = World(make_config(make_job("etl"))), JobGrids()

    def order() -> TreeOrder:
        return whole(grids.order(world.core.state, LevelName("db")))

    first = order()
    assert order() is first
    again = World(make_config(make_job("etl"))).core.state
    assert whole(JobGrids().order(again, LevelName("db"))).digest == first.digest
    other = World(make_config(make_job("etl")), make_tree({"h1": ["a", "c"]}))
    assert whole(grids.order(other.core.state, LevelName("db"))).digest != first.digest


def test_while_starts_are_paused_all_that_could_start_is() -> None:
    world = World(make_config(make_job("etl"), resources=limits(instance={"n": 1})))
    assert grid(world, "etl") == {"a": Reason.RESOURCE, "b": Reason.RUNNING}
    world.feed(StartsPaused("test", "a test"))
    assert grid(world, "etl") == {"a": Reason.PAUSED, "b": Reason.RUNNING}


def test_others_have_their_turn_between_pieces() -> None:
    tree = make_tree({"h1": [f"d{number}" for number in range(300)]})
    config = make_config(make_job("etl"), resources=limits(worker={"ram": 1}))
    world = World(config, tree)
    assert turns(JobGrids().grid(world.core.state, JobName("etl"))) > 3


def turns(work: Generator[None, None, object]) -> int:
    return sum(1 for _ in work)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_a_grid_has_the_reasons_that_tasks_have_and_rows_the_same_order(
    seed: int,
) -> None:
    rng = random.Random(seed)
    world = World(random_config(rng), random_tree(rng), seed=seed)
    for _ in range(rng.randint(0, 4)):
        if world.running:
            task = rng.choice(sorted(map(str, world.running)))
            world.end(task, Bits(rng.choice(REPORTS)), store=rng.random() < 0.8)
    core, grids = world.core, JobGrids()
    rows = NodeRows(core).current(core.running())
    for job, tasks in core.state.jobs.items():
        found = grid(world, job, grids)
        reasons = {task.node: reason for task, reason in core.tasks_of(job)}
        assert found == {node: reasons[node] for node in found}
        level = tasks.job.level_for_tasks
        first_rows = dict.fromkeys(row.name for row in rows if row.level == level)
        if not _has_replicas(core.state, level):
            assert list(found) == list(first_rows)


def _has_replicas(state: State, level: LevelName) -> bool:
    return bool(state.places.slots(level).replicas)
