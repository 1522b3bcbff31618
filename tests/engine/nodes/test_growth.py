"""What stays as it was when sources, answers or the time are others."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bistro_tui.engine.config.model import (
    Json,
    NodeSourceSpec,
    PluggedPrefs,
    Settings,
)
from bistro_tui.engine.cron.zone import FOREVER
from bistro_tui.engine.ids import NodeName
from bistro_tui.engine.installed import Group, Part
from bistro_tui.engine.nodes.loader import NodesLoader
from bistro_tui.engine.nodes.plugged import GuardedSource
from bistro_tui.engine.nodes.sources.source import (
    FoundNodes,
    NewNode,
    NodeSource,
    Surroundings,
)
from tests.engine.nodes.builders import (
    ManualClock,
    loader,
    outline,
    script,
    settings,
)

MANUAL: tuple[str, Json] = ("manual", {"p": [], "q": []})
LEVELS = ("a", "b", "c")


def scripted(name: str, level: str = "a") -> tuple[str, Json]:
    return ("script", {"parent_level": level, "script": name})


def numbered(level: str, number: int, mark: str = "n") -> tuple[str, Json]:
    prefs = {"parent_level": level, "start": 1, "end": number}
    return ("range_label", {**prefs, "format": "{parent}" + mark + "{i}"})


def clocked(level: str, at: int, lifetime: int) -> tuple[str, Json]:
    schedule = [{"cron": {"epoch": at}, "lifetime": lifetime, "enabled_lifetime": 5}]
    return ("add_time", {"parent_level": level, "schedule": schedule})


def asked(directory: Path) -> list[str]:
    path = directory / "asked"
    return path.read_text().split() if path.exists() else []


RECORDS = 'echo "$1" >> asked; echo "$1-1"; echo "$1-2"'


async def test_a_look_that_finds_nothing_new_gives_the_very_same_tree(
    tmp_path: Path,
) -> None:
    name = script(tmp_path / "nodes.sh", RECORDS)
    nodes = loader(tmp_path)
    first = await nodes.load(settings(MANUAL, scripted(name)))
    again = await nodes.load(settings(MANUAL, scripted(name)))
    assert asked(tmp_path) == ["p", "q"] * 2
    assert again.tree is first.tree


async def test_time_based_nodes_come_are_disabled_and_go_on_their_second() -> None:
    clock = ManualClock(99.9)
    nodes = loader(Path("/"), clock)
    wanted = settings(MANUAL, clocked("a", 100, 10), numbered("b", 1), levels=LEVELS)
    seen = []
    result = await nodes.load(wanted)
    while result.changes_at not in (None, FOREVER):
        flags = {node.name: node.enabled for node in result.tree.nodes[3:]}
        seen.append((result.grown_at, result.changes_at, flags))
        clock.wall = result.changes_at
        result = await nodes.known(wanted)
    alive = {"p:100": True, "q:100": True, "p:100n1": True, "q:100n1": True}
    assert seen == [
        (99, 100, {}),
        (100, 105, alive),
        (105, 110, {**alive, "p:100": False, "q:100": False}),
    ]
    assert outline(result.tree) == ["root", "root/p", "root/q"]


async def test_a_clock_set_back_brings_the_earlier_nodes() -> None:
    clock = ManualClock(115)
    nodes = loader(Path("/"), clock)
    wanted = settings(clocked("instance", 100, 10))
    assert outline((await nodes.load(wanted)).tree) == ["root"]
    clock.wall = 101
    assert outline((await nodes.known(wanted)).tree) == ["root", "root/root:100"]


async def test_what_took_long_ends_with_the_nodes_of_its_end(tmp_path: Path) -> None:
    clock = ManualClock(101)
    nodes = loader(tmp_path, clock)
    name = script(
        tmp_path / "nodes.sh", "touch started; while [ -e started ]; do :; done"
    )
    wanted = settings(clocked("instance", 100, 10), scripted(name))
    loading = asyncio.ensure_future(nodes.load(wanted))
    async with asyncio.timeout(25):
        while not (tmp_path / "started").exists():
            await asyncio.sleep(0.01)
    clock.wall = 200
    (tmp_path / "started").unlink()
    result = await loading
    assert outline(result.tree) == ["root"]
    assert result.grown_at == 200


async def test_scripts_are_asked_only_for_parents_that_time_brought(
    tmp_path: Path,
) -> None:
    clock = ManualClock(99)
    nodes = loader(tmp_path, clock)
    name = script(tmp_path / "nodes.sh", RECORDS)
    wanted = settings(
        ("manual", {"old": []}), clocked("instance", 100, 10), scripted(name)
    )
    await nodes.load(wanted)
    clock.wall = 100
    known = await nodes.known(wanted)
    assert not known.is_complete
    assert outline(known.tree)[-1] == "root/old/old-2"
    complete = await nodes.complete(wanted)
    assert complete.is_complete
    assert outline(complete.tree)[-1] == "root/root:100/root:100-2"
    clock.wall = 104
    assert (await nodes.known(wanted)).is_complete
    assert asked(tmp_path) == ["old", "root:100"]


async def test_a_script_that_fails_for_a_new_parent_keeps_the_others(
    tmp_path: Path,
) -> None:
    clock = ManualClock(99)
    nodes = loader(tmp_path, clock)
    body = f'[ "$1" = old ] || exit 3; {RECORDS}'
    name = script(tmp_path / "nodes.sh", body)
    wanted = settings(
        ("manual", {"old": []}), clocked("instance", 100, 10), scripted(name)
    )
    await nodes.load(wanted)
    clock.wall = 100
    result = await nodes.complete(wanted)
    assert outline(result.tree)[-2:] == ["root/old/old-1", "root/old/old-2"]
    assert result.errors == (
        'node script ./nodes.sh for "root:100": exited with status 3; its last good'
        " nodes stay",
    )
    later = await nodes.known(wanted)
    assert later.errors == result.errors
    assert later.is_complete  # it is not asked again at each tick


async def test_until_a_new_script_answers_the_nodes_of_the_one_it_replaces_stay(
    tmp_path: Path,
) -> None:
    nodes = loader(tmp_path)
    old = script(tmp_path / "old.sh", 'echo "$1-old"')
    new = script(tmp_path / "new.sh", 'echo "$1-new"')
    below = numbered("b", 1)
    await nodes.load(settings(MANUAL, scripted(old), below, levels=LEVELS))
    wanted = settings(MANUAL, scripted(new), below, levels=LEVELS)
    known = await nodes.known(wanted)
    assert not known.is_complete
    assert outline(known.tree)[3:] == [
        "root/p/p-old",
        "root/q/q-old",
        "root/p/p-old/p-oldn1",
        "root/q/q-old/q-oldn1",
    ]
    assert outline((await nodes.known(wanted)).tree) == outline(known.tree)
    assert outline((await nodes.load(wanted)).tree)[3:5] == [
        "root/p/p-new",
        "root/q/q-new",
    ]


async def test_nodes_that_the_config_takes_away_do_not_stay(tmp_path: Path) -> None:
    nodes = loader(tmp_path)
    old = script(tmp_path / "old.sh", 'echo "$1-old"')
    await nodes.load(settings(MANUAL, scripted(old)))
    gone = await nodes.known(settings(MANUAL))
    assert outline(gone.tree) == ["root", "root/p", "root/q"]
    await nodes.load(settings(MANUAL, scripted(old)))
    fewer = await nodes.known(settings(("manual", {"q": []}), scripted(old)))
    assert outline(fewer.tree) == ["root", "root/q", "root/q/q-old"]
    other = await nodes.known(settings(MANUAL, levels=("x", "y")))
    assert other.tree.levels() == ("instance", "x")


async def test_nodes_that_stood_in_do_not_refuse_the_others(tmp_path: Path) -> None:
    nodes = loader(tmp_path)
    old = script(tmp_path / "old.sh", "echo x")
    new = script(tmp_path / "new.sh", "echo y")
    await nodes.load(settings(("manual", {"p": []}), scripted(old)))
    wanted = settings(("manual", {"p": [], "x": []}), scripted(new))
    known = await nodes.known(wanted)
    assert not known.is_refused
    assert outline(known.tree) == ["root", "root/p", "root/x"]


PART = Part(
    group=Group.NODE_SOURCES, name="http", reference="a:Http", distribution="acme 1.0"
)
FAILED = 'the node source "http" of acme 1.0 failed: '


class Plugin:
    """A source that finds what the test says."""

    def __init__(self) -> None:
        self.found = FoundNodes()
        self.error: Exception | None = None
        self.seen: list[Surroundings] = []

    def read_prefs(self, prefs: Any) -> object:
        return prefs

    async def fetch(self, prefs: Any, around: Surroundings) -> FoundNodes:
        self.seen.append(around)
        if self.error is not None:
            raise self.error
        return self.found


def plugged(plugin: NodeSource, clock: ManualClock) -> NodesLoader:
    return loader(Path("/"), clock, lambda _: GuardedSource(PART, plugin))


def with_plugin() -> Settings:
    base = settings(MANUAL)
    prefs = PluggedPrefs(raw="{}", value=None)
    spec = NodeSourceSpec(source="http", prefs=prefs)
    return replace(base, node_sources=(*base.node_sources, spec))


def new(name: str, parent: str, **more: Any) -> NewNode:
    return NewNode(name=NodeName(name), parent=NodeName(parent), **more)


async def test_a_plug_in_adds_nodes_below_those_that_are_there() -> None:
    plugin, clock = Plugin(), ManualClock()
    plugin.found = FoundNodes(
        nodes=[
            new("r", "root", tags=frozenset("t")),
            new("r1", "r", enabled=False),
            new("p1", "p"),
        ]
    )
    result = await plugged(plugin, clock).load(with_plugin())
    assert result.errors == ()
    assert outline(result.tree)[3:] == ["root/r", "root/r/r1", "root/p/p1"]
    assert [n.enabled for n in result.tree.nodes[3:]] == [True, False, True]
    assert result.tree.nodes[3].tags == {"t"}
    (around,) = plugin.seen
    assert around.levels == ("instance", "a", "b")
    assert dict(around.nodes) == {"instance": ["root"], "a": ["p", "q"], "b": []}


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ([new("x", "nobody")], '"x" has a parent that is not there, "nobody"'),
        (
            [new("x", "p"), new("y", "x")],
            'there is no level for "y" below "x"',
        ),
        ([new("x\0", "p")], 'a name holds a NUL, which none can: "x\\u0000"'),
        (
            [new("x", "p", tags=["a"])],
            "the tags of \"x\" must be a frozenset of texts; got ['a']",
        ),
    ],
)
async def test_nodes_that_cannot_be_are_a_failure_of_the_plug_in(
    found: list[NewNode], message: str
) -> None:
    plugin = Plugin()
    plugin.found = FoundNodes(nodes=found)
    result = await plugged(plugin, ManualClock()).load(with_plugin())
    assert result.errors == (f"{FAILED}{message}; it has no nodes yet",)
    assert outline(result.tree) == ["root", "root/p", "root/q"]


async def test_the_last_good_nodes_of_a_failing_plug_in_stay() -> None:
    plugin, wanted = Plugin(), with_plugin()
    plugin.found = FoundNodes(nodes=[new("p1", "p")])
    nodes = plugged(plugin, ManualClock())
    await nodes.load(wanted)
    plugin.error = ConnectionError("no\nroute")
    result = await nodes.load(wanted)
    assert outline(result.tree)[-1] == "root/p/p1"
    assert result.errors == (
        f"{FAILED}ConnectionError: no route; its last good nodes stay",
    )


async def test_a_plug_in_is_asked_again_when_it_said_so() -> None:
    plugin, wanted, clock = Plugin(), with_plugin(), ManualClock(100)
    plugin.found = FoundNodes(nodes=[new("p1", "p")], changes_at=104.5)
    nodes = plugged(plugin, clock)
    assert (await nodes.load(wanted)).changes_at == 105
    assert (await nodes.known(wanted)).is_complete
    clock.wall = 105
    known = await nodes.known(wanted)
    assert not known.is_complete
    assert known.changes_at is None  # or it would be looked at all the time
    assert (await nodes.complete(wanted)).changes_at == 106
    assert len(plugin.seen) == 2


sources = st.lists(
    st.sampled_from(
        [
            ("manual", {"p": ["p1"], "q": []}),
            ("manual", {"s": []}),
            numbered("instance", 2, "h"),
            numbered("a", 2),
            numbered("b", 1, "m"),
            clocked("instance", 100, 10),
            clocked("a", 104, 20),
        ]
    ),
    max_size=5,
)


@given(st.lists(st.tuples(sources, st.integers(95, 130)), min_size=1, max_size=4))
async def test_law_what_is_taken_over_makes_no_difference(
    worlds: list[tuple[list[tuple[str, Json]], int]],
) -> None:
    clock = ManualClock()
    nodes = loader(Path("/"), clock)
    for chosen, now in worlds:
        clock.wall = now
        wanted = settings(*chosen, levels=LEVELS)
        found = await nodes.known(wanted)
        fresh = await loader(Path("/"), clock).load(wanted)
        assert list(found.tree.nodes) == list(fresh.tree.nodes)
        assert found.changes_at == fresh.changes_at
