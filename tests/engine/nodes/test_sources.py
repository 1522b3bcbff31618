from pathlib import Path

import pytest

from bistro_tui.engine.config.model import Json
from tests.engine.nodes.builders import loader, outline, settings


async def grown(
    *sources: tuple[str, Json], levels: tuple[str, ...] = ("a", "b")
) -> list[str]:
    result = await loader(Path("/")).load(settings(*sources, levels=levels))
    assert result.errors == ()
    return outline(result.tree)


async def test_manual_roots_come_in_file_order_each_before_its_subtree() -> None:
    prefs = {"y": ["y2", "y1"], "x": {"children": ["x1"]}, "z": []}
    assert await grown(("manual", prefs)) == [
        "root",
        "root/y",
        "root/y/y2",
        "root/y/y1",
        "root/x",
        "root/x/x1",
        "root/z",
    ]


async def test_a_manual_tree_goes_depth_first() -> None:
    prefs = {"p": ["q", "r"], "q": "q1", "r": "r1"}
    found = await grown(("manual", prefs), levels=("a", "b", "c"))
    assert found == [
        "root",
        "root/p",
        "root/p/q",
        "root/p/q/q1",
        "root/p/r",
        "root/p/r/r1",
    ]


async def test_a_child_of_two_parents_is_a_replica_with_its_own_subtree() -> None:
    prefs = {"p": ["s"], "q": ["s", "s"], "s": ["t"]}
    found = await grown(("manual", prefs), levels=("a", "b", "c"))
    assert found.count("root/p/s/t") == 1
    assert found.count("root/q/s/t") == 2


async def test_a_cycle_beside_a_root_makes_no_nodes() -> None:
    assert await grown(("manual", {"p": [], "x": "y", "y": "x"})) == ["root", "root/p"]


async def test_only_the_disabled_node_itself_is_marked() -> None:
    prefs = {"p": {"disabled": True, "children": ["p1"]}, "q": {"disabled": False}}
    result = await loader(Path("/")).load(settings(("manual", prefs)))
    assert {node.name: node.enabled for node in result.tree.nodes} == {
        "root": True,
        "p": False,
        "p1": True,
        "q": True,
    }


async def test_range_labels_come_parent_by_parent_in_ascending_order() -> None:
    found = await grown(
        ("manual", {"p": [], "q": []}),
        ("range_label", {"parent_level": "a", "start": -1, "end": 1}),
    )
    assert found == [
        "root",
        "root/p",
        "root/q",
        "root/p/p__-1",
        "root/p/p__0",
        "root/p/p__1",
        "root/q/q__-1",
        "root/q/q__0",
        "root/q/q__1",
    ]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("{start}-{i}-{end}/{parent}", ["1-1-2/root", "1-2-2/root"]),
        ("{{i}}{i}", ["{i}1", "{i}2"]),
        ("same", ["same", "same"]),
        ("", ["", ""]),
    ],
)
async def test_a_range_label_fills_in_its_format(text: str, names: list[str]) -> None:
    prefs = {"parent_level": "instance", "start": 1, "end": 2, "format": text}
    assert await grown(("range_label", prefs)) == [
        "root",
        *(f"root/{name}" for name in names),
    ]


async def test_a_range_that_ends_before_it_starts_is_empty() -> None:
    prefs = {"parent_level": "instance", "start": 2, "end": 1}
    assert await grown(("range_label", prefs)) == ["root"]


async def test_range_labels_can_be_disabled() -> None:
    prefs = {"parent_level": "instance", "start": 1, "end": 1, "enabled": False}
    result = await loader(Path("/")).load(settings(("range_label", prefs)))
    assert [node.enabled for node in result.tree.nodes] == [True, False]


async def test_a_source_sees_only_the_nodes_of_earlier_ones() -> None:
    numbered = ("range_label", {"parent_level": "a", "start": 1, "end": 1})
    by_hand: tuple[str, Json] = ("manual", {"p": []})
    assert await grown(numbered, by_hand) == ["root", "root/p"]
    assert await grown(by_hand, numbered) == ["root", "root/p", "root/p/p__1"]


async def test_the_empty_source_makes_nothing() -> None:
    assert await grown(("empty", {})) == ["root"]
