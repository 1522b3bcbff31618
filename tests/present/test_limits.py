"""The limit tree: counts, order, filter."""

from bistro_tui.engine.view import NodeRow, Usage
from bistro_tui.present.filters import Filter
from bistro_tui.present.limit_cells import limit_text, limit_thing, node_counts
from bistro_tui.present.limit_rows import MOST_IDLE, limit_rows
from bistro_tui.present.limits import (
    Limit,
    LimitRow,
    More,
    NodeUse,
    levels_of,
    limit_key,
    uses_of_workers,
)
from bistro_tui.present.node_index import NodeIndex
from bistro_tui.present.spans import plain_text
from tests.ui.scripted import node, snapshot, worker

NODES: tuple[NodeRow, ...] = (
    node("farm", 0, ("slots", 3, 9)),
    node("a", 1, ("io", 1, 5)),
    node("a1", 2, ("cpu", 0, 2), ("mem", 1, 4)),
    node("a2", 2, ("cpu", 2, 2), ("mem", 0, 4)),
    node("b", 1, ("io", 5, 5)),
    node("b1", 2, ("cpu", 1, 2), ("mem", 0, 4)),
    node("b2", 2, ("cpu", 3, 2), ("mem", 0, 8)),
)
INDEX = NodeIndex(NODES)


def names(rows: list[LimitRow]) -> list[str]:
    return [limit_text(row).split(" ")[-1] for row in rows]


def shown(text: str = "", *, is_open: bool = True) -> list[str]:
    return names(
        limit_rows(
            levels_of(INDEX, NODES),
            INDEX,
            NODES,
            is_open=lambda limit: is_open,
            wanted=Filter.parse(text) or None,
        )
    )


def test_levels_stand_as_in_the_tree_and_what_is_full_first() -> None:
    assert shown() == [
        "instance", "farm",
        "rack", "io", "b", "a",
        "host", "cpu", "b2", "a2", "b1", "a1", "mem", "a1", "a2", "b1", "b2",
    ]  # fmt: skip


def test_nodes_are_counted_by_how_full_they_are() -> None:
    host = levels_of(INDEX, NODES)[2]
    assert (host.full, host.busy, host.idle) == (2, 2, 0)
    cpu, mem = host.limits
    assert (cpu.full, cpu.busy, cpu.idle, cpu.used, cpu.total) == (2, 1, 1, 6, 8)
    assert (cpu.each, mem.each) == ((2, 2), (4, 8))
    assert plain_text(node_counts(cpu, " · ")) == "2 full · 1 in use · 1 idle"


def test_a_folded_resource_is_one_row() -> None:
    assert shown(is_open=False) == [
        "instance", "farm", "rack", "io", "host", "cpu", "mem",
    ]  # fmt: skip


def test_a_filter_finds_nodes_in_folded_resources() -> None:
    assert shown("b1", is_open=False) == ["host", "cpu", "b1", "mem", "b1"]
    assert shown("rack !b") == ["rack", "io", "a"]
    assert shown("status:full") == ["rack", "io", "b", "host", "cpu", "b2", "a2"]
    assert shown("use>=50 level:host") == ["host", "cpu", "b2", "a2", "b1"]
    assert shown("node:/a[12]/ ~cp") == ["host", "cpu", "a2", "a1"]
    assert shown("nowhere") == []


def test_names_in_order_stay_below_their_resource() -> None:
    levels = levels_of(INDEX, NODES)
    rows = limit_rows(levels, INDEX, NODES, is_open=lambda _: True, by_name=True)
    assert names(rows)[-10:] == [
        "mem", "b2", "b1", "a2", "a1", "cpu", "b2", "b1", "a2", "a1",
    ]  # fmt: skip


def test_of_many_idle_nodes_the_rest_is_a_number() -> None:
    nodes = [node("r"), *(node(f"n{n}", 1, ("cpu", 0, 1)) for n in range(2_000))]
    nodes[1_500] = node("busy", 1, ("cpu", 1, 1))
    index = NodeIndex(nodes)
    levels = levels_of(index, nodes)
    rows = limit_rows(levels, index, nodes, is_open=lambda _: True)
    assert names(rows)[:3] == ["rack", "cpu", "busy"]
    last = rows[-1]
    assert isinstance(last, More)
    assert last.nodes == 1_999 - MOST_IDLE
    found = limit_rows(
        levels, index, nodes, is_open=lambda _: False, wanted=Filter.parse("n1999")
    )
    assert names(found) == ["rack", "cpu", "n1999"]


def test_the_worker_is_a_level_of_its_own() -> None:
    uses = uses_of_workers(snapshot(worker_usage=(Usage("mem_mb", 4, 4),)))
    levels = levels_of(INDEX, NODES, uses)
    assert (levels[-1].name, levels[-1].full) == ("worker", 1)
    rows = limit_rows(levels, INDEX, NODES, is_open=lambda _: True)
    last = rows[-1]
    assert limit_key(last) == ("use", "worker", "mem_mb", "local")
    assert str(limit_thing(last, lambda _: None)) == "mem_mb on local"
    wanted = Filter.parse("mem_mb status:full")
    kept = limit_rows(levels, INDEX, NODES, is_open=lambda _: True, wanted=wanted)
    assert names(kept) == ["worker", "local"]


def test_workers_elsewhere_are_the_nodes_of_their_level() -> None:
    pool = snapshot(
        workers=(
            worker("w1", "HEALTHY", ("mem", 1, 4), ("gpu", 0, 2)),
            worker("w2", "NEW", ("mem", 9, 8), ("gpu", 0, 0)),
            worker("w3", "HEALTHY", ("mem", 0, 8)),
        )
    )
    level = levels_of(INDEX, NODES, uses_of_workers(pool))[-1]
    assert (level.name, level.full, level.busy, level.idle) == ("worker", 1, 1, 1)
    mem, gpu = level.limits
    assert (mem.resource, mem.used, mem.total, mem.each) == ("mem", 10, 20, (4, 8))
    assert (mem.full, mem.busy, mem.idle) == (1, 1, 1)
    assert [use.node for use in mem.of_workers] == ["w2", "w1", "w3"]
    assert (gpu.idle, gpu.nodes) == (2, 2)
    shut = limit_rows([level], INDEX, NODES, is_open=lambda _: False)
    assert names(shut) == ["worker", "mem", "gpu"]
    wanted = Filter.parse("worker:w1")
    found = limit_rows([level], INDEX, NODES, is_open=lambda _: False, wanted=wanted)
    assert names(found) == ["worker", "mem", "w1", "gpu", "w1"]
    thing = limit_thing(mem, lambda limit: limit.of_workers[0].node)
    assert str(thing) == "mem on w2"


def test_a_resource_of_many_nodes_stands_for_its_fullest_one() -> None:
    cpu = levels_of(INDEX, NODES)[2].limits[0]
    assert isinstance(cpu, Limit)
    thing = limit_thing(cpu, lambda limit: NODES[limit.in_use[0]].name)
    assert str(thing) == "cpu on b2"
    assert limit_thing(cpu, lambda limit: None) is None


def test_no_resources_are_no_levels() -> None:
    nodes = [node("r"), node("a", 1)]
    assert levels_of(NodeIndex(nodes), nodes) == ()
    assert levels_of(NodeIndex(()), ()) == ()


def test_a_node_use_knows_its_resource() -> None:
    use = NodeUse(level=NODES[1].level, node=NODES[1].name, usage=NODES[1].usage[0])
    assert use.resource == "io"
