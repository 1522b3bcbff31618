"""Page 4: the limit tree, holders and waiters."""

from bistro_tui.app import BistroApp
from bistro_tui.engine.view import (
    Claims,
    Holding,
    JobName,
    NodeName,
    NodeRow,
    ResourceName,
    Usage,
    Waiting,
)
from bistro_tui.present.things import ResourceThing, TaskThing
from bistro_tui.screens.main import MainScreen
from bistro_tui.screens.resources import ResourcesPage
from tests.ui.driving import NARROW, driven, until, until_gone, until_shown
from tests.ui.scenes import busy_engine
from tests.ui.scripted import ScriptedEngine, node, snapshot, task

RACK_A, IO = NodeName("rack-a"), ResourceName("io")


def contended() -> ScriptedEngine:
    """Return the busy engine, with who holds and wants the io of rack-a."""
    engine = busy_engine()
    engine.claimed[RACK_A, IO] = Claims(
        node=RACK_A,
        resource=IO,
        used=5,
        limit=5,
        holders=(
            Holding(task=task("backup", "db1"), amount=2),
            Holding(task=task("backup", "db3"), amount=3),
        ),
        waiters=(
            Waiting(job=JobName("compress"), need=1, tasks=61, first=task("c", "db2")),
        ),
    )
    return engine


def page_of(app: BistroApp) -> ResourcesPage:
    screen = app.screen
    assert isinstance(screen, MainScreen)
    assert isinstance(screen.page, ResourcesPage)
    return screen.page


async def test_levels_have_strips_and_the_full_nodes_stand_first() -> None:
    async with driven(contended()) as (app, pilot):
        await pilot.press("4")
        shown = await until_shown(
            app, "1 full rack", "2 full host", "▌    concurrency", "9/12", "5/5",
            "1 full · 1 in use",
        )  # fmt: skip
        assert shown.index("rack-a ") < shown.index("rack-b ")
        assert shown.index("db5 ") < shown.index("db2 ")
        assert isinstance(page_of(app).things()[0], ResourceThing)


async def test_a_resource_shows_holders_and_waiters_and_enter_jumps() -> None:
    engine = contended()
    async with driven(engine) as (app, pilot):
        await pilot.press("4", "j", "j")
        await until_shown(
            app, "io on rack-a", "held by 2", "backup@db1", "12m34s", "waiting 61",
            "61 tasks wait",
        )  # fmt: skip
        await pilot.press("enter", "enter")
        screen = app.screen
        assert isinstance(screen, MainScreen)
        await until(lambda: screen.page.KEY == "5")
        await pilot.press("4")
        await until(lambda: screen.page.KEY == "4")
        page = page_of(app)
        await until(lambda: page.active_pane is page.details)
        thing = page.things()[0]
        assert isinstance(thing, TaskThing)
        assert (thing.task, bool(thing.invocation)) == (task("backup", "db1"), True)
        await pilot.press("escape")
        await until(lambda: page.active_pane is page.main)


async def test_claims_are_asked_anew_while_in_sight() -> None:
    engine = contended()
    async with driven(engine, NARROW) as (app, pilot):
        await pilot.press("4", "j", "j")
        await until_shown(app, "held by 2")
        engine.claimed[RACK_A, IO] = Claims(
            node=RACK_A, resource=IO, used=0, limit=5, holders=(), waiters=()
        )
        await until_shown(app, "nobody: all of it is free", "no task lacks it")


async def test_folding_and_filtering_the_limit_tree() -> None:
    async with driven(contended()) as (app, pilot):
        await pilot.press("4", "j", "j", "j")
        page = page_of(app)
        await until(lambda: page.main.cursor_key == ("use", "rack", "io", "rack-a"))
        await pilot.press("left", "left")
        await until(lambda: page.main.cursor_key == ("limit", "rack", "io"))
        await until_gone(app, "rack-b ")
        await pilot.press("right", "asterisk")
        await until(lambda: len(page.main.rows) == 7)
        await pilot.press("slash", *"db5", "enter")
        await until(lambda: len(page.main.rows) == 3)
        assert page.main.cursor_key == ("use", "host", "concurrency", "db5")
        await pilot.press("escape", "asterisk", "s")
        await until_shown(app, "resource▲")


async def test_a_jump_from_elsewhere_unfolds_the_resource() -> None:
    async with driven(contended()) as (app, pilot):
        await pilot.press("4", "asterisk", "asterisk", "asterisk")
        screen = app.screen
        assert isinstance(screen, MainScreen)
        level = contended().current.nodes[2].level
        resource = ResourceName("concurrency")
        node_name = NodeName("db7")
        screen.go("4", ResourceThing(node=node_name, level=level, resource=resource))
        page = page_of(app)
        await until(lambda: page.main.cursor_key == ("use", level, resource, "db7"))


async def test_the_worker_stands_below_the_tree() -> None:
    engine = ScriptedEngine(
        current=snapshot(
            nodes=(node("farm", 0, ("slots", 0, 2)), node("a", 1)),
            worker_usage=(Usage("mem_mb", 3, 4),),
        )
    )
    async with driven(engine, NARROW) as (app, pilot):
        await pilot.press("4", "G")
        await until_shown(app, "worker", "mem_mb  local", "3/4", "mem_mb on local")


async def test_without_resources_the_page_explains() -> None:
    engine = ScriptedEngine(current=snapshot(nodes=(node("farm"), node("a", 1))))
    async with driven(engine) as (app, pilot):
        await pilot.press("4")
        await until_shown(app, "no resource limits: every task may run at once")
        for key in ("j", "left", "right", "asterisk", "enter", "escape", "w"):
            await pilot.press(key)
        assert app.end is None


async def test_of_nodes_as_full_the_one_shown_stays() -> None:
    def nodes(*used: int) -> tuple[NodeRow, ...]:
        hosts = (node(f"h{n}", 1, ("io", use, 5)) for n, use in enumerate(used))
        return (node("farm"), *hosts)

    engine = ScriptedEngine(current=snapshot(nodes=nodes(1, 5, 2), structure=1))
    async with driven(engine) as (app, pilot):
        await pilot.press("4")
        await until_shown(app, "io on h1")
        engine.change(nodes=nodes(5, 5, 2))
        await until_shown(app, "2 full")
        assert str(page_of(app).things()[0]) == "io on h1"
        engine.change(nodes=nodes(5, 4, 2))
        await until_shown(app, "io on h0")
