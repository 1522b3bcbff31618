"""Page 0: the workers, the initial wait, and what a worker runs."""

from pathlib import Path
from typing import Any

import pytest
from textual.geometry import Region

from bistro_tui.app import BistroApp
from bistro_tui.engine.view import (
    HAS_LEFT,
    Claims,
    Holding,
    LevelName,
    NodeName,
    Reason,
    ResourceName,
)
from bistro_tui.present.things import ResourceThing, TaskThing, WorkerThing
from bistro_tui.screens.confirm import Confirm
from bistro_tui.screens.main import MainScreen
from bistro_tui.screens.workers import WorkersPage
from bistro_tui.widgets.worker_list import WorkerList
from tests.ui.driving import NARROW, driven, top, until, until_gone, until_shown
from tests.ui.pictures import text
from tests.ui.scenes import WAIT, busy_engine, pool_engine
from tests.ui.scripted import (
    NOW,
    ScriptedEngine,
    ended,
    engine_state,
    running,
    snapshot,
    task,
    worker,
)


def pool() -> ScriptedEngine:
    """Return that scheduler once its initial wait is over."""
    engine = pool_engine()
    engine.change(initial_wait="", state=engine_state())
    return engine


def page_of(app: BistroApp) -> WorkersPage:
    screen = app.screen
    assert isinstance(screen, MainScreen)
    assert isinstance(screen.page, WorkersPage)
    return screen.page


async def test_a_scheduler_that_runs_its_tasks_itself_has_no_such_page() -> None:
    async with driven(busy_engine()) as (app, pilot):
        assert "0 Workers" not in text(app)
        await pilot.press("0")
        await until_shown(app, "no remote workers")
        screen = app.screen
        assert isinstance(screen, MainScreen)
        assert screen.page.KEY == "1"


@pytest.mark.parametrize("key", ["1", "5"])
async def test_a_task_whose_worker_is_not_well_says_so_at_every_width(key: str) -> None:
    async with driven(pool(), size=NARROW) as (app, pilot):
        await pilot.press(key)
        await until_shown(app, "⚠ w2: unhealthy")
        assert key == top(app).page.KEY
        assert "w1: " not in text(app)


@pytest.mark.parametrize("size", [(80, 24), (140, 42), (220, 60)])
async def test_each_worker_shows_its_state_its_tasks_and_its_use(
    size: tuple[int, int],
) -> None:
    async with driven(pool(), size) as (app, pilot):
        await until_shown(app, "1/4 workers")
        await pilot.press("0")
        shown = await until_shown(
            app, "Workers", "● healthy", "⚠ unhealthy", "◌ new", "✗ must die",
            "1/8", "0/8", "4s", "3m20s", "1h06m", "no heartbeat", " 3/64",
            "1 healthy · 1 new · 1 unhealthy · 1 must die",
        )  # fmt: skip
        assert shown.index("w1 ") < shown.index("w2 ") < shown.index("w3 ")


async def test_heartbeats_age_without_a_new_snapshot() -> None:
    engine = pool()
    async with driven(engine) as (app, pilot):
        await pilot.press("0")
        await until_shown(app, "● healthy")
        page = page_of(app)
        page.main.tick(NOW + 60)
        await until_shown(app, "1m04s", "4m20s")


async def test_the_initial_wait_stands_in_the_head_and_above_the_list_in_full() -> None:
    engine = pool()
    engine.change(initial_wait=WAIT, state=engine_state(word="paused", text=WAIT))
    async with driven(engine, NARROW) as (app, pilot):
        shown = await until_shown(app, "initial wait")
        assert shown.count("initial wait") == 1
        await pilot.press("0")
        shown = await until_shown(
            app, "w1 ", "initial wait  No initial", "wait ≤11m  2 missing"
        )
        joined = " ".join(shown.split())
        assert " ".join(WAIT.split()[-3:]) in joined
        engine.change(initial_wait="", state=engine_state())
        await until_gone(app, "initial wait")
        await until_shown(app, "1/4 workers")


async def test_without_a_worker_it_says_how_to_start_one() -> None:
    engine = pool()
    engine.change(workers=(), running=())
    async with driven(engine, NARROW) as (app, pilot):
        await pilot.press("0")
        shown = await until_shown(app, "no worker is connected")
        joined = " ".join(shown.split())
        assert (
            "bistro-tui worker --scheduler-host localhost --scheduler-port PORT"
            in joined
        )
        assert "--token-file FILE" in joined
        assert "secrets/worker.token" in joined


@pytest.mark.parametrize(
    ("said", "told"), [(b"31415\n", "31415"), (b"nonsense", "PORT"), (b"0", "PORT")]
)
async def test_the_command_names_the_port_that_the_scheduler_listens_on(
    tmp_path: Path, said: bytes, told: str
) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "worker.port").write_bytes(said)
    engine = pool()
    state = engine_state(data_dir=str(tmp_path))
    engine.change(workers=(), running=(), state=state)
    async with driven(engine) as (app, pilot):
        await pilot.press("0")
        await until_shown(app, f"--scheduler-host localhost --scheduler-port {told}")


async def test_enter_goes_to_the_tasks_of_the_worker_and_on_to_the_task() -> None:
    engine = pool()
    engine.write(task("etl", "db1"), "copied table 7")
    engine.write(task("backup", "db3"), "saved 3 of 4")
    async with driven(engine) as (app, pilot):
        await pilot.press("0")
        await until_shown(app, "1 running", "copied table 7")
        await pilot.press("j")
        await until_shown(app, "2 running", "saved 3 of 4")
        page = page_of(app)
        assert page.things() == (WorkerThing(shard=NodeName("w2")),)
        await pilot.press("enter")
        await until(lambda: page.active_pane is page.details)
        await pilot.press("j")
        (thing,) = page.things()
        assert isinstance(thing, TaskThing)
        assert thing.task == task("backup", "db3")
        await pilot.press("enter")
        screen = app.screen
        assert isinstance(screen, MainScreen)
        await until(lambda: screen.page.KEY == "5")


async def test_why_tells_what_keeps_tasks_from_a_worker_and_leads_on() -> None:
    engine = pool()
    name = NodeName("w2"), ResourceName("mem_gb")
    engine.claimed[name] = Claims(
        node=name[0], resource=name[1], used=64, limit=64,
        holders=(Holding(task=task("etl", "db2"), amount=64),), waiters=(),
    )  # fmt: skip
    async with driven(engine) as (app, pilot):
        await pilot.press("0", "j", "w")
        await until_shown(
            app, "Why · w2", "⚠ no heartbeat for 3m20s",
            "⏸ none of its mem_gb is left: 64/64", "w2.farm", "etl@db2",
        )  # fmt: skip
        await pilot.press("enter")
        await until_shown(app, "mem_gb on w2", "held by")


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (worker("w", "NEW"), "◌ it is new"),
        (worker("w", why="not connected"), "⏸ not connected"),
        (worker("w", why="not connected"), "goes on unless it was killed"),
        (worker("w", "UNHEALTHY", why="no heartbeat"), "goes on unless it was killed"),
        (worker("w", why="disk full"), "what it runs goes on"),
        (worker("w", "MUST_DIE", why=HAS_LEFT), "it was stopped, and nothing of it"),
        (worker("w", "UNHEALTHY", why="no heartbeat"), "⚠ no heartbeat"),
        (worker("w", "MUST_DIE"), "count as lost"),
        (worker("w", "MUST_DIE", why="lost"), "to be started again"),
        (worker("w", running=8, slots=8), "all of its 8 slots are taken"),
        (worker("w", slots=0), "⏸ it has no slots"),
        (worker("w"), "✓ it gets tasks"),
    ],
)
async def test_why_of_a_worker_follows_its_state(row: object, told: str) -> None:
    engine = ScriptedEngine(current=snapshot(workers=(row,)))
    async with driven(engine) as (app, pilot):
        await pilot.press("0", "w")
        await until_shown(app, told)


async def test_why_of_a_worker_tells_how_many_attempts_failed_there_lately() -> None:
    missing = "failed to start: ./tsak.sh: No such file or directory"
    engine = ScriptedEngine(
        current=snapshot(
            workers=(worker("w1"),),
            ended=(
                ended(
                    "etl", "a", 1, worker="w1", result=Reason.BACKOFF, detail=missing
                ),
                ended("etl", "b", 2, worker="w2", result=Reason.FAILED, detail="other"),
                ended("etl", "c", 3, worker="w1", result=Reason.FAILED, detail="older"),
                ended("etl", "d", 4, worker="w1"),
            ),
        )
    )
    async with driven(engine) as (app, pilot):
        await pilot.press("0", "w")
        shown = await until_shown(app, "ended       3 lately · 2 failed", missing)
        assert "older" not in shown.split("Why · w1")[1]


async def test_why_is_as_high_as_its_text_is_once_it_is_wrapped() -> None:
    async with driven(pool_engine()) as (app, pilot):
        await pilot.press("0", "j", "w")
        await until_shown(app, "Why · w2", "in bistro_settings ends", "● backup@db3")


async def test_x_stops_what_runs_on_the_worker_and_on_no_other() -> None:
    engine = pool()
    async with driven(engine) as (app, pilot):
        await pilot.press("0", "j", "x")
        await until(lambda: isinstance(app.screen, Confirm))
        shown = await until_shown(app, "Stop 2 tasks?", "etl@db2", "backup@db3")
        assert "etl@db1" not in shown.split("Stop 2 tasks?")[1].split("Enter")[0]


async def test_filters_sorts_and_the_cursor_go_by_the_worker() -> None:
    engine = pool()
    async with driven(engine) as (app, pilot):
        await pilot.press("0")
        await until_shown(app, "w4.farm")
        main = page_of(app).main
        for wanted, left in (
            ("status:healthy", ["w1", "w2"]),
            ("status=healthy", ["w1"]),
            ("state:must_die", ["w4"]),
            ("status:new", ["w3"]),
            ("heartbeat>1m", ["w2", "w4"]),
            ("running>=1", ["w1", "w2"]),
            ("worker=w3", ["w3"]),
            ("w4.farm", ["w4"]),
        ):
            main.set_filter(wanted)
            assert [row.shard for row in main.rows] == left, wanted
        main.set_filter("")
        await pilot.press("g", "j", "j")
        assert main.cursor_key == "w3"
        first, second, third, fourth = engine.current.workers
        changed = third._replace(state="HEALTHY")
        engine.change(workers=(fourth, changed, second, first))
        await until(lambda: main.rows[2].state == "HEALTHY")
        assert [row.shard for row in main.rows] == ["w1", "w2", "w3", "w4"]
        assert main.cursor_key == "w3"
        await pilot.press("s", "s")
        await until(lambda: main.rows[0].shard == "w4")


async def test_tasks_are_found_by_their_worker_on_the_page_of_tasks() -> None:
    async with driven(pool()) as (app, pilot):
        await pilot.press("5")
        await until_shown(app, "db1")
        screen = app.screen
        assert isinstance(screen, MainScreen)
        (pane,) = screen.page.panes
        pane.set_filter("worker:w2")
        await until_gone(app, "db1 ")
        await until_shown(app, "db2", "db3")


async def test_a_task_tells_when_its_worker_is_not_well_and_on_page_0_names_none() -> (
    None
):
    async with driven(pool(), (220, 60)) as (app, pilot):
        await pilot.press("5")
        shown = await until_shown(app, "⚠ w2", "w1 ")
        rows = [line for line in shown.splitlines() if "● running   " in line]
        assert [line.count("⚠ w2 ") for line in rows] == [0, 1, 1]
        assert [line.count("⚠ w2: unhealthy") for line in rows] == [0, 1, 1]
        await pilot.press("0")
        await until_shown(app, "used/limit")
        columns = [one.title for one in page_of(app).details.columns()]
        assert "last line · result" in columns
        assert "worker" not in columns


async def test_a_storm_of_sizes_ends_in_a_whole_page() -> None:
    engine = pool()
    async with driven(engine) as (app, pilot):
        await pilot.press("0", "j")
        before = await until_shown(app, "Workers 4", "saved 3 of 4")
        for width, height in ((30, 8), (220, 60), (80, 24), (12, 3), (181, 20)):
            await pilot.resize_terminal(width, height)
            engine.change(workers=engine.current.workers)
        await pilot.resize_terminal(140, 42)
        await until(lambda: text(app) == before)
        assert page_of(app).main.cursor_key == "w2"


async def test_the_palette_and_the_command_line_go_to_a_worker() -> None:
    async with driven(pool()) as (app, pilot):
        await pilot.press("colon", *"worker w3", "enter")
        await until_shown(app, "w4.farm")
        await until(lambda: page_of(app).main.cursor_key == "w3")
        await pilot.press("ctrl+p", *"w2")
        await until_shown(app, "worker w2")
        await pilot.press("down", "enter")
        await until(lambda: page_of(app).main.cursor_key == "w2")


async def test_l_shows_the_logs_of_what_a_worker_runs_merged() -> None:
    async with driven(pool()) as (app, pilot):
        await pilot.press("0", "l")
        shown = await until_shown(app, "copied table 7")
        assert "saved 3 of 4" not in shown
        screen = app.screen
        assert isinstance(screen, MainScreen)
        assert screen.page.KEY == "6"


async def test_each_worker_has_its_own_row_in_the_tree_of_limits() -> None:
    engine = pool()
    async with driven(engine) as (app, pilot):
        await pilot.press("4")
        shown = await until_shown(
            app, "worker", "mem_gb", "67/256", "64/64", "3/64", "1 full worker",
        )  # fmt: skip
        assert shown.index("w2 ") < shown.index("w1 ")
        screen = app.screen
        assert isinstance(screen, MainScreen)
        thing = ResourceThing(
            node=NodeName("w1"),
            level=LevelName("worker"),
            resource=ResourceName("mem_gb"),
        )
        assert screen.page.point_at(thing)
        assert screen.page.things() == (thing,)
        await until_shown(app, "mem_gb on w1")


async def test_names_of_workers_are_shown_as_the_characters_they_have() -> None:
    bad = "\x1b]0;own\x07[/red]\u202e"
    engine = ScriptedEngine(
        current=snapshot(
            workers=(
                worker(f"w{bad}", f"X{bad}", (f"r{bad}", 1, 2),
                       host=f"h{bad}", why=f"y{bad}"),
            ),
            initial_wait=f"waits {bad}\nfor\r{bad}",
            running=(running("etl", "db1", worker=f"w{bad}"),),
        )
    )  # fmt: skip
    async with driven(engine) as (app, pilot):
        await pilot.press("0")
        shown = await until_shown(app, "[/red]", "waits", "db1")
        assert not set(shown) & set("\x1b\x07\r\u202e")
        await pilot.press("w")
        shown = await until_shown(app, "Why · w", "[/red]")
        assert not set(shown) & set("\x1b\x07\r\u202e")


async def test_of_two_hundred_workers_only_what_changed_is_painted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    many = tuple(worker(f"w{n:03}", slots=8, running=n % 8) for n in range(200))
    engine = ScriptedEngine(current=snapshot(workers=many))
    async with driven(engine) as (app, pilot):
        await pilot.press("0")
        await until_shown(app, "200/200 workers", "w000")
        page = page_of(app)
        painted: list[Region] = []
        refresh = page.main.refresh

        def counting(*regions: Region, **how: Any) -> WorkerList:
            painted.extend(regions)
            return refresh(*regions, **how)

        monkeypatch.setattr(page.main, "refresh", counting)
        engine.change(workers=(*many[:3], many[3]._replace(state="NEW"), *many[4:]))
        await until(lambda: page.main.rows[3].state == "NEW")
        await until(lambda: bool(painted))
        assert len(painted) <= 2
