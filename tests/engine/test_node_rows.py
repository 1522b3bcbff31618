"""The rows of the node tree."""

import random
from collections.abc import Iterator, Mapping
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from bistro_tui.engine.config.model import Config
from bistro_tui.engine.ids import LevelName, NodeName, ResourceName
from bistro_tui.engine.moment import Now
from bistro_tui.engine.node_rows import SHARED, NodeRows, shared_usage
from bistro_tui.engine.nodes.tree import Node, NodeTree
from bistro_tui.engine.scheduling.actions import StartTask
from bistro_tui.engine.scheduling.core import Core
from bistro_tui.engine.scheduling.events import (
    ConfigLoaded,
    NodesLoaded,
    StatusesLoaded,
)
from bistro_tui.engine.view import NodeRow
from tests.engine.scheduling.builders import (
    World,
    limits,
    make_config,
    make_job,
    make_tree,
)

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


class Screen:
    """The rows of a world as they are published."""

    def __init__(self, world: World) -> None:
        self._core = world.core
        self._rows = NodeRows(world.core)

    def rows(self) -> tuple[NodeRow, ...]:
        return self._rows.current(
            [one for one in self._core.running() if not one.ended]
        )

    def __getitem__(self, name: str) -> tuple[list[tuple[str, int, int]], int]:
        """Return usage and number of tasks of the first node of that name."""
        row = next(row for row in self.rows() if row.name == name)
        return [(name, used, limit) for name, used, limit in row.usage], row.running


def a_world(hosts: Mapping[str, list[str]], **of: Mapping[str, int]) -> World:
    return World(
        make_config(make_job("j"), resources=limits(**of)), make_tree(dict(hosts))
    )


def test_a_task_whose_node_is_gone_is_shown_where_it_still_takes_room() -> None:
    world = a_world({"h1": ["a"], "h2": ["b"]}, host={"slots": 1})
    screen = Screen(world)
    assert screen["h1"] == ([("slots", 1, 1)], 1)

    world.feed(NodesLoaded(make_tree({"h1": ["c"], "h2": ["b"]})))

    assert screen["h1"] == ([("slots", 1, 1)], 1)
    assert screen["c"] == ([], 0)
    assert screen["top"] == ([], 2)
    world.end("j@a", store=False)
    assert screen["h1"] == ([("slots", 1, 1)], 1)
    assert screen["c"] == ([], 1)


def test_a_task_whose_node_moved_is_shown_on_the_host_that_it_started_on() -> None:
    world = a_world({"h1": ["a"], "h2": ["b"]}, host={"slots": 1})
    screen = Screen(world)
    screen.rows()

    world.feed(NodesLoaded(make_tree({"h1": ["a"], "h2": [], "h3": ["b"]})))

    assert screen["h2"] == ([("slots", 1, 1)], 1)
    assert screen["h3"] == ([("slots", 0, 1)], 0)
    assert screen["b"] == ([], 1)
    world.end("j@b")
    assert screen["h2"] == ([("slots", 0, 1)], 0)
    assert screen["h3"] == ([("slots", 0, 1)], 0)


def test_a_task_of_whose_path_only_the_instance_is_left_is_shown_there() -> None:
    world = a_world({"h1": ["a"]}, instance={"total": 2}, host={"slots": 1})
    screen = Screen(world)

    world.feed(NodesLoaded(make_tree({"h2": []})))

    assert screen["top"] == ([("total", 1, 2)], 1)
    assert screen["h2"] == ([("slots", 0, 1)], 0)


def resettled(config: Config, **of: Mapping[str, int]) -> Config:
    return replace(config, settings=replace(config.settings, resources=limits(**of)))


def test_an_edit_that_concerns_no_resource_leaves_the_rows_alone() -> None:
    world = a_world({"h1": ["a", "b"]}, host={"slots": 1})
    screen = Screen(world)
    before = screen.rows()
    config = world.core.config
    assert config is not None

    world.reload(replace(config, settings=replace(config.settings, idle_wait=7.0)))

    assert screen.rows() is before


def test_another_limit_is_shown_on_idle_nodes_and_on_others() -> None:
    world = a_world({"h1": ["a"], "h2": []}, host={"slots": 1}, db={"io": 1})
    screen = Screen(world)
    before = screen.rows()
    config = world.core.config
    assert config is not None

    world.reload(resettled(config, host={"slots": 5}, db={"io": 1}))

    assert screen["h1"] == ([("slots", 1, 5)], 1)
    assert screen["h2"] == ([("slots", 0, 5)], 0)
    kept = [
        row.level
        for row, known in zip(screen.rows(), before, strict=True)
        if row is known
    ]
    assert kept == ["instance", "db"]


def test_resources_that_come_and_go_are_shown_and_gone() -> None:
    world = a_world({"h1": ["a"], "h2": []}, host={"slots": 1})
    screen = Screen(world)
    screen.rows()
    config = world.core.config
    assert config is not None

    world.reload(resettled(config, instance={"total": 9}))
    assert (screen["top"], screen["h1"]) == (([("total", 0, 9)], 1), ([], 1))

    world.reload(config)
    assert (screen["top"], screen["h1"]) == (([], 1), ([("slots", 1, 1)], 1))


TREES = (
    make_tree({"h1": ["a", "b"], "h2": ["c"]}),
    make_tree({"h1": ["a"], "h2": ["c", "b"]}),
    make_tree({"h2": ["c", "d"], "h3": ["a", "b"]}),
    make_tree({"h1": ["a", "b"], "h2": ["b", "c"]}),
)
LIMITS = (
    {"host": {"slots": 1}},
    {"host": {"slots": 2}},
    {"host": {"slots": 2, "ram": 4}, "db": {"io": 1}},
    {"instance": {"total": 2}, "db": {"io": 2}},
)


@given(
    st.lists(
        st.tuples(st.sampled_from(["tree", "limits", "end"]), st.integers(0, 3)),
        max_size=8,
    )
)
def test_rows_show_what_the_core_says_whatever_happened(
    happens: list[tuple[str, int]],
) -> None:
    config = make_config(make_job("j"), make_job("k"), resources=limits(**LIMITS[0]))
    world = World(config, TREES[0])
    screen = Screen(world)
    for what, which in happens:
        if what == "tree":
            world.feed(NodesLoaded(TREES[which]))
        elif what == "limits":
            world.reload(resettled(config, **LIMITS[which]))
        elif world.running:
            names = world.running_names
            world.end(names[which % len(names)])
        shown, tree = screen.rows(), world.core.tree
        assert shown == Screen(world).rows()
        assert sorted((row.level, row.name, row.usage) for row in shown) == sorted(
            (node.level, node.name, world.core.usage(index))
            for index, node in enumerate(tree)
        )
        assert shown[0].running == len(world.running)


def test_nodes_with_the_same_use_share_it_and_few_different_ones_are_kept() -> None:
    world = a_world({"h1": ["a"], "h2": ["b"], "h3": [], "h4": []}, host={"slots": 1})
    rows = {str(row.name): row for row in Screen(world).rows()}

    assert rows["h1"].usage is rows["h2"].usage
    assert rows["h3"].usage is rows["h4"].usage

    for used in range(2 * SHARED):
        shared_usage(((ResourceName("slots"), used, 1),))
    assert shared_usage.cache_info().currsize <= SHARED


def structure_of(tree: NodeTree) -> int:
    core = Core(random.Random(1))
    core.handle([NodesLoaded(tree)], NOW)
    rows = NodeRows(core)
    rows.current([])
    return rows.structure


def test_the_same_nodes_in_the_same_order_have_one_structure_in_every_process() -> None:
    found = [structure_of(tree) for tree in TREES]
    assert len(set(found)) == len(found)
    assert found[0] == structure_of(make_tree({"h1": ["a", "b"], "h2": ["c"]}))
    assert all(0 < one < 2**53 for one in found)
    one = [Node(name=NodeName("a"), level=LevelName("instance"), parent=-1)]
    assert structure_of(NodeTree(one)) == structure_of(
        NodeTree([one[0]._replace(enabled=False)])
    )
