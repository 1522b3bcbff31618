"""Page 3: tree, flat list and heat map of nodes, and what is known of one."""

from collections.abc import Callable

import pytest

from bistro_tui.app import BistroApp
from bistro_tui.engine.view import (
    Claims,
    Holding,
    NodeName,
    NodeRow,
    Reason,
    ResourceName,
    TaskRow,
)
from bistro_tui.present.things import NodeThing, ResourceThing, TaskThing
from bistro_tui.screens.main import MainScreen
from bistro_tui.screens.nodes import NodesPage
from bistro_tui.widgets.node_grid import NodeGrid
from bistro_tui.widgets.node_table import NodeTable
from bistro_tui.widgets.node_tree import NodeTree
from tests.ui.driving import NARROW, driven, until, until_gone, until_shown
from tests.ui.hostile import HOSTILE, hostile_engine
from tests.ui.pictures import text
from tests.ui.scenes import busy_engine
from tests.ui.scripted import NOW, ScriptedEngine, node, running, snapshot, task
from tests.ui.test_hostile import assert_safe


def farm() -> ScriptedEngine:
    """Return the busy engine with answers about db7, and a failure there."""
    engine = busy_engine()
    engine.task_rows += [
        TaskRow(task("compress", "db7"), Reason.FAILED, NOW - 40, 4, None, "killed"),
        TaskRow(task("ship-logs", "db7"), Reason.DONE, NOW - 90, 1, None, "is done"),
        TaskRow(task("ship-logs", "db77"), Reason.DONE, NOW - 90, 1, None, "is done"),
    ]
    for row in engine.current.nodes:
        for usage in row.usage:
            name = ResourceName(usage.resource)
            engine.claimed[row.name, name] = Claims(
                node=row.name,
                resource=name,
                used=usage.used,
                limit=usage.limit,
                holders=(Holding(task=task("backup", "db1"), amount=1),),
                waiters=(),
            )
    return engine


def page_of(app: BistroApp) -> NodesPage:
    screen = app.screen
    assert isinstance(screen, MainScreen)
    assert isinstance(screen.page, NodesPage)
    return screen.page


async def test_the_page_shows_the_tree_with_failures_and_the_chosen_node() -> None:
    async with driven(farm()) as (app, pilot):
        await pilot.press("3")
        await until_shown(app, "Nodes 11", "db-farm  instance", "concurrency 9/12")
        page = page_of(app)
        page.point_at(NodeThing(name=NodeName("db7")))
        shown = await until_shown(
            app, "db-farm › rack-b › db7", "✗ 1", "verify-backup@db7", "✗ failed",
            "ship-logs@db7", "other tasks of this host 1",
        )  # fmt: skip
        assert "db77" not in shown
        assert page.things() == (NodeThing(name=NodeName("db7")),)


async def test_enter_goes_to_the_details_and_escape_back() -> None:
    async with driven(farm(), NARROW) as (app, pilot):
        await pilot.press("3", "j", "j")
        await until_shown(app, "rack-a › db1")
        await pilot.press("enter")
        page = page_of(app)
        await until(lambda: page.active_pane is page.details)
        first = page.things()[0]
        assert isinstance(first, ResourceThing)
        await pilot.press("j")
        await until(lambda: any(isinstance(t, TaskThing) for t in page.things()))
        await pilot.press("escape")
        await until(lambda: page.active_pane is page.main)
        assert page.main.cursor_key == "db1"


async def test_v_goes_from_tree_to_list_to_heat_map_on_the_same_node() -> None:
    async with driven(farm()) as (app, pilot):
        await pilot.press("3", "j", "j", "j")
        page = page_of(app)
        await pilot.press("v")
        await until(lambda: isinstance(page.main, NodeTable))
        await until(lambda: page.main.cursor_key == "db2")
        await pilot.press("v")
        await until_shown(app, "level host", "rack-a", "in use", "✗ failed")
        assert isinstance(page.main, NodeGrid)
        await pilot.press("right", "down")
        await until(lambda: page.main.cursor_key == "db7")
        await until_shown(app, "rack-b › db7")
        await pilot.press("shift+left")
        await until_shown(app, "level rack")
        await pilot.press("v")
        await until(lambda: isinstance(page.main, NodeTree))
        await until(lambda: page.main.cursor_key == "rack-b")


async def test_a_click_on_a_cell_chooses_its_node() -> None:
    async with driven(farm()) as (app, pilot):
        await pilot.press("3", "v", "v")
        page = page_of(app)
        await until_shown(app, "level host")
        await pilot.click("#node-grid", offset=(1 + 14 + 2 * 2, 3))
        await until(lambda: page.main.cursor_key == "db7")


async def test_the_flat_list_sorts_by_use_and_keeps_its_node() -> None:
    async with driven(farm()) as (app, pilot):
        await pilot.press("3", "j", "v", "s", "S")
        page = page_of(app)
        await until(lambda: page.main.rows[0].name == "rack-b")
        assert page.main.cursor_key == "rack-a"
        assert page.main.current is not None
        await pilot.press("slash", *"status:full", "enter")
        await until(
            lambda: {r.name for r in page.main.rows} == {"db1", "db5", "rack-a"}
        )


@pytest.fixture
def big() -> ScriptedEngine:
    """Return 20 racks with 30 hosts each."""
    rows: list[NodeRow] = [node("farm")]
    for rack in range(20):
        rows.append(node(f"r{rack}", 1, ("io", 0, 4)))
        rows += [node(f"r{rack}-h{host}", 2, ("cpu", 0, 2)) for host in range(30)]
    return ScriptedEngine(current=snapshot(nodes=tuple(rows), structure=1))


def rows_in(app: BistroApp) -> Callable[[], int]:
    return lambda: len(page_of(app).main.rows)


async def test_a_big_tree_opens_on_whole_levels_and_unfolds(
    big: ScriptedEngine,
) -> None:
    async with driven(big) as (app, pilot):
        await pilot.press("3")
        await until_shown(app, "Nodes 621", "▸ r0", "▸ r19")
        rows = rows_in(app)
        assert rows() == 21
        await pilot.press("j", "right")
        await until(lambda: rows() == 51)
        await pilot.press("right", "J", "J")
        await until(lambda: page_of(app).main.cursor_key == "r0-h2")
        await pilot.press("K", "left")
        await until(lambda: page_of(app).main.cursor_key == "r0")
        await pilot.press("left")
        await until(lambda: rows() == 21)
        await pilot.press("shift+right")
        await until(lambda: rows() == 621)
        await pilot.press("shift+left")
        await until(lambda: rows() == 21)
        await pilot.press("asterisk")
        await until(lambda: rows() == 621)


async def test_a_jump_to_a_folded_node_unfolds_it(big: ScriptedEngine) -> None:
    async with driven(big) as (app, pilot):
        await pilot.press("3")
        await until_shown(app, "▸ r19")
        screen = app.screen
        assert isinstance(screen, MainScreen)
        screen.go("3", TaskThing(task=task("etl", "r19-h29")))
        await until(lambda: page_of(app).main.cursor_key == "r19-h29")
        await until_shown(app, "r19-h29")


async def test_a_new_snapshot_of_the_same_nodes_changes_rows_not_places(
    big: ScriptedEngine,
) -> None:
    async with driven(big) as (app, pilot):
        await pilot.press("3", "slash", *"h29", "enter")
        await until(lambda: page_of(app).main.cursor_key == "r0-h29")
        found = page_of(app).main.rows
        assert len(found) == 41
        busy = tuple(row._replace(running=7) for row in big.current.nodes)
        big.change(nodes=busy)
        await until(lambda: page_of(app).main.rows[1].running == 7)
        assert [row.name for row in page_of(app).main.rows] == [r.name for r in found]
        await pilot.press("escape")
        await until(lambda: rows_in(app)() == 21)


async def test_a_refused_question_is_a_sentence_not_a_crash() -> None:
    engine = ScriptedEngine(
        current=snapshot(
            nodes=(node("farm", 0, ("slots", 1, 2)),),
            running=(running("etl", "farm"),),
        )
    )
    async with driven(engine) as (app, pilot):
        await pilot.press("3")
        await until_shown(app, "farm has no slots", "etl@farm")


async def test_without_nodes_the_page_says_so() -> None:
    async with driven(ScriptedEngine()) as (app, pilot):
        await pilot.press("3")
        await until_shown(app, "no nodes yet", "nothing is chosen")
        for key in ("v", "down", "v", "down", "right", "J", "asterisk", "v"):
            await pilot.press(key)
        assert "no nodes yet" in text(app)


async def test_marks_stay_on_their_nodes_in_folded_branches(
    big: ScriptedEngine,
) -> None:
    async with driven(big) as (app, pilot):
        await pilot.press("3", "j", "right", "right", "space", "space")
        page = page_of(app)
        await until_shown(app, "■ 2 marked")
        await pilot.press("left", "left")
        await until_shown(app, "■ 2 marked, 2 out of sight")
        assert [str(thing) for thing in page.things()] == ["r0-h0", "r0-h1"]
        await pilot.press("asterisk", "backslash")
        await until(lambda: len(page.things()) == 1)


@pytest.mark.parametrize("key", ["3", "4"])
async def test_hostile_names_are_shown_and_never_obeyed(key: str) -> None:
    async with driven(hostile_engine(*HOSTILE), NARROW) as (app, pilot):
        await pilot.press(key)
        await until_gone(app, "Overview ")
        for press in ("v", "j", "v", "right", "asterisk", "enter", "j", "escape"):
            await pilot.press(press)
            assert_safe(app)
        assert app.end is None
