"""What tasks take and from where is the same, whichever task was asked of before."""

import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from bistro_tui.engine.ids import (
    INSTANCE_LEVEL,
    WORKER_LEVEL,
    LevelName,
    NodeName,
    ResourceName,
)
from bistro_tui.engine.nodes.tree import Node, NodeTree
from bistro_tui.engine.runners.remote_orders import Orders
from bistro_tui.engine.scheduling.actions import StartTask
from tests.engine.processes.builders import a_start

LEVELS = (INSTANCE_LEVEL, LevelName("host"), LevelName("db"))
NAMES = st.sampled_from([NodeName(name) for name in ("a", "b", 'c"', "w1")])
AMOUNTS = st.dictionaries(
    st.sampled_from([ResourceName("cpu"), ResourceName("ram")]),
    st.integers(0, 3),
    max_size=2,
)


@st.composite
def trees(draw: st.DrawFn) -> NodeTree:
    """Two levels below the instance; names may repeat, also that of a worker."""
    nodes = [Node(name=draw(NAMES), level=LEVELS[0], parent=-1)]
    for depth in (1, 2):
        above = [i for i, node in enumerate(nodes) if node.level == LEVELS[depth - 1]]
        parents = draw(st.lists(st.sampled_from(above), min_size=1, max_size=4))
        nodes += [
            Node(name=draw(NAMES), level=LEVELS[depth], parent=p) for p in parents
        ]
    return NodeTree(nodes)


@st.composite
def starts(draw: st.DrawFn) -> list[StartTask]:
    """Some tasks of a job, on two trees and with two kinds of needs."""
    forest = draw(st.lists(trees(), min_size=1, max_size=2))
    levels = st.sampled_from([*LEVELS, WORKER_LEVEL])
    needs = draw(
        st.lists(st.dictionaries(levels, AMOUNTS, max_size=4), min_size=1, max_size=2)
    )
    job = a_start("run").job
    found = []
    for _ in range(draw(st.integers(1, 8))):
        tree = draw(st.sampled_from(forest))
        leaf = draw(st.integers(0, len(tree.names) - 1))
        start = a_start("run", node=tree.names[leaf])
        found.append(
            start._replace(
                job=job,
                tree=tree,
                leaf=leaf,
                needs=draw(st.sampled_from(needs)),
                worker=draw(st.sampled_from([NodeName("w1"), NodeName("w2")])),
            )
        )
    return found


@given(starts())
def test_each_task_takes_what_it_would_take_alone(asked: list[StartTask]) -> None:
    orders = Orders(config_dir=Path("/etc"), suicide_kill_wait_ms=0)
    for start in asked:
        running = orders.running_task(start, now_wall=0.0)
        told = json.loads(orders.order(start, host="h").config)
        path = [start.tree.node(index) for index in start.tree.path(start.leaf)]

        assert running.path == tuple(
            (node.level, node.name) for node in path if node.level in start.needs
        )
        assert told["path_to_node"] == [node.name for node in path]
        assert told["resources_by_node"] == start.resources_by_node
