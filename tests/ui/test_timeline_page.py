"""Page 7: attempts along the time."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from bistro_tui.app import BistroApp
from bistro_tui.engine.errors import ControlRefused
from bistro_tui.engine.view import Attempt, AttemptPage, Reason
from bistro_tui.present.runs import Runs
from bistro_tui.present.things import TaskThing
from bistro_tui.screens.history_feed import HistoryFeed
from bistro_tui.screens.main import MainScreen
from bistro_tui.widgets.gantt_view import GanttView
from tests.ui.driving import NARROW, WIDE, driven, until, until_shown
from tests.ui.pictures import grid
from tests.ui.scripted import (
    NOW,
    ScriptedEngine,
    ended,
    engine_state,
    job,
    node,
    running,
    snapshot,
    task,
)


def attempt(
    job_name: str, node_name: str, ago: float, seconds: float, result: str = "done"
) -> Attempt:
    return Attempt(
        task=task(job_name, node_name),
        invocation=f"{int(NOW - ago)}-{node_name}",
        started=NOW - ago,
        ended=NOW - ago + seconds,
        result=result,
        exit="" if result == "done" else "exited with status 3",
        detail="",
        worker="local",
        peak_memory=200 << 20,
        cpu_seconds=seconds / 2,
    )


def scene() -> ScriptedEngine:
    return ScriptedEngine(
        current=snapshot(
            jobs=(job("report", {}), job("backup", {})),
            nodes=(node("farm", 0), node("db2", 1), node("db10", 1)),
            running=(running("backup", "db10", 60),),
        ),
        attempts=[
            attempt("backup", "db2", 50, 20, "failed"),
            attempt("report", "db2", 100, 30, "error_backoff"),
            attempt("backup", "db2", 200, 60),
            attempt("backup", "db10", 4000, 60),
        ],
    )


def gantt(app: BistroApp) -> GanttView:
    return app.screen.query_one(GanttView)


def lane(app: BistroApp, name: str) -> str:
    return next(row for row in grid(app) if row[1:].startswith(name))


async def test_every_job_has_its_lane_in_the_order_of_the_config() -> None:
    async with driven(scene(), WIDE) as (app, pilot):
        await pilot.press("7")
        await until_shown(app, "5 attempts by job", "5s a cell", "▸ now")
        rows = grid(app)
        at = [i for i, row in enumerate(rows) if row[1:7] in ("report", "backup")]
        assert rows[at[0]][1:7] == "report"
        assert "━━━━━━↻" in rows[at[0]]
        assert "━━━━━━━━━━━━✓" in rows[at[1]]
        assert any("━━━━━━━━━━━━●" in row for row in rows)
        assert any("━━━━✗" in row for row in rows)


async def test_the_cursor_tells_all_of_an_attempt() -> None:
    async with driven(scene(), WIDE) as (app, pilot):
        await pilot.press("7")
        await until_shown(app, "5 attempts by job")
        await pilot.press("g")
        await until_shown(
            app, "─ report@db2 ─", "↻ failed, tried again after a backoff"
        )
        await pilot.press("j", "right")
        await until_shown(app, "exited with status 3 · 200M at most · 10s CPU")
        things = gantt(app).things()
        assert things == (
            TaskThing(task=task("backup", "db2"), invocation=f"{int(NOW - 50)}-db2"),
        )
        await pilot.press("enter")
        await until_shown(app, "Attempt · backup@db2", "invocation")
        await pilot.press("escape", "left", "left")
        await until_shown(app, "✓ done · took 1m00s")


async def test_zoom_scroll_and_the_way_back_to_now() -> None:
    async with driven(scene(), WIDE) as (app, pilot):
        await pilot.press("7")
        await until_shown(app, "5 attempts by job")
        await pilot.press("left_parenthesis")
        await until_shown(app, "10s a cell")
        await pilot.press("right_parenthesis", "right_parenthesis")
        await until_shown(app, "2s a cell")
        await pilot.press("left_square_bracket")
        await until_shown(app, "space: now", "from 20")
        assert not gantt(app).chart.following
        await pilot.press("right_square_bracket")
        await until(lambda: gantt(app).chart.following, "it follows again")
        await pilot.press("left_square_bracket", "space")
        await until_shown(app, "▸ now")
        await pilot.press("left_square_bracket", "escape")
        await until_shown(app, "▸ now")


async def test_v_turns_the_lanes_into_nodes() -> None:
    async with driven(scene(), NARROW) as (app, pilot):
        await pilot.press("7")
        await until_shown(app, "5 attempts by job")
        await pilot.press("v")
        await until_shown(app, "by node")
        rows = grid(app)
        names = [row.strip("▌ ").split()[0] for row in rows if row[1:3] == "db"]
        assert names == ["db2", "db10"]
        assert all(len(row.rstrip()) <= 80 for row in rows)


async def test_the_filter_keeps_the_attempts_that_fit() -> None:
    async with driven(scene(), WIDE) as (app, pilot):
        await pilot.press("7")
        await until_shown(app, "5 attempts by job")
        await pilot.press("slash", *"status:failed", "enter")
        await until_shown(app, "/status:failed 1")
        assert [str(thing) for thing in gantt(app).things()] == ["backup@db2"]
        await pilot.press("escape")
        await until(lambda: not gantt(app).filter_text)


async def test_a_run_that_ends_while_one_looks_shows_what_it_came_to() -> None:
    engine = scene()
    async with driven(engine, WIDE) as (app, pilot):
        await pilot.press("7")
        await until_shown(app, "5 attempts by job")
        await pilot.press("G", "k")
        await until_shown(app, "● running · for 1m00s")
        result = ended("backup", "db10", 0, result=Reason.FAILED, detail="killed")
        engine.change(running=(), ended=(result,))
        await until_shown(app, "✗ failed · took 1m00s", "killed")


async def test_jumping_to_an_attempt_goes_to_its_time() -> None:
    async with driven(scene(), WIDE) as (app, pilot):
        await pilot.press("7")
        await until_shown(app, "5 attempts by job")
        main = app.screen
        assert isinstance(main, MainScreen)
        old = TaskThing(
            task=task("backup", "db10"), invocation=f"{int(NOW - 4000)}-db10"
        )
        main.go("7", old)
        await until_shown(app, "✓ done · took 1m00s", "space: now")
        assert "━━━" in lane(app, "backup")


async def test_the_first_picture_has_the_zoom_that_stays() -> None:
    engine = scene()
    engine.current = replace(engine.current, state=engine_state(started=NOW - 20))
    seen: list[float] = []
    async with driven(engine, WIDE) as (app, pilot):
        await pilot.press("7")
        chart = gantt(app)

        def look() -> bool:
            if chart.size.width:
                seen.append(chart.chart.axis.step)
            return len(seen) > 20

        await until(look)
        await until_shown(app, "attempts by job")
    assert set(seen) == {0.5}


async def test_an_attempt_that_a_person_chose_stays_in_sight() -> None:
    async with driven(scene(), WIDE) as (app, pilot):
        await pilot.press("7")
        await until_shown(app, "5 attempts by job", "▸ now")
        await pilot.press("g")
        shown = gantt(app)
        assert shown.run is not None
        shown.show(NOW + 3_000)
        assert not shown.chart.following
        assert shown.chart.axis.left <= shown.run.end
        await pilot.press("space")
        await until_shown(app, "▸ now")
        shown.show(NOW + 6_000)
        assert shown.chart.following


async def test_a_history_that_comes_late_gets_a_cursor_as_well() -> None:
    came = asyncio.Event()

    class Slow(ScriptedEngine):
        async def history(self, **asked: Any) -> AttemptPage:
            await came.wait()
            return await super().history(**asked)

    engine = Slow(attempts=scene().attempts)
    async with driven(engine, WIDE) as (app, pilot):
        await pilot.press("7")
        await until_shown(app, "reading the history")
        await until(lambda: gantt(app).has_focus, "focus")
        assert gantt(app).run is None
        came.set()
        await until_shown(app, "4 attempts by job", "─ backup@db2 ─")
        assert gantt(app).run is not None
        assert gantt(app).chart.following
        assert not gantt(app).chart.is_held


async def test_who_only_watches_follows_the_time() -> None:
    async with driven(scene(), WIDE) as (app, pilot):
        await pilot.press("7")
        await until_shown(app, "5 attempts by job", "▸ now")
        shown = gantt(app)
        assert shown.run is not None
        shown.show(NOW + 3_000)
        assert shown.chart.following


async def test_a_refusal_is_told_as_it_is() -> None:
    class Older(ScriptedEngine):
        async def history(self, **_: object) -> AttemptPage:
            raise ControlRefused("no history here [/b]")

    async with driven(Older(), WIDE) as (app, pilot):
        await pilot.press("7")
        await until_shown(app, "no history here [/b]")


class Past(ScriptedEngine):
    """Counts the pages that are read."""

    pages = 0

    async def history(self, **asked: Any) -> AttemptPage:
        self.pages += 1
        return await super().history(**asked)


@pytest.fixture
def past() -> Past:
    engine = Past()
    engine.attempts = [attempt("etl", f"n{n}", n, 0.5) for n in range(1, 3_001)]
    return engine


async def test_older_pages_are_read_only_as_far_as_one_looks(past: Past) -> None:
    runs = Runs()
    feed = HistoryFeed(past, runs)
    assert await feed.turn(NOW - 100)
    assert (past.pages, len(runs), feed.known_since) == (1, 500, NOW - 500)
    assert not await feed.turn(NOW - 100)
    assert past.pages == 2
    assert await feed.turn(NOW - 1_200)
    assert (len(runs), feed.known_since) == (1_500, NOW - 1_500)
    assert await feed.turn(NOW - 10_000)
    assert (len(runs), feed.known_since) == (3_000, float("-inf"))


async def test_when_too_much_happened_meanwhile_no_hole_is_shown(past: Past) -> None:
    runs = Runs()
    feed = HistoryFeed(past, runs)
    await feed.turn(NOW - 1_200)
    past.attempts = [
        *(attempt("etl", f"m{n}", -n, 0.5) for n in range(2_500, 0, -1)),
        *past.attempts,
    ]
    await feed.turn(NOW + 2_000)
    assert (len(runs), feed.known_since) == (2_000, NOW + 501)


async def test_an_attempt_that_ended_out_of_sight_is_asked_for(past: Past) -> None:
    runs, row = Runs(), running("long", "n1", 90_000)
    past.attempts.append(
        Attempt(
            task=row.task,
            invocation=row.invocation,
            started=row.since,
            ended=NOW - 1,
            result="done",
            exit="",
            detail="",
            worker="local",
            peak_memory=None,
            cpu_seconds=None,
        )
    )
    feed = HistoryFeed(past, runs)
    runs.look([row], [])
    runs.look([], [])
    await feed.turn(NOW - 10)
    assert str(runs.all[0].task) == "long@n1"
    assert not runs.lost
