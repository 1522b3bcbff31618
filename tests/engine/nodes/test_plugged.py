"""What a plug-in's node source cannot do to the scheduler."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bistro_tui.engine.config.model import NodeSourceSpec, PluggedPrefs, Settings
from bistro_tui.engine.ids import NodeName
from bistro_tui.engine.installed import Group, Part
from bistro_tui.engine.nodes.loader import NodesLoader
from bistro_tui.engine.nodes.plugged import GuardedSource
from bistro_tui.engine.nodes.sources.source import FoundNodes, NewNode
from tests.engine.nodes.builders import loader, outline, settings

PART = Part(
    group=Group.NODE_SOURCES, name="racks", reference="a:R", distribution="acme 1.0"
)
FAILED = 'the node source "racks" of acme 1.0 failed: '
GOOD = FoundNodes(nodes=[NewNode(name=NodeName("n"), parent=NodeName("root"))])


Wrong: Any = FoundNodes
WrongNode: Any = NewNode


class Racks:
    """Gives what the test says, or raises it; in a task or thread if it says so."""

    def __init__(self, *gives: Any) -> None:
        self.gives = list(gives)
        self.how = ""

    def read_prefs(self, prefs: Any) -> object:
        return prefs

    async def fetch(self, prefs: Any, around: Any) -> Any:
        if self.how == "task":
            (found,) = await asyncio.gather(self._later())
        elif self.how == "thread":
            found = await asyncio.to_thread(self._now)
        else:
            found = self._now()
        return found

    async def _later(self) -> Any:
        await asyncio.sleep(0)
        return self._now()

    def _now(self) -> Any:
        given = self.gives.pop(0)
        if isinstance(given, BaseException):
            raise given
        return given


def wanted() -> Settings:
    base = settings(levels=("rack",))
    spec = NodeSourceSpec(source="racks", prefs=PluggedPrefs(raw="{}", value=None))
    return replace(base, node_sources=(spec,))


def nodes_of(source: Any) -> NodesLoader:
    return loader(Path("/"), find_source=lambda _: GuardedSource(PART, source))


@pytest.mark.parametrize(
    ("how", "problem"),
    [
        ("", "SystemExit: 5"),
        ("thread", "SystemExit: 5"),
        ("task", "TaskExited: SystemExit: 5"),
    ],
)
async def test_a_source_that_exits_has_failed_and_its_last_nodes_stay(
    how: str, problem: str
) -> None:
    racks = Racks(GOOD, SystemExit(5), GOOD)
    racks.how = how
    nodes = nodes_of(racks)
    await nodes.load(wanted())
    failed = await nodes.load(wanted())
    assert failed.errors == (f"{FAILED}{problem}; its last good nodes stay",)
    assert outline(failed.tree) == ["root", "root/n"]
    assert (await nodes.load(wanted())).errors == ()


async def test_a_cancellation_that_nobody_asked_for_is_a_failure() -> None:
    result = await nodes_of(Racks(asyncio.CancelledError())).load(wanted())
    assert result.errors == (f"{FAILED}CancelledError; it has no nodes yet",)


async def test_a_fetch_that_nobody_wants_any_more_is_cancelled() -> None:
    class Slow(Racks):
        async def fetch(self, prefs: Any, around: Any) -> FoundNodes:
            began.set()
            await asyncio.Event().wait()
            raise AssertionError

    began = asyncio.Event()
    loading = asyncio.ensure_future(nodes_of(Slow()).load(wanted()))
    await began.wait()
    loading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await loading


async def test_an_interrupt_is_not_for_the_source_to_take() -> None:
    nowhere: Any = None
    with pytest.raises(KeyboardInterrupt):
        await GuardedSource(PART, Racks(KeyboardInterrupt())).fetch(None, nowhere)


@pytest.mark.parametrize(
    ("found", "problem"),
    [
        ("n1", "fetch() must return a FoundNodes, not str"),
        (None, "fetch() must return a FoundNodes, not NoneType"),
        (Wrong(nodes="n1"), "nodes must be a list of NewNode, not str"),
        (
            Wrong(nodes=iter(())),
            "nodes must be a list of NewNode, not tuple_iterator",
        ),
        (Wrong(nodes=["n1"]), "each node must be a NewNode, not str"),
        (
            Wrong(nodes=[WrongNode(name="n", parent=["root"])]),
            "the name of a node is no text: ('n', ['root'])",
        ),
        (
            Wrong(changes_at="noon"),
            "changes_at must be seconds since 1970, or None; got 'noon'",
        ),
        (
            FoundNodes(changes_at=float("inf")),
            "changes_at must be seconds since 1970, or None; got inf",
        ),
    ],
)
async def test_a_wrong_answer_is_told_with_what_was_expected(
    found: Any, problem: str
) -> None:
    result = await nodes_of(Racks(found)).load(wanted())
    assert result.errors == (f"{FAILED}{problem}; it has no nodes yet",)


async def test_a_fetch_that_is_not_async_is_told_so() -> None:
    class Plain(Racks):
        def fetch(self, prefs: Any, around: Any) -> Any:
            return GOOD

    result = await nodes_of(Plain()).load(wanted())
    assert result.errors == (
        f"{FAILED}fetch() must be async, but gave a FoundNodes at once;"
        " it has no nodes yet",
    )
