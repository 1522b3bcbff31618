"""Page 6: all running tasks' output, until something is chosen."""

from dataclasses import replace

import pytest

from bistro_tui.engine.view import ConfigProblem, JobName, Notice
from bistro_tui.present.log_target import LogThing
from bistro_tui.screens.main import MainScreen
from tests.ui.driving import NARROW, WIDE, driven, until_gone, until_shown
from tests.ui.hostile import HOSTILE, hostile_engine
from tests.ui.pictures import text
from tests.ui.scenes import busy_engine
from tests.ui.scripted import (
    NOW,
    ScriptedEngine,
    ended,
    node,
    running,
    snapshot,
    task,
)
from tests.ui.test_hostile import assert_safe


def three_tasks() -> ScriptedEngine:
    engine = ScriptedEngine(
        current=snapshot(
            nodes=(node("farm"), node("n1", 1), node("n2", 1)),
            running=(running("a", "n1"), running("b", "n2")),
            ended=(ended("c", "n1"),),
        )
    )
    for job, host in (("a", "n1"), ("b", "n2"), ("c", "n1")):
        engine.write(task(job, host), f"{job} says")
    return engine


async def test_it_follows_all_tasks_until_one_is_chosen() -> None:
    engine = three_tasks()
    async with driven(engine) as (app, pilot):
        await pilot.press("6")
        await until_shown(app, "Log all tasks", "a says", "b says", "c says")
        engine.write(task("b", "n2"), "b goes on")
        await until_shown(app, "b goes on", "▼ following")
        await pilot.press("tab", "j", "j")
        await until_shown(app, "Log b@n2", "b says")
        await until_gone(app, "a says")
        await pilot.press("enter", "escape")
        await until_shown(app, "Log all tasks", "a says")


async def test_marks_merge_the_logs_of_some_tasks() -> None:
    engine = three_tasks()
    async with driven(engine) as (app, pilot):
        await pilot.press("6", "tab", "j", "space", "j", "space")
        await until_shown(app, "Log 2 tasks merged", "a says")
        shown = text(app)
        assert ("b says" in shown) != ("c says" in shown)
        engine.write(task("a", "n1"), "a goes on")
        await until_shown(app, "a goes on")


async def test_l_on_a_task_shows_its_log_here_and_x_stops_that_task() -> None:
    engine = busy_engine()
    async with driven(engine) as (app, pilot):
        await pilot.press("5", "j", "j")
        await until_shown(app, "backup")
        main = app.screen
        assert isinstance(main, MainScreen)
        main.go("6", main.page.things()[0])
        await until_shown(app, "Log verify-backup@db1", "● running", "checksum ok")
        await pilot.press("x")
        await until_shown(app, "verify-backup@db1 is being stopped")
        await pilot.press("enter")
        await until_shown(app, "Task · verify-backup@db1", "started", "20781")
        [asked] = [one for one in engine.asked if one[0] == "kill_task"]
        assert asked[1] == task("verify-backup", "db1")
        assert asked[2] == engine.current.running[2].invocation


async def test_a_jump_to_a_line_shows_it_among_its_neighbours() -> None:
    engine = three_tasks()
    one = task("a", "n1")
    engine.write(one, *(f"step {n:04}" for n in range(9_000)))
    place = LogThing(task=one, line_id=engine.logs[one][43].line_id)
    async with driven(engine) as (app, pilot):
        await pilot.press("6")
        await until_shown(app, "step 8999")
        main = app.screen
        assert isinstance(main, MainScreen)
        main.go("6", place)
        await until_shown(app, "Log a@n1", "▌│ step 0042", "step 0043")


async def test_a_job_or_a_node_narrows_the_merged_log() -> None:
    engine = busy_engine()
    async with driven(engine) as (app, pilot):
        await pilot.press("2", "l")
        await until_shown(app, "Log all tasks of backup", "dumped table orders_12")
        await until_gone(app, "checksum ok")
        await pilot.press("escape")
        await until_shown(app, "Log all tasks ", "checksum ok")


async def test_a_narrow_screen_has_one_line_of_tasks_until_it_is_chosen_from() -> None:
    async with driven(three_tasks(), NARROW) as (app, pilot):
        await pilot.press("6")
        await until_shown(app, "Tasks 2 running · tab to choose", "a says")
        assert "≡ all tasks" not in text(app)
        await pilot.press("tab")
        await until_shown(app, "≡ all tasks", "● a@n1", "a says")


async def test_a_filter_looks_through_the_logs_of_all_tasks() -> None:
    engine = three_tasks()
    many = [f"noise {n}" for n in range(9_000)]
    engine.write(task("old", "n9"), "a needle", at=NOW - 1_000)
    engine.write(task("a", "n1"), *many)
    async with driven(engine) as (app, pilot):
        await pilot.press("6")
        await until_shown(app, "noise 8999")
        await pilot.press("slash", *"needle", "enter")
        await until_shown(app, "old@n9", "a needle", "/needle 1")


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
async def test_workers_whose_lines_are_missing_are_named_above_the_log(
    size: tuple[int, int],
) -> None:
    engine = three_tasks()
    away = "Some workers cannot be asked for logs: unhealthy: w\x1b1"
    engine.unasked = (away,)
    async with driven(engine, size) as (app, pilot):
        await pilot.press("6")
        shown = await until_shown(
            app, "⚠ Some workers cannot be asked", "w␛1", "c says"
        )
        assert shown.count("Some workers") == 1
        await pilot.press("slash", *"says", "enter")
        await until_shown(app, "/says 3", "⚠ Some workers cannot be asked")
        engine.unasked = ()
        await pilot.press("escape")
        await until_gone(app, "Some workers")
        await until_shown(app, "a says", "b says", "c says")


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
async def test_hostile_text_is_shown_on_the_pages_of_logs_and_of_events(
    size: tuple[int, int],
) -> None:
    engine = hostile_engine(*HOSTILE)
    engine.said = [
        Notice(serial=n, at=NOW, level=evil, text=f"{evil}\n{evil}")
        for n, evil in enumerate(HOSTILE, 1)
    ]
    problems = tuple(
        ConfigProblem(
            file=evil, line=n, column=n, path=evil, message=evil, job=JobName(evil),
            is_error=bool(n % 2),
        )
        for n, evil in enumerate(HOSTILE)
    )  # fmt: skip
    engine.config = replace(engine.config, path=HOSTILE[3], problems=problems)
    engine.refusal = HOSTILE[0]
    async with driven(engine, size) as (app, pilot):
        await pilot.press("6")
        await until_shown(app, "Log all tasks")
        for key in ("W", "T", "T", "g", "tab", "j", "j", "space", "j", "enter"):
            await pilot.press(key)
            assert_safe(app)
        await pilot.press("8")
        await until_shown(app, "Config")
        for key in ("j", "tab", "k", "enter", "escape", "tab", "shift+tab"):
            await pilot.press(key)
            assert_safe(app)
        assert app.end is None
