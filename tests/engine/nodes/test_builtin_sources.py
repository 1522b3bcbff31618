"""The built-in sources as plug-ins see them give what a config gives."""

import random
from pathlib import Path

import pytest

from bistro_tui.engine.config.model import Json
from bistro_tui.engine.config.reading import ObjectReader, Report
from bistro_tui.engine.cron.zone import UTC
from bistro_tui.engine.ids import WORKER_LEVEL, LevelName, NodeName
from bistro_tui.engine.installed import Group, find
from bistro_tui.engine.nodes.answers import FoundAnswer, check_found
from bistro_tui.engine.nodes.sources.growing import GrowingTree
from bistro_tui.engine.nodes.sources.source import FoundNodes, NodeSource, Surroundings

LEVELS = tuple(map(LevelName, ("instance", "host", "shard")))


def around(path: Path, *hosts: str) -> Surroundings:
    return Surroundings(
        levels=LEVELS,
        nodes={
            LEVELS[0]: [NodeName("root")],
            LEVELS[1]: [NodeName(host) for host in hosts],
            LEVELS[2]: [],
        },
        config_dir=path,
        now=1005.5,
        rng=random.Random(0),
        zone=UTC,
    )


async def fetch(name: str, prefs: Json, at: Surroundings) -> FoundNodes:
    source: NodeSource = find(Group.NODE_SOURCES, name).load()()
    report = Report()
    read = source.read_prefs(ObjectReader(prefs, ("prefs",), report))
    assert report.problems == []
    found = await source.fetch(read, at)
    check_found(found, LEVELS, at.nodes)
    return found


def outline(found: FoundNodes, *hosts: str) -> list[str]:
    """Return every node below the instance, with its parent, once it is in a tree."""
    tree = GrowingTree(NodeName("root"), (*LEVELS, WORKER_LEVEL))
    tree.add_children(0, [NodeName(host) for host in hosts])
    FoundAnswer(found=found).add_to(tree)
    grown = tree.finished()
    return [
        f"{grown.nodes[node.parent].name}/{node.name}" for node in list(grown.nodes)[1:]
    ]


async def test_manual_nodes_come_with_their_replicas(tmp_path: Path) -> None:
    prefs = {"a": ["x", "y"], "b": {"children": ["x"], "disabled": True}}
    found = await fetch("manual", prefs, around(tmp_path))
    assert outline(found) == ["root/a", "a/x", "a/y", "root/b", "b/x"]
    assert [node.name for node in found.nodes if not node.enabled] == ["b"]


async def test_ranges_are_made_for_each_parent_once(tmp_path: Path) -> None:
    prefs = {"parent_level": "host", "start": 1, "end": 2, "format": "{parent}-{i}"}
    found = await fetch("range_label", prefs, around(tmp_path, "a", "b", "a"))
    assert [node.name for node in found.nodes] == ["a-1", "a-2", "b-1", "b-2"]
    assert outline(found, "a", "b")[2:] == ["a/a-1", "a/a-2", "b/b-1", "b/b-2"]


async def test_times_say_when_they_change(tmp_path: Path) -> None:
    prefs = {
        "parent_level": "host",
        "schedule": [
            {"cron": {"epoch": 1000}, "lifetime": 10, "tags": ["new"]},
        ],
    }
    found = await fetch("add_time", prefs, around(tmp_path, "a"))
    assert [(node.name, set(node.tags)) for node in found.nodes] == [
        ("a:1000", {"new"})
    ]
    assert found.changes_at == 1010


async def test_a_script_answers_for_each_parent(tmp_path: Path) -> None:
    script = tmp_path / "nodes.sh"
    script.write_text('#!/bin/sh\necho "$1-1"\n')
    script.chmod(0o755)
    prefs = {"parent_level": "host", "script": "./nodes.sh"}
    found = await fetch("script", prefs, around(tmp_path, "a", "b"))
    assert outline(found, "a", "b")[2:] == ["a/a-1", "b/b-1"]


async def test_empty_is_empty(tmp_path: Path) -> None:
    assert (await fetch("empty", {}, around(tmp_path))).nodes == ()


@pytest.mark.parametrize("name", ["manual", "range_label", "script", "add_time"])
def test_wrong_prefs_are_told_as_in_a_config(name: str) -> None:
    source: NodeSource = find(Group.NODE_SOURCES, name).load()()
    report = Report()
    source.read_prefs(ObjectReader({"a": 1.5}, ("prefs",), report))
    assert report.problems
