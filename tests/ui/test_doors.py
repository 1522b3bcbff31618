"""Several schedulers on one screen: a tab each, and all of them together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from textual.pilot import Pilot

from bistro_tui.attached_app import AttachedApp
from bistro_tui.doors import Door
from bistro_tui.engine.view import JobName, Reason
from bistro_tui.present.things import JobThing
from bistro_tui.screens.main import MainScreen
from tests.ui.driving import WIDE, top, until, until_gone, until_shown
from tests.ui.pictures import grid
from tests.ui.scenes import busy_engine
from tests.ui.scripted import (
    FrozenClock,
    ScriptedEngine,
    engine_state,
    job,
    node,
    running,
    snapshot,
    task,
)


def small_engine() -> ScriptedEngine:
    return ScriptedEngine(
        current=snapshot(
            state=engine_state(instance="day"),
            jobs=(job("backup", {Reason.RUNNING: 1}, enabled=True, owner="day-ops"),),
            nodes=(node("day"), node("web1", 1)),
            running=(running("backup", "web1"),),
        )
    )


@asynccontextmanager
async def together(
    *engines: ScriptedEngine, read_only: str = ""
) -> AsyncIterator[tuple[AttachedApp, Pilot[None]]]:
    labels = ("night", "day", "[/gpu]\x1b[2J")
    doors = [
        Door(label=label, view=one, control=one, why_read_only=read_only)
        for label, one in zip(labels, engines, strict=False)
    ]
    app = AttachedApp(doors, crash_dir=None, clock=FrozenClock())
    async with app.run_test(size=WIDE, notifications=True) as pilot:
        yield app, pilot


async def test_one_scheduler_has_no_tabs() -> None:
    async with together(busy_engine()) as (app, _):
        await until_shown(app, "backup")
        assert grid(app)[0].startswith(" bistro-tui")


async def test_all_are_shown_together_first_and_differences_are_marked() -> None:
    async with together(busy_engine(), small_engine()) as (app, _):
        await until_shown(app, "2 schedulers", "night:db1", "day:web1")
        assert grid(app)[0].split() == ["all", "night", "day"]
        backup = next(row for row in grid(app) if "backup" in row)
        assert "≠" in backup


async def test_each_tab_is_as_it_was_left() -> None:
    async with together(busy_engine(), small_engine()) as (app, pilot):
        await until_shown(app, "2 schedulers")
        await pilot.press("right_curly_bracket")
        await until_shown(app, "db-farm")
        await pilot.press("2")
        await until(lambda: top(app).page.NAME == "Jobs")
        await pilot.press("right_curly_bracket")
        await until_shown(app, "web1")
        await until_gone(app, "analytics-rollup")
        await pilot.press("left_curly_bracket")
        await until_shown(app, "analytics-rollup")
        assert top(app).page.NAME == "Jobs"
        await pilot.press("left_curly_bracket")
        await until_shown(app, "2 schedulers")


async def test_the_tab_in_sight_is_the_one_that_follows_and_acts() -> None:
    night, day = busy_engine(), small_engine()
    async with together(night, day) as (app, pilot):
        await until_shown(app, "2 schedulers")
        await pilot.press("left_curly_bracket")
        await until_shown(app, "web1")
        day.change(state=replace(day.current.state, word="paused", text="by hand"))
        await until_shown(app, "paused by hand")
        await pilot.press("e")
        await until(lambda: day.asked == [("set_job_enabled", "backup", False)])
    assert night.asked == []


async def test_a_task_of_the_tab_of_all_is_stopped_where_it_runs() -> None:
    night, day = busy_engine(), small_engine()
    async with together(night, day) as (app, pilot):
        await until_shown(app, "day:web1")
        await pilot.press("5")
        await until(lambda: top(app).page.NAME == "Tasks")
        await pilot.press("slash", *"web1", "enter", "x")
        await until(lambda: any(asked[0] == "kill_task" for asked in day.asked))
    (killed,) = (asked[1] for asked in day.asked if asked[0] == "kill_task")
    assert killed == task("backup", "web1")
    assert not any(asked[0] == "kill_task" for asked in night.asked)


async def test_a_screen_that_only_looks_says_why_nothing_happens() -> None:
    engine = busy_engine()
    async with together(engine, read_only="this screen only looks") as (app, pilot):
        await until_shown(app, "backup")
        await pilot.press("e")
        await until_shown(app, "this screen only looks")
        await pilot.press("F")
    assert engine.asked == []


async def test_a_hostile_instance_name_is_a_harmless_tab() -> None:
    engines = (small_engine(), small_engine(), small_engine())
    async with together(*engines) as (app, _):
        await until_shown(app, "[/gpu]␛[2J")


async def test_what_differed_is_changed_everywhere_and_not_made_alike_by_undo() -> None:
    night, day = busy_engine(), small_engine()
    day.change(jobs=(job("backup", {}, enabled=False, priority=7.0),))
    backup = JobThing(name=JobName("backup"))
    async with together(night, day) as (app, pilot):
        await until_shown(app, "2 schedulers")
        main = app.screen
        assert isinstance(main, MainScreen)
        main.acts.switch((backup,), True)
        await until_shown(app, "day: backup is enabled", "u cannot take it back")
        main.acts.set_priority((backup,), 3.0)
        await until(lambda: ("set_job_priority", "backup", 3.0) in day.asked)
        asked = (len(night.asked), len(day.asked))
        await pilot.press("u")
        await until_shown(app, "nothing to undo")
    assert (len(night.asked), len(day.asked)) == asked
