"""The rows of the node tree."""

import random
from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from bistro_tui.engine.ids import LevelName, NodeName
from bistro_tui.engine.moment import Now
from bistro_tui.engine.node_rows import NodeRows
from bistro_tui.engine.nodes.tree import Node, NodeTree
from bistro_tui.engine.scheduling.actions import StartTask
from bistro_tui.engine.scheduling.core import Core
from bistro_tui.engine.scheduling.events import (
    ConfigLoaded,
    NodesLoaded,
    StatusesLoaded,
)
from tests.engine.scheduling.builders import limits, make_config, make_job

NOW = Now(wall=1000.0, mono=5.0)


@st.composite
def trees(draw: st.DrawFn) -> NodeTree:
    """Trees in fetch order: level by level, children of one parent anywhere in it."""
    nodes = [Node(name=NodeName("root"), level=LevelName("instance"), parent=-1)]
    above = [0]
    for depth in range(1, draw(st.integers(1, 4))):
        parents = draw(st.lists(st.sampled_from(above), max_size=8))
        above = list(range(len(nodes), len(nodes) + len(parents))) or above
        nodes.extend(
            Node(
                name=NodeName(f"n{len(nodes) + number}"),
                level=LevelName(f"level{depth}"),
                parent=parent,
                enabled=draw(st.booleans()),
            )
            for number, parent in enumerate(parents)
        )
    return NodeTree(nodes)


def as_read(tree: NodeTree, index: int = 0) -> Iterator[tuple[str, int, bool]]:
    """Return name, depth and whether it is enabled, each node before its subtree."""
    path = tree.path(index)
    enabled = all(tree.nodes[each].enabled for each in path)
    yield tree.nodes[index].name, len(path) - 1, enabled
    for child, node in enumerate(tree.nodes):
        if node.parent == index:
            yield from as_read(tree, child)


@given(trees())
def test_each_node_is_followed_by_its_whole_subtree(tree: NodeTree) -> None:
    core = Core(random.Random(1))
    core.handle([NodesLoaded(tree)], NOW)

    rows = NodeRows(core).current([])

    assert [(row.name, row.depth, row.enabled) for row in rows] == list(as_read(tree))


def replicas() -> tuple[Core, list[StartTask]]:
    """Return a core that runs a task on a node that two hosts have."""
    names = [("root", "instance", -1), ("h1", "host", 0), ("h2", "host", 0)]
    names += [("d", "db", 1), ("d", "db", 2), ("e", "db", 2)]
    tree = NodeTree(
        [Node(name=NodeName(n), level=LevelName(v), parent=p) for n, v, p in names]
    )
    core = Core(random.Random(1))
    config = make_config(make_job("a"), resources=limits(db={"slots": 1}))
    actions = core.handle(
        [StatusesLoaded({}), NodesLoaded(tree), ConfigLoaded(config)], NOW
    )
    return core, [one for one in actions if isinstance(one, StartTask)]


def test_replicas_show_the_same_use_of_what_they_share() -> None:
    core, starts = replicas()
    rows = NodeRows(core)

    shown = rows.current(core.running())

    assert sorted(start.task.node for start in starts) == ["d", "e"]
    used = [(row.name, row.usage[0].used) for row in shown if row.level == "db"]
    assert used == [("d", 1), ("d", 1), ("e", 1)]
    idle = rows.current([])
    assert [row.running for row in idle] == [0] * 6


def test_rows_stay_the_same_object_while_nothing_changes() -> None:
    core, _ = replicas()
    rows = NodeRows(core)
    assert rows.current(core.running()) is rows.current(core.running())
