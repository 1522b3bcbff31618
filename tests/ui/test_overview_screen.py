"""What stands where on the overview, as text grids."""

from dataclasses import replace

import pytest
from rich.cells import cell_len
from textual.strip import Strip

from bistro_tui.app import BistroApp
from bistro_tui.engine.view import Banner, Reason, Snapshot
from bistro_tui.screens.main import MainScreen
from bistro_tui.widgets.jobs_table import JobsTable
from bistro_tui.widgets.log_view import LogView
from tests.ui.driving import NARROW, WIDE, driven, until, until_gone, until_shown
from tests.ui.pictures import grid, text
from tests.ui.scenes import broken_engine, busy_engine, quiet_engine
from tests.ui.scripted import (
    NOW,
    FrozenClock,
    ScriptedEngine,
    engine_state,
    job,
    running,
    snapshot,
    task,
)


def move(app: BistroApp, seconds: float) -> None:
    assert isinstance(app.clock, FrozenClock)
    app.clock.wall += seconds


async def test_wide_everything_has_its_place() -> None:
    async with driven(busy_engine(), WIDE) as (app, _):
        await until_shown(app, "segment 12")
        rows = grid(app)
    assert len(rows) == 42
    assert rows[0].startswith(" bistro-tui db-farm  ● running")
    assert rows[0].rstrip().endswith("nightly.json · config v3, 2m ago · up 2h")
    assert "● 9 running" in rows[1]
    assert "✓ 149 of 240 done" in rows[1]
    assert rows[2].startswith("  1 Overview  ")
    assert rows[3].startswith("━ Jobs 7 ━")
    assert "─ Nodes 11 ─" in rows[3]
    backup = next(row for row in rows if row.startswith("▌backup"))
    assert backup.split()[1:3] == ["●", "running"]
    assert "31    4    ·    1   12" in backup
    assert "concurrency 9/12" in backup
    assert "~42m" in backup
    assert any("⊘ disabled" in row and "analytics" in row for row in rows)
    assert any("⚠ invalid" in row and "vacuum" in row for row in rows)
    assert any(" io 5/5" in row for row in rows)
    assert any("concurrency 2/2" in row for row in rows)
    running_row = next(row for row in rows if "12m34s" in row)
    assert running_row.split()[:10] == [
        "●", "running", "backup", "db1", "12m34s", "2", "20117", "412M", "10m25s",
        "local",
    ]  # fmt: skip
    assert any("◑ stopping" in row and "KILL in 7s" in row for row in rows)
    for word in ("? help", "q quit", "/ filter", "e on/off", "w why"):
        assert word in rows[-1]


async def test_narrow_all_four_panes_are_there() -> None:
    async with driven(busy_engine(), NARROW) as (app, _):
        await until_shown(app, "segment 12")
        rows = grid(app)
    assert len(rows) == 24
    titles = [row.split()[1] for row in rows if row[:2] in ("━ ", "─ ")]
    assert titles == ["Jobs", "Nodes", "Running", "Log"]
    for word in (
        "ship-logs",
        "concurrency 9/12",
        "12m34s",
        "segment 12",
        "✗ 3",
        "20117",
    ):
        assert any(word in row for row in rows), word
    assert all(len(row) <= 80 for row in rows)


async def test_with_one_job_there_is_room_for_the_titles_of_its_columns() -> None:
    one = snapshot(jobs=(job("etl", {Reason.RUNNING: 3}),))
    async with driven(ScriptedEngine(one), (80, 24)) as (app, _):
        await until_shown(app, "etl")
        rows = grid(app)
    (jobs,) = (number for number, row in enumerate(rows) if "━ Jobs" in row)
    assert rows[jobs + 1].split()[:2] == ["job", "state"]
    assert rows[jobs + 2].startswith("▌etl")


async def test_narrow_the_pane_with_the_keyboard_grows() -> None:
    async with driven(busy_engine(), NARROW) as (app, pilot):
        log = app.screen.query_one(LogView)
        await until(lambda: log.size.height == 4)
        await pilot.press("shift+tab")
        await until(lambda: log.size.height == 9)
        assert app.screen.query_one(JobsTable).size.height == 4


async def test_a_short_screen_shows_one_pane_and_tab_goes_on() -> None:
    async with driven(busy_engine(), (80, 12)) as (app, pilot):
        await until_shown(app, "Jobs 7")
        assert "Nodes" not in text(app)
        await pilot.press("tab")
        await until_shown(app, "Nodes 11", "rack-a")
        assert "Jobs 7" not in text(app)


async def test_too_small_says_so_and_comes_back() -> None:
    async with driven(busy_engine(), NARROW) as (app, pilot):
        for width, height in ((39, 24), (80, 9), (1, 1), (500, 3)):
            await pilot.resize_terminal(width, height)
            await until(lambda: app.screen.has_class("-too-small"))
            if width > 1:
                await until_shown(app, "too small", f"{width}×{height}")
            await pilot.resize_terminal(*NARROW)
            await until_shown(app, "Jobs 7", "Running 9")


async def test_every_size_draws_within_its_columns() -> None:
    async with driven(broken_engine(), WIDE) as (app, pilot):
        for width, height in ((40, 10), (60, 20), (79, 33), (110, 19), (300, 80)):
            await pilot.resize_terminal(width, height)
            await until_shown(app, "Jobs")
            assert all(cell_len(row) <= width for row in grid(app))


async def test_a_broken_config_shows_its_line_and_caret() -> None:
    async with driven(broken_engine()) as (app, pilot):
        shown = await until_shown(app, "✗ config", "12 |", "^")
        assert "expected ',' or '}' here" in shown
        await pilot.press("exclamation_mark")
        await until_shown(app, "Problems", "nothing new starts", "backoff[2]")


async def test_a_banner_goes_when_it_is_over() -> None:
    engine = broken_engine()
    async with driven(engine) as (app, _):
        await until_shown(app, "✗ config")
        engine.change(banners=())
        await until_gone(app, "✗ config")


async def test_empty_panes_say_what_would_be_there() -> None:
    async with driven(ScriptedEngine()) as (app, _):
        await until_shown(
            app,
            "no jobs in the config yet",
            "no nodes yet",
            "no task runs",
            "no output yet",
        )


async def test_all_done_is_said_at_the_top() -> None:
    async with driven(quiet_engine()) as (app, _):
        await until_shown(app, "✓ all done", "✓ 6 of 6 done", "100%")


async def test_ages_grow_each_second_without_a_new_snapshot() -> None:
    engine = ScriptedEngine(current=snapshot(running=(running("etl", "db7", 5),)))
    async with driven(engine) as (app, _):
        await until_shown(app, "etl", " 5s")
        move(app, 61)
        await until_shown(app, "1m06s")


async def test_the_time_until_a_kill_is_counted_without_a_new_snapshot() -> None:
    row = running("etl", "db7", 5, stopping=True, kill_at=NOW + 9)
    engine = ScriptedEngine(current=snapshot(running=(row,)))
    async with driven(engine, NARROW) as (app, pilot):
        await until_shown(app, "◑ stopping", "KILL in 9s")
        move(app, 2)
        await until_shown(app, "KILL in 7s")
        await pilot.press("tab", "tab", "enter")
        await until_shown(app, "Task · etl@db7", "◑ stopping, KILL in 7s")
        move(app, 1)
        await until_shown(app, "◑ stopping, KILL in 6s")


async def test_what_tasks_use_is_shown_from_when_it_is_known() -> None:
    row = running("etl", "db7", 5)
    engine = ScriptedEngine(current=snapshot(running=(row,)))
    async with driven(engine) as (app, _):
        assert "rss" not in await until_shown(app, "4711")
        engine.change(running=(row._replace(rss=64 << 20, cpu_seconds=4.0),))
        await until_shown(app, "rss", "64M", "4.0s")
        engine.change(running=())
        await until_shown(app, "no task runs", "rss")


async def test_news_is_shown_and_many_news_are_shown_as_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    engine = busy_engine()
    async with driven(engine) as (app, _):
        await until_shown(app, "● 9 running")
        overview = app.screen
        assert isinstance(overview, MainScreen)
        shows: list[int] = []
        show = overview.show

        def counted(new: Snapshot) -> None:
            shows.append(new.serial)
            show(new)

        monkeypatch.setattr(overview, "show", counted)
        for number in range(50):
            engine.change(state=engine_state(config_version=100 + number))
        await until_shown(app, "config v149")
        assert len(shows) <= 3


async def test_freeze_holds_the_picture_while_the_engine_goes_on() -> None:
    engine = busy_engine()
    async with driven(engine) as (app, pilot):
        await until_shown(app, "● 9 running", "Jobs 7")
        await pilot.press("z")
        await until_shown(app, "frozen 0s · z resumes")
        engine.change(jobs=engine.current.jobs[:2], running=engine.current.running[:1])
        engine.write(task("backup", "db1"), "written while frozen")
        move(app, 30)
        shown = await until_shown(app, "frozen 30s")
        assert "Jobs 7" in shown
        assert "12m34s" in shown
        assert "written while frozen" not in shown
        await pilot.press("z")
        await until_shown(app, "Jobs 2", "Running 1", "13m04s", "written while frozen")


async def test_no_color_sends_no_colours_and_tells_bars_apart(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with driven(busy_engine()) as (app, _):
        shown = await until_shown(app, "###")
        assert ">" in shown
        strips = app.screen._compositor.render_strips(app.size)
        colours = {
            str(color)
            for strip in strips
            for segment in strip.apply_filter(
                app.get_line_filters()[0], app.screen.styles.background
            )
            if segment.style
            for color in (segment.style.color, segment.style.bgcolor)
            if color is not None and not color.is_default
        }
        assert colours == set()


async def test_a_stopped_engine_ends_the_ui() -> None:
    engine = busy_engine()
    async with driven(engine) as (app, _):
        await until_shown(app, "● running")
        engine.change(state=replace(engine.current.state, word="stopped"))
        await until(lambda: app.end is not None)
    assert app.end == "stopped"


async def test_being_told_that_the_engine_finished_ends_the_ui() -> None:
    async with driven(busy_engine()) as (app, _):
        app.engine_finished()
        await until(lambda: app.end is not None)
    assert app.end == "stopped"


async def test_a_snapshot_that_changes_nothing_draws_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    engine = busy_engine()
    engine.logs.clear()
    engine.partial.clear()
    async with driven(engine) as (app, _):
        await until_shown(app, "● 9 running")
        jobs = app.screen.query_one(JobsTable)
        drawn: list[int] = []
        render_line = jobs.render_line

        def counted(y: int) -> Strip:
            drawn.append(y)
            return render_line(y)

        monkeypatch.setattr(jobs, "render_line", counted)
        engine.change(banners=(Banner(topic="x", text="seen"),))
        await until_shown(app, "seen")
        drawn.clear()
        engine.change(banners=(Banner(topic="x", text="again"),))
        await until_shown(app, "again")
        assert drawn == []


def test_the_frozen_moment_is_what_the_scenes_count_from() -> None:
    assert busy_engine().current.now == NOW


async def test_a_very_wide_screen_tells_what_is_blocked_what_is_next_what_failed() -> (
    None
):
    async with driven(busy_engine(), (220, 60)) as (app, pilot):
        await until_shown(
            app,
            "⏸ 17 dependency · 12 resource",
            "◑ backup@db5 gets SIGKILL",
            "✗ compress@db7",
            "12m34s",
            "segment 12",
        )
        await pilot.resize_terminal(*WIDE)
        await until_gone(app, "gets SIGKILL")


async def test_pages_and_problems_in_the_head_can_be_clicked() -> None:
    async with driven(broken_engine(), WIDE) as (app, pilot):
        rows = await until_shown(app, "1 Overview", "2 Jobs", "✗ 2 problems")
        lines = rows.splitlines()
        await pilot.click(offset=(lines[2].index("2 Jobs") + 2, 2))
        await until_shown(app, "/min")
        await pilot.click(offset=(lines[0].index("problems"), 0))
        await until_shown(app, "Problems", "nothing new starts")
